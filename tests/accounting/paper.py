"""Books written by hand, row by row, and an application that shows them: for tests of pages."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert
from sqlalchemy.orm import Session

from ates.accounting import gate
from ates.accounting import models as books
from ates.accounting.api import api as accounting_api
from ates.accounting.views import chip_balance
from ates.accounting.views import pages as accounting_pages
from ates.analytics import models as sums
from ates.analytics.api import api as analytics_api
from ates.analytics.views import pages as analytics_pages
from ates.contracts.accounting import Kind
from ates.contracts.auth import Role
from ates.kernel import db, ids, migrate
from ates.kernel.context import Context, NavItem
from ates.kernel.mail import LetterState
from ates.kernel.tables import KERNEL
from ates.web import access, shell
from tests.accounting import make
from tests.web.shop import Sessions, bearer_of, config, person, token_for

TODAY = date(2026, 11, 24)
YESTERDAY = TODAY - timedelta(days=1)
BEFORE = TODAY - timedelta(days=2)
OTHER = UUID(int=0xB0)
NOON = datetime.combine(TODAY, time(12), UTC)
CONTRAS = {"fee": 4000, "reward": 5000, "payout": 1000, "adjustment": 5900}


@dataclass
class Desk:
    """The pages of accounting and analytics, with somebody to sign in."""

    app: Flask
    sessions: Sessions

    def sign_in(self, role: Role, **changes: object) -> tuple[FlaskClient, UUID]:
        """A client signed in as a new person of this role, and the person's id."""
        who = person(role, **changes)
        client, session = self.app.test_client(), ids.token()
        self.sessions.people[session] = who
        client.set_cookie("ates_session", session)
        client.set_cookie("ates_token", token_for(who))
        return client, who.id

    def caller(self, role: Role, **changes: object) -> tuple[FlaskClient, UUID]:
        """A program with a token of a new person of this role, and the person's id."""
        who, token = person(role, **changes), ids.token()
        self.sessions.tokens[token] = bearer_of(who)
        client = self.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client, who.id

    @contextmanager
    def write(self) -> Iterator[Session]:
        with self.app.app_context(), db.transaction("accounting") as session:
            yield session

    @contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Counts statements."""
        counted: Counter[str] = Counter()
        with self.app.app_context():
            engine = db.database("accounting").engine

        def seen(_c: Any, _k: Any, statement: str, *_: Any) -> None:
            counted[statement] += 1

        event.listen(engine, "before_cursor_execute", seen)
        try:
            yield counted
        finally:
            event.remove(engine, "before_cursor_execute", seen)


def open_desk(folder: Path) -> Desk:
    """Both parts on a fresh database."""
    settings = config(folder)
    (folder / "shop.sqlite3").touch()
    sessions = Sessions()
    parts = (
        Context(
            "accounting",
            books.Base.metadata,
            pages=accounting_pages,
            api=accounting_api,
            gate=sessions,
            nav=(NavItem("accounting.mine", "My account", "a"),),
            frame={"balance": chip_balance},
        ),
        Context("analytics", sums.Base.metadata, pages=analytics_pages, api=analytics_api),
    )
    app = Flask("ates.web")
    app.extensions["ates.config"] = settings
    app.extensions["ates.contexts"] = parts
    database = db.Database(settings.database_url, unsafe=True)
    db.init_app(app, database)
    with database.transaction() as session:
        for metadata in (KERNEL, books.Base.metadata, sums.Base.metadata):
            metadata.create_all(session.connection())
        kinds = [
            {"kind": kind, "contra": contra, "contra_name": kind}
            for kind, contra in CONTRAS.items()
        ]
        session.execute(insert(books.PostingKind), kinds)
        session.connection().exec_driver_sql(migration("0004").JOURNAL)
        session.add(books.AuditHead(id=1, number=0, hash=bytes(32)))
    gate.init_app(app)
    app.extensions["ates.books"] = make.books()
    shell.init_app(app, settings, parts)
    for part in parts:
        assert part.pages is not None
        app.register_blueprint(part.pages)
        if part.api is not None:
            app.register_blueprint(part.api)
    access.check(app)
    return Desk(app, sessions)


def migration(revision: str) -> Any:
    """The module of a migration, for what only it knows: a view."""
    return migrate._scripts().get_revision(revision).module


@dataclass
class Paper:
    """Writes entries with all their sums, counted here and not by the code under test."""

    session: Session
    rows: list[dict[str, Any]] = field(default_factory=list)
    accounts: dict[UUID, int] = field(default_factory=dict)
    states: dict[date, str] = field(default_factory=dict)

    def entry(
        self,
        kind: Kind,
        who: UUID,
        cents: int,
        day: date = TODAY,
        *,
        on: date | None = None,
        number: int = 1,
        hour: int = 9,
    ) -> None:
        """The next entry; `number` is its task's."""
        account = self.accounts.setdefault(who, len(self.accounts) + 1)
        own = [row["amount_cents"] for row in self.rows if row["account_id"] == account]
        happened = datetime.combine(on or day, time(hour), UTC)
        self.rows.append(
            {
                "entry_no": len(self.rows) + 1,
                "account_id": account,
                "account_seq": len(own) + 1,
                "kind": kind,
                "source_id": who if kind == "payout" else UUID(int=number),
                "source_no": 0 if kind in ("reward", "adjustment") else len(self.rows) + 1,
                "amount_cents": cents,
                "balance_cents": sum(own) + cents,
                "business_date": day,
                "occurred_on": on or day,
                "occurred_at": happened,
                "posted_at": happened,
                "event_id": None,
            }
        )

    def total(self, day: date, *kinds: str) -> int:
        return sum(
            row["amount_cents"]
            for row in self.rows
            if row["business_date"] == day and row["kind"] in kinds
        )

    def person(self, who: UUID, name: str) -> None:
        self.session.add(
            books.Person(
                person_id=who,
                name=name,
                email=None,
                role="employee",
                trade="QA",
                locale="en",
                active=True,
                version=1,
            )
        )

    def card(self, number: int, title: str) -> None:
        self.session.add(
            books.Card(task_id=UUID(int=number), number=number, title=title, version=1)
        )

    def write(self) -> None:
        """Everything into the tables."""
        self._days()
        self._accounts()
        if self.rows:
            self.session.execute(insert(books.Entry), self.rows)
        self._sums()
        self._payouts()

    def _days(self) -> None:
        dates = {row["business_date"] for row in self.rows} | {TODAY} | set(self.states)
        dates |= {row["occurred_on"] for row in self.rows}
        for day in sorted(dates):
            starts = datetime.combine(day, time(), UTC)
            state = self.states.get(day, "open")
            shut = state != "open"
            paid = state == "paid"
            self.session.add(
                books.BusinessDay(
                    business_date=day,
                    starts_at=starts,
                    ends_at=starts + timedelta(days=1),
                    state=state,
                    closed_at=starts + timedelta(days=1, minutes=2) if shut else None,
                    close_entry_no=1 if shut else None,
                    close_block_no=1 if shut else None,
                    parked=0 if shut else None,
                    seal=b"s" * 32 if shut else None,
                    paid_at=starts + timedelta(days=1, minutes=10) if paid else None,
                    payouts=1 if paid else None,
                    payout_cents=-self.total(day, "payout") if paid else None,
                )
            )
        self.session.flush()

    def _accounts(self) -> None:
        for who, account in self.accounts.items():
            own = [row for row in self.rows if row["account_id"] == account]
            self.session.add(
                books.Account(
                    id=account,
                    person_id=who,
                    balance_cents=sum(row["amount_cents"] for row in own),
                    last_seq=len(own),
                    opened_at=NOON,
                )
            )
        self.session.flush()

    def _sums(self) -> None:
        by_day: dict[Any, dict[str, Any]] = {}
        by_account: dict[Any, dict[str, Any]] = {}
        for row in self.rows:
            day, kind, number = row["business_date"], row["kind"], row["entry_no"]
            total = by_day.setdefault(
                (day, kind),
                {
                    "business_date": day,
                    "kind": kind,
                    "amount_cents": 0,
                    "entries": 0,
                    "first_entry_no": number,
                },
            )
            total["amount_cents"] += row["amount_cents"]
            total["entries"] += 1
            total["last_entry_no"] = number
            brought = by_account.setdefault(
                (row["account_id"], day),
                {
                    "account_id": row["account_id"],
                    "business_date": day,
                    **dict.fromkeys((f"{each}_cents" for each in CONTRAS), 0),
                    "entries": 0,
                    "first_seq": row["account_seq"],
                },
            )
            brought[f"{kind}_cents"] += row["amount_cents"]
            brought["entries"] += 1
            brought["last_seq"] = row["account_seq"]
        if self.rows:
            self.session.execute(insert(books.DayTotal), list(by_day.values()))
            self.session.execute(insert(books.AccountDay), list(by_account.values()))

    def _payouts(self) -> None:
        for row in self.rows:
            if row["kind"] != "payout":
                continue
            key = {"business_date": row["business_date"], "account_id": row["account_id"]}
            self.session.add(
                books.Payout(**key, amount_cents=-row["amount_cents"], entry_no=row["entry_no"])
            )
            self.session.flush()
            frozen = dict.fromkeys(
                ("carried_cents", "reward_cents", "rewards", "fee_cents", "fees"), 0
            )
            self.session.add(
                books.PayoutLetter(
                    **key,
                    **frozen,
                    message_id=f"<{row['entry_no']}@example.org>",
                    state=LetterState.SENT,
                    made_at=NOON,
                    sent_at=NOON,
                    locale="en",
                    zone="UTC",
                    adjustment_cents=0,
                    adjustments=0,
                )
            )
        self.session.flush()


def three_days(desk: Desk, me: UUID) -> Paper:
    """Two days paid and closed, and a day that runs: of one person, and of another."""
    with desk.write() as session:
        paper = Paper(session)
        paper.states = {BEFORE: "paid", YESTERDAY: "closed"}
        paper.card(7, "Count the parrots")
        paper.card(8, "Repair the lift")
        paper.person(me, "Kesha A.")
        paper.person(OTHER, "Gosha P.")
        paper.entry("fee", me, -1400, BEFORE, number=7)
        paper.entry("reward", me, 3900, BEFORE, number=7)
        paper.entry("payout", me, -2500, BEFORE)
        paper.entry("fee", OTHER, -2000, YESTERDAY, number=8)
        paper.entry("fee", me, -1000, TODAY, number=8)
        paper.entry("reward", me, 2000, TODAY, on=YESTERDAY, number=8)
        paper.entry("adjustment", OTHER, 245, TODAY, number=9)
        paper.entry("fee", OTHER, -1300, TODAY, number=9)
        paper.write()
    return paper
