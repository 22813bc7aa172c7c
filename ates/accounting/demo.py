"""What cron and the accountants do with the books of the demonstration company."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting import gate, payout, runs
from ates.accounting.models import Account, Adjustment, Entry, Person
from ates.accounting.service import corrections
from ates.kernel import db
from ates.kernel.stage import Scene, Stage, acting

MISSED = 5  # cron was away in the night after this day; the next run catches up
RIO, KLAVDIA = "Rio Merlin", "Клавдия Воробьёва"
AURORA, INNOKENTY = "Aurora King", "Иннокентий Жаворонков"
FEED = "Seeds for the cage, bought with own money, receipt 118"
CAKE = "Торт для всего отдела за свой счёт, чек 27"
TWICE = "Работа не сделана: задачу закрыли по ошибке, договорились вернуть награду"
FINE = "Left the window of the cage open over night"


def demo(stage: Stage) -> Iterator[Scene]:
    """Pay each night but one; put right what people found."""
    nights = stage.nights()
    for number, night in enumerate(nights):
        if stage.days[MISSED] != stage.day_before(night) or number == len(nights) - 1:
            yield Scene(night, pay, heard=True)
    yield Scene(stage.at(2, 11.3), partial(ask, RIO, "Polly Nightingale", 12_45, FEED))
    yield Scene(stage.at(2, 15.6), partial(approve, KLAVDIA), heard=True)
    yield Scene(stage.at(4, 10.1), partial(undo, KLAVDIA, "Анна Лебедева", TWICE))
    yield Scene(stage.at(4, 16.2), partial(approve, INNOKENTY), heard=True)
    yield Scene(stage.at(6, 14.4), partial(ask, RIO, "Kesha Wren", -20_00, FINE))
    yield Scene(stage.at(6, 17.1), partial(reject, AURORA), heard=True)
    yield Scene(stage.at(stage.last, 10.4), partial(ask, KLAVDIA, "Kesha Wren", 31_50, CAKE))


def pay() -> None:
    """What `flask accounting payout` does."""
    database = db.database("accounting")
    with runs.noted(database, "payout") as run:
        report = payout.run(database, gate.books(), payout.Limits())
        run.exit_code, run.report = report.exit_code, report.as_json()
    assert report.exit_code == 0, f"the payout of the demonstration ended with {run.report}"


def ask(by: str, whose: str, cents: int, reason: str) -> None:
    """An accountant asks for an amount on somebody's account."""
    with db.transaction("accounting") as session:
        asker, person = _id(session, by), _id(session, whose)
        with acting(asker):
            corrections.request_correction(
                session,
                gate.books(),
                person=person,
                amount_cents=cents,
                reason=reason,
                by=asker,
            )


def undo(by: str, whose: str, reason: str) -> None:
    """An accountant asks for the reversal of somebody's last reward."""
    with db.transaction("accounting") as session:
        asker, person = _id(session, by), _id(session, whose)
        entry_no = session.scalar(
            select(Entry.entry_no)
            .join(Account, Account.id == Entry.account_id)
            .where(Account.person_id == person, Entry.kind == "reward")
            .order_by(Entry.account_seq.desc())
            .limit(1)
        )
        assert entry_no is not None, f"{whose} has finished something by now"
        with acting(asker):
            corrections.request_reversal(
                session, gate.books(), entry_no=entry_no, reason=reason, by=asker
            )


def approve(by: str) -> None:
    """Somebody else approves what waits."""
    with db.transaction("accounting") as session:
        decider = _id(session, by)
        with acting(decider):
            corrections.approve_correction(session, gate.books(), _waiting(session), by=decider)


def reject(by: str) -> None:
    """Somebody else turns down what waits."""
    with db.transaction("accounting") as session:
        decider = _id(session, by)
        with acting(decider):
            corrections.reject_correction(session, gate.books(), _waiting(session), by=decider)


def _waiting(session: Session) -> UUID:
    return session.scalars(select(Adjustment.id).where(Adjustment.state == "requested")).one()


def _id(session: Session, name: str) -> UUID:
    return session.scalars(select(Person.person_id).where(Person.name == name)).one()
