"""Three days of one person with all that a statement has to bear, told through the books."""

import csv
import io
import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from uuid import UUID

from ates.accounting.models import Audit
from ates.accounting.posting.facts import TaskCard
from ates.accounting.service import corrections
from ates.kernel import clock
from tests.accounting.make import COCO, Office, moment, person, task
from tests.engines.people import Visitor

NOW = moment("30 12:00")
RIO, KLAVDIA = (UUID(f"00000000-0000-4000-8000-0000000000b{n}") for n in (1, 2))
NAMES = {2: "Count the parrots", 4: "=cmd()", 5: "Клетка; и качели", 6: "Feed the owls"}


@dataclass
class March:
    """The books on the 30th, with an employee and an accountant signed in.

    27: one task, paid 28.00 · 28: two fees, −25.00 carried over · 29: a fee in the first second,
    before the payout of the 27th; a late reward; a correction; −0.55 · 30: a reward, so far 22.45.
    """

    office: Office
    popug: Visitor
    accountant: Visitor

    @property
    def who(self) -> UUID:
        assert self.popug.person is not None
        return self.popug.person

    def happen(self) -> None:
        office, who = self.office, self.who
        office.meet(person(who, name="Kesha A.", trade="QA", email="kesha@popug.test"))
        with office.posting(moment("26 09:00")) as unit:
            for number, title in NAMES.items():
                unit.seen(
                    task(number), TaskCard(version=1, title=title, jira_id=None, number=number)
                )
        office.fee(who, 2, 1, "27 09:05")
        office.reward(who, 2, "27 16:00")
        office.fee(COCO, 3, 1, "28 10:00")
        office.fee(who, 4, 1, "28 10:10")
        office.fee(who, 5, 1, "28 23:59:59.999999")
        office.fee(who, 6, 1, "29 00:00")
        assert office.run("29 00:10").exit_code == 0
        office.reward(who, 4, "28 23:59:40", now="29 10:00")
        self.correct(245, "vet, receipt 118", at="29 17:00")
        assert office.run("30 00:10").exit_code == 0
        office.reward(who, 5, "30 09:00")

    def correct(self, cents: int, reason: str, *, at: str) -> None:
        """Asked for by one, approved by another."""
        with clock.frozen(moment(at)), self.office.database.transaction() as session:
            asked = corrections.request_correction(
                session, self.office.books, person=self.who, amount_cents=cents, reason=reason,
                by=RIO,
            )  # fmt: skip
            corrections.approve_correction(session, self.office.books, asked.id, by=KLAVDIA)

    def page(self, address: str, *, by: Visitor | None = None, status: int = 200) -> str:
        """What a person reads: the page without its marks."""
        answer = self.get(address, by=by)
        assert answer.status_code == status, answer.text
        body = answer.text.partition("<main")[2].partition("</main>")[0]
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    def get(self, address: str, *, by: Visitor | None = None) -> Any:
        with clock.frozen(NOW):
            answer = (by or self.popug).get(f"/accounting/{address}")
            answer.get_data()
        return answer

    def file(self, address: str, *, by: Visitor | None = None) -> str:
        """The bytes of a file for programs, as text."""
        more = "&" if "?" in address else "?"
        answer = self.get(f"{address}{more}dialect=plain", by=by)
        assert answer.status_code == 200, answer.text
        found: str = answer.get_data().decode()
        return found

    def rows(self, address: str, *, by: Visitor | None = None) -> list[dict[str, str]]:
        """The same, read by a program, without the total."""
        return rows_of(self.file(address, by=by))[:-1]

    def acts(self) -> list[tuple[str, str, str]]:
        """The audit log of readers: act, object, what."""
        with self.office.database.reading() as session:
            found = session.query(Audit).order_by(Audit.number).all()
            read = [row for row in found if not row.act.startswith("correction")]
            return [(row.act, row.object, row.after or "") for row in read]


def rows_of(file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file, newline="")))
