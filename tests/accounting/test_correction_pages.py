"""Corrections on pages and for programs: who may do what, in which words, and what people read."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from ates.accounting.models import Adjustment, Audit, Entry
from ates.accounting.service import corrections
from ates.contracts.auth import Role
from ates.kernel import clock, ids
from tests.accounting.make import Office, moment
from tests.engines.people import Visitor

NOON = moment("28 12:00")
REASON = "The lift was repaired by two of you"
LIST, NEW = "/accounting/corrections/", "/accounting/corrections/new"
ROOT = "/api/v1/accounting/adjustments"
WARNING = (
    "Another accountant has to approve. It is booked on approval, cannot be deleted, only corrected"
    " again; the task stays done."
)

Enter = Callable[..., Visitor]


class Bank:
    """Books with two people in them, and accountants to keep them; it is the 28th, noon."""

    def __init__(self, app: Flask, sign_in: Enter, drain: Callable[[], None]) -> None:
        self.app, self.sign_in = app, sign_in
        self.office = Office(app.extensions["ates.database"])
        self.kesha, self.polly = sign_in("employee", name="Kesha A."), sign_in("employee")
        self.rio = sign_in("accountant", name="Rio A.")
        self.aurora = sign_in("admin", name="Aurora K.")
        drain()
        self.office.fee(of(self.kesha), 1, 1, "27 09:00")
        self.office.reward(of(self.kesha), 1, "27 10:00")
        self.office.run("28 00:10")
        self.office.fee(of(self.rio), 2, 1, "28 09:00")

    def ask(self, by: Visitor | None = None, **typed: Any) -> TestResponse:
        """Rio asks for 12.50 on Kesha's account, unless told otherwise."""
        values = {"user": str(of(self.kesha)), "amount_cents": "12,50", "reason": REASON}
        return (by or self.rio).submit(NEW, LIST, **(values | typed))

    def decide(self, by: Visitor, deed: str = "approve") -> TestResponse:
        """Press the button at the newest correction."""
        return by.submit(LIST, f"{LIST}{self.newest().id}/{deed}")

    def newest(self) -> Any:
        rows = self.office.rows(select(Adjustment.__table__).order_by(Adjustment.id.desc()))
        return rows[0] if rows else None

    def last_entry(self) -> Any:
        return self.office.rows(select(Entry.__table__).order_by(Entry.entry_no.desc()))[0]


@pytest.fixture
def bank(app: Flask, sign_in: Enter, drain: Callable[[], None]) -> Iterator[Bank]:
    with clock.frozen(NOON), app.app_context():
        yield Bank(app, sign_in, drain)


def of(visitor: Visitor) -> UUID:
    assert visitor.person is not None
    return visitor.person


def words(answer: TestResponse, status: int = 200) -> str:
    """What a person reads of a page."""
    assert answer.status_code == status, answer.text
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


# --- asking ---------------------------------------------------------------------------------------


def test_asked_by_one_approved_by_another_then_read_by_its_owner(bank: Bank) -> None:
    assert WARNING in words(bank.rio.get(f"{NEW}?user={of(bank.kesha)}"))
    done = bank.ask()
    assert (done.status_code, done.location) == (303, f"{LIST}#c{bank.newest().id}")
    page = words(bank.rio.get(LIST))
    assert "The correction waits for somebody else's approval." in page
    assert f"Kesha A. +$12.50 {REASON} Rio A." in page
    assert "You asked for it; somebody else decides." in page
    assert "Approve" not in page
    assert "Corrections (1 waits)" in words(bank.aurora.get("/accounting/"))
    assert "Approve +$12.50 : Kesha A." in words(bank.aurora.get(LIST))
    assert bank.decide(bank.aurora).status_code == 303
    number = bank.last_entry().entry_no
    page = words(bank.aurora.get(LIST))
    assert f"Approved: +$12.50 for Kesha A. is entry {number}." in page
    assert f"✓ approved Aurora K. · 28 Mar, 12:00 · Entry {number}" in page
    own = words(bank.kesha.get("/accounting/me"))
    told = f"± correction {REASON} Asked for by Rio A., approved by Aurora K. +$12.50 $12.50"
    assert told in own, own
    statement = words(bank.kesha.get("/accounting/me/statements/2025-03-28"))
    assert "Corrections, 1 entry +$12.50" in statement
    assert told in statement
    everybodys = words(bank.rio.get("/accounting/entries/?kind=adjustment"))
    assert "Asked for by Rio A., approved by Aurora K. +$12.50 $12.50" in everybodys


def test_a_reversal_fills_person_and_amount_and_names_its_entry(bank: Bank) -> None:
    """Entry 2 is Kesha's reward, paid with the 27th."""
    entry = words(bank.rio.get("/accounting/entries/2"))
    assert "Correct this entry" in entry
    form = words(bank.rio.get(f"{NEW}?entry=2"))
    assert "Correct entry 2" in form
    assert "Kesha A. Amount +$31.00 Correction −$31.00" in form
    assert bank.rio.submit(f"{NEW}?entry=2", LIST, reason=REASON).status_code == 303
    entry = words(bank.rio.get("/accounting/entries/2"))
    assert "Entry 2 is already corrected." in entry
    assert f"{REASON} −$31.00 Rio A." in entry
    assert "waits for approval" in entry
    assert bank.decide(bank.aurora).status_code == 303
    assert "✓ approved Aurora K." in words(bank.rio.get("/accounting/entries/2"))
    number = bank.last_entry().entry_no
    made = words(bank.rio.get(f"/accounting/entries/{number}"))
    assert "Reverses entry 2 (27 Mar 2025): Reward" in made
    own = bank.kesha.get("/accounting/me")
    assert "Reverses entry 2 (27 Mar 2025): Reward" in words(own)
    assert "/accounting/entries/" not in own.text, "the owner has no page of entries"


def test_what_would_be_refused_has_its_reason_instead_of_a_button(bank: Bank) -> None:
    payout = words(bank.rio.get("/accounting/entries/3"))
    assert "A payout is not reversed: request an amount." in payout
    assert "Correct this entry" not in payout
    own = words(bank.rio.get("/accounting/entries/4"))
    assert "This is your own account." in own
    for address, sentence in {
        f"{NEW}?entry=3": "A payout is not reversed: request an amount.",
        f"{NEW}?entry=4": "This is your own account.",
        f"{NEW}?user={of(bank.rio)}": "This is your own account.",
    }.items():
        drawn = bank.rio.get(address)
        assert sentence in words(drawn)
        assert 'name="reason"' not in drawn.text
    bank.ask(bank.aurora, user=str(of(bank.rio)))
    page = words(bank.rio.get(LIST))
    assert "This is your own account." in page
    assert "Approve" not in page


def test_what_is_forged_is_refused_in_the_same_words(bank: Bank) -> None:
    refusals = [
        (bank.ask(bank.rio, user=str(of(bank.rio))), 403, "This is your own account."),
        (bank.ask(user="", entry="3"), 409, "A payout is not reversed: request an amount."),
        (bank.ask(user="", entry="4"), 403, "This is your own account."),
        (bank.ask(amount_cents="0"), 422, "Write an amount other than zero, up to $10,000.00"),
        (bank.ask(amount_cents=""), 422, "Write an amount other than zero, up to $10,000.00"),
        (bank.ask(amount_cents="10000.01"), 422, "Write an amount other than zero"),
        (bank.ask(amount_cents="1,200.5"), 422, "Write 1200.50 or 1200,50"),
        (bank.ask(reason="too short"), 422, "Write the reason in 10 to 500 characters."),
        (bank.ask(user=""), 422, "Write whose account it is."),
    ]
    for answer, status, sentence in refusals:
        assert sentence in words(answer, status)
        assert "Error:" in answer.text.partition("</title>")[0]
    assert bank.newest() is None
    assert f"{REASON}</textarea>" in refusals[6][0].text, "what was typed is kept"
    bank.ask()
    forged = bank.rio.post(f"{LIST}{bank.newest().id}/approve", data=keyed(bank.rio))
    assert "You asked for it; somebody else decides." in words(forged, 403)


def test_a_person_is_found_by_name(bank: Bank) -> None:
    assert bank.ask(user="", person="kesha").status_code == 303
    assert bank.newest().amount_cents == 1250
    nobody = bank.ask(user="", person="Zazu")
    assert "Nobody with an account is called so." in words(nobody, 422)
    several = bank.ask(user="", person="a")
    assert "Several are called so. Choose one." in words(several, 422)
    assert f'value="{of(bank.kesha)}"' in several.text
    assert f'value="{of(bank.polly)}"' not in several.text, "nothing was ever booked for Polly"
    assert bank.rio.get(f"{NEW}?user={of(bank.polly)}").status_code == 404
    assert bank.rio.get(f"{NEW}?entry=99").status_code == 404


def test_a_form_sent_twice_is_one_request(bank: Bank) -> None:
    typed = {"user": str(of(bank.kesha)), "amount_cents": "-7", "reason": REASON}
    form = {**keyed(bank.rio), **typed}
    first, again = bank.rio.post(LIST, data=form), bank.rio.post(LIST, data=form)
    assert first.location == again.location
    assert len(bank.office.rows(select(Adjustment.id))) == 1


def keyed(visitor: Visitor) -> dict[str, str]:
    """CSRF proof and key of a fresh form."""
    drawn = visitor.get(NEW).text
    return {
        name: re.findall(rf'name="{name}" value="([^"]+)"', drawn)[-1] for name in ("csrf", "key")
    }


# --- deciding -------------------------------------------------------------------------------------


def test_a_rejected_request_books_nothing(bank: Bank) -> None:
    bank.ask()
    last = bank.last_entry().entry_no
    assert bank.decide(bank.aurora, "reject").status_code == 303
    page = words(bank.aurora.get(f"{LIST}?state=rejected"))
    assert "✕ rejected Aurora K." in page
    assert bank.last_entry().entry_no == last
    assert "Nothing matches." in words(bank.aurora.get(f"{LIST}?state=requested"))


def test_an_approval_is_followed_from_the_click_to_its_entry(bank: Bank) -> None:
    bank.ask()
    done = bank.decide(bank.aurora)
    number = bank.last_entry().entry_no
    chain = bank.aurora.get(f"/ops/chain?id={done.headers['X-Request-Id']}")
    assert f"Entry {number}: correction" in words(chain)
    assert f'href="/accounting/entries/{number}"' in chain.text
    assert str(of(bank.aurora)) in chain.text


def test_income_stays_as_it_is_and_analytics_shows_the_correction_apart(
    bank: Bank, drain: Callable[[], None]
) -> None:
    day, income = "/analytics/days/2025-03-28", r"Management income \S+ fees \S+ , rewards \S+"
    drain()
    before = re.findall(income, words(bank.aurora.get(day)))
    bank.ask()
    bank.decide(bank.aurora)
    drain()
    page = words(bank.aurora.get(day))
    assert len(before) == 1
    assert re.findall(income, page) == before
    assert "Corrections +$12.50" in page
    books = words(bank.aurora.get("/accounting/days/2025-03-28"))
    assert "Corrections 1 +$12.50" in books
    done = bank.app.test_cli_runner().invoke(args=["analytics", "verify", "--full"])
    assert done.exit_code == 0, done.output


def test_who_comes_second_is_told(bank: Bank, sign_in: Enter, drain: Callable[[], None]) -> None:
    klavdia = sign_in("accountant", name="Klavdia V.")
    drain()
    bank.ask()
    drawn = keyed(klavdia)
    bank.decide(bank.aurora)
    late = klavdia.post(f"{LIST}{bank.newest().id}/reject", data=drawn)
    assert "Aurora K. has approved it already." in words(late, 409)


def test_waiting_ones_stand_first_and_pages_meet_without_a_gap(bank: Bank) -> None:
    bank.ask()
    first = bank.newest().id
    for _ in range(3):
        bank.ask(amount_cents="1")
        bank.decide(bank.aurora, "reject")
    with bank.office.database.transaction() as session:
        for _ in range(100):
            corrections.request_correction(
                session,
                bank.office.books,
                person=of(bank.kesha),
                amount_cents=1,
                reason=REASON,
                by=of(bank.rio),
            )
    seen: list[str] = []
    address = LIST
    while address:
        body = bank.aurora.get(address).text
        seen += re.findall(r'id="c([0-9a-f-]{36})"', body)
        older = re.search(r'href="([^"]+)" rel="next"', body)
        address = unescape(older[1]) if older else ""
    rows = bank.office.rows(select(Adjustment.id, Adjustment.state))
    ordered = sorted(rows, key=lambda row: (row.state != "requested", -row.id.int))
    assert seen == [str(row.id) for row in ordered]
    assert seen[100] == str(first)


# --- visits ---------------------------------------------------------------------------------------


def test_a_look_at_anothers_account_is_recorded_and_says_so(bank: Bank) -> None:
    def visits() -> list[Any]:
        query = select(Audit.act, Audit.object, Audit.actor).order_by(Audit.number)
        return [tuple(row) for row in bank.office.rows(query)]

    kesha = of(bank.kesha)
    assert "Your visit is recorded." in words(bank.rio.get(f"/accounting/accounts/{kesha}"))
    assert visits() == [("account.read", "account 1", of(bank.rio))]
    assert "Your visit is recorded." in words(bank.rio.get(f"/accounting/entries/?user={kesha}"))
    assert len(visits()) == 2
    for own in (f"/accounting/accounts/{of(bank.rio)}", "/accounting/me", "/accounting/entries/"):
        assert "Your visit" not in words(bank.rio.get(own))
    bank.kesha.get(f"/accounting/accounts/{kesha}")
    assert bank.kesha.get(f"/accounting/accounts/{of(bank.rio)}").status_code == 404
    assert len(visits()) == 2, "nobody was shown anything"


def test_admins_read_who_did_what(bank: Bank) -> None:
    assert "Nothing has been recorded yet." in words(bank.aurora.get("/accounting/audit/"))
    bank.ask()
    bank.decide(bank.aurora)
    bank.rio.get(f"/accounting/accounts/{of(bank.kesha)}")
    page = words(bank.aurora.get("/accounting/audit/"))
    acts = re.findall(r"(Rio A\.|Aurora K\.) ([a-z.]+)", page)
    assert acts == [
        ("Rio A.", "account.read"),
        ("Aurora K.", "correction.approve"),
        ("Rio A.", "correction.request"),
    ]
    assert REASON in page
    assert "correction.request" not in words(bank.aurora.get("/accounting/audit/?after=1"))
    assert bank.rio.get("/accounting/audit/").status_code == 403
    assert "/accounting/audit/" in bank.aurora.get(LIST).text
    assert "/accounting/audit/" not in bank.rio.get(LIST).text


# --- roles and languages --------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_bookkeepers_alone_correct(bank: Bank, sign_in: Enter, api: Enter, role: Role) -> None:
    bank.ask()
    may = role in (Role.ACCOUNTANT, Role.ADMIN)
    visitor, program = sign_in(role), api(role)
    for address in (LIST, NEW, f"{NEW}?entry=2"):
        assert visitor.get(address).status_code == (200 if may else 403)
    which = f"{ROOT}/{bank.newest().id}"
    assert program.get(ROOT).status_code == (200 if may else 403)
    if not may:
        for deed in ("approve", "reject"):
            assert program.post(f"{which}/{deed}").status_code == 403
        assert program.post(ROOT, json=asking(bank)).status_code == 403
        assert bank.newest().state == "requested"
        return
    assert program.post(ROOT, json=asking(bank)).status_code == 201
    assert program.post(f"{which}/approve").status_code == 200


def test_in_russian(bank: Bank, sign_in: Enter) -> None:
    klavdia = sign_in("accountant", name="Клавдия", locale="ru")
    bank.ask()
    assert '<html lang="ru"' in klavdia.get(LIST).text
    assert "+12,50\u00a0$" in klavdia.get(LIST).text
    assert bank.decide(klavdia).status_code == 303
    for address in (NEW, f"{NEW}?entry=2", "/accounting/entries/5", "/accounting/entries/2"):
        assert klavdia.get(address).status_code == 200


# --- programs -------------------------------------------------------------------------------------


def asking(bank: Bank, **changes: Any) -> dict[str, Any]:
    values = {"person": str(of(bank.kesha)), "amount_cents": 245, "reason": REASON} | changes
    return {name: value for name, value in values.items() if value is not None}


def test_programs_ask_decide_and_read(bank: Bank, api: Enter, drain: Callable[[], None]) -> None:
    asker, decider = api("accountant", name="Bot R."), api("admin", name="Bot A.")
    drain()
    key = {"Idempotency-Key": "one"}
    made = asker.post(ROOT, json=asking(bank), headers=key)
    assert made.status_code == 201
    assert asker.post(ROOT, json=asking(bank), headers=key).json == made.json
    told = made.json
    assert told is not None
    assert {name: told[name] for name in ("amount_cents", "reason", "reverses", "state")} == {
        "amount_cents": 245,
        "reason": REASON,
        "reverses": None,
        "state": "requested",
    }
    assert told["person"] == {"id": str(of(bank.kesha)), "name": "Kesha A."}
    assert told["requested_by"] == {"id": str(of(asker)), "name": "Bot R."}
    assert told["requested_at"].startswith("2025-03-28T12:00:00")
    assert [told[name] for name in ("decided_by", "decided_at", "entry")] == [None, None, None]
    done = decider.post(f"{ROOT}/{told['id']}/approve").json
    assert done is not None
    assert (done["state"], done["decided_by"]["name"]) == ("approved", "Bot A.")
    assert done["entry"] == bank.last_entry().entry_no
    assert decider.post(f"{ROOT}/{told['id']}/approve").json == done, "once more is harmless"
    undone = asker.post(ROOT, json=asking(bank, amount_cents=None, reverses=2)).json
    assert undone is not None
    assert (undone["amount_cents"], undone["reverses"]) == (-3100, 2)
    left = decider.post(f"{ROOT}/{undone['id']}/reject").json
    assert left is not None
    assert left["state"] == "rejected"
    listed = asker.get(f"{ROOT}?limit=1").json
    assert listed is not None
    assert listed["items"] == [left]
    rest = asker.get(f"{ROOT}?limit=1&after={listed['next']}").json
    assert rest == {"items": [done], "next": None}
    assert asker.get(f"{ROOT}?state=approved").json == rest


def test_programs_are_refused_in_the_words_of_the_pages(bank: Bank, api: Enter) -> None:
    bot = api("accountant")
    refusals: list[tuple[dict[str, Any], int, str]] = [
        (asking(bank, person=str(of(bot))), 404, "Nothing was ever booked for this person."),
        (asking(bank, amount_cents=0), 422, "Write an amount other than zero"),
        (asking(bank, reverses=2), 422, "Send amount_cents, or reverses, and not both."),
        (asking(bank, amount_cents=None), 422, "Send amount_cents, or reverses, and not both."),
        (asking(bank, amount_cents=None, reverses=3), 409, "A payout is not reversed"),
        (asking(bank, amount_cents=None, reverses=4), 409, "Entry 4 is another person's."),
        (asking(bank, amount_cents=None, reverses=99), 404, "There is no entry with this number."),
        (asking(bank, reason="  too short  "), 422, "Write the reason in 10 to 500 characters."),
        (asking(bank, reason="to the right \u202e of it"), 422, "invisible characters"),
    ]
    for body, status, sentence in refusals:
        answer = bot.post(ROOT, json=body)
        assert answer.status_code == status, answer.text
        assert sentence in answer.text
    asked = bot.post(ROOT, json=asking(bank)).json
    assert asked is not None
    for deed in ("approve", "reject"):
        own = bot.post(f"{ROOT}/{asked['id']}/{deed}").json
        assert own is not None
        assert (own["status"], own["detail"]) == (403, "You asked for it; somebody else decides.")
    assert bot.post(f"{ROOT}/{ids.new()}/approve").status_code == 404
    assert api("admin", scope="read").post(f"{ROOT}/{asked['id']}/approve").status_code == 403


def test_an_entry_tells_programs_why(bank: Bank, api: Enter) -> None:
    bank.ask()
    bank.decide(bank.aurora)
    bot = api("accountant")
    answer = bot.get(f"/api/v1/accounting/entries?person={of(bank.kesha)}").json
    assert answer is not None
    assert [each["note"] for each in answer["items"]] == [REASON, None, None, None]
    audited = bank.office.rows(select(Audit.act, Audit.actor).order_by(Audit.number.desc()))
    assert tuple(audited[0]) == ("account.read", of(bot))
