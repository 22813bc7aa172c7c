"""Who was paid and who was held, from the rows alone: C6, C7, and holds against the audit log."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from ates.accounting import holds
from ates.accounting.balances import net_of
from ates.accounting.models import AccountDay, Audit, BusinessDay, Hold
from ates.accounting.verify.difference import Difference

SHOWN = 100


def settled(session: Session) -> Iterator[Difference]:
    """Payouts are what was owed; whoever was left out was held, and nobody was paid over a hold."""
    yield from _amounts(session)
    yield from _left_out(session)
    yield from _over_a_hold(session)
    yield from _unsaid_holds(session)


def _amounts(session: Session) -> Iterator[Difference]:
    """C6: a payout is what was owed as of its day, whole; a debt is never paid."""
    every = _running()
    owed = every.c.after - every.c.payout_cents
    due = case((owed > 0, -owed), else_=0)
    rows = session.execute(
        select(every)
        .where(every.c.payout_cents != 0, every.c.payout_cents != due)
        .order_by(every.c.business_date, every.c.account_id)
        .limit(SHOWN)
    )
    for row in rows:
        yield Difference(
            f"account {row.account_id} was not paid what it was owed as of {row.business_date}",
            cents=int(row.after),
        )


def _left_out(session: Session) -> Iterator[Difference]:
    """C7: nobody is owed anything as of a paid day, except whose account was held as it was paid.

    Holds and payments have moments in the order in which they were made (holds.py), so that a hold
    that came afterwards, or was over before, excuses nothing.
    """
    every, day = _running(), aliased(BusinessDay)
    left = select(every).where(every.c.after > 0).subquery()
    held = (
        select(Hold.id)
        .where(Hold.account_id == left.c.account_id, _active_at(day.paid_at, inclusive=True))
        .exists()
    )
    rows = session.execute(
        select(left.c.account_id, left.c.after, day.business_date)
        .join(
            day,
            and_(
                day.business_date >= left.c.business_date,
                or_(left.c.following.is_(None), day.business_date < left.c.following),
            ),
        )
        .where(day.state == "paid", ~held)
        .order_by(day.business_date, left.c.account_id)
        .limit(SHOWN)
    )
    for row in rows:
        yield Difference(
            f"account {row.account_id} was left out as {row.business_date} was paid, and not held",
            cents=int(row.after),
        )


def _over_a_hold(session: Session) -> Iterator[Difference]:
    """A held day stops itself and all later ones; everything held stops every day."""
    stops = and_(
        Hold.account_id.is_(None),
        or_(Hold.business_date.is_(None), Hold.business_date <= BusinessDay.business_date),
        _active_at(BusinessDay.paid_at, inclusive=False),
    )
    rows = session.execute(
        select(BusinessDay.business_date, Hold.id)
        .join(Hold, stops)
        .where(BusinessDay.state == "paid")
        .order_by(BusinessDay.business_date)
        .limit(SHOWN)
    )
    for row in rows:
        yield Difference(f"{row.business_date} was paid over hold {row.id}")


def _unsaid_holds(session: Session) -> Iterator[Difference]:
    """Each act on a hold is in the audit log, whose chain nobody without the key can write."""
    said: dict[tuple[str, str], Any] = {
        (row.act, row.object): row
        for row in session.execute(
            select(Audit.act, Audit.object, Audit.actor, Audit.after, Audit.reason).where(
                Audit.act.in_((holds.SET, holds.RELEASED))
            )
        )
    }
    for hold in session.execute(select(Hold.__table__).order_by(Hold.id)):
        name = f"hold {hold.id}"
        if not _is_said(said.pop((holds.SET, name), None), _as_set(hold)):
            yield Difference(f"{name} is not the one that the audit log has")
        released = said.pop((holds.RELEASED, name), None)
        if not _is_said(released, _as_released(hold)):
            yield Difference(f"the release of {name} is not the one that the audit log has")
    for act, name in said:
        yield Difference(f"the audit log has {act} of {name}, which is not there")


def _as_set(hold: Any) -> dict[str, Any]:
    about = {"day": _text(hold.business_date), "account": hold.account_id}
    told = {**about, "at": holds.told_at(hold.held_at)}
    return {"actor": hold.held_by, "after": told, "reason": hold.reason}


def _as_released(hold: Any) -> dict[str, Any] | None:
    if hold.released_at is None:
        return None
    told = {"at": holds.told_at(hold.released_at)}
    return {"actor": hold.released_by, "after": told, "reason": None}


def _is_said(row: Any, told: dict[str, Any] | None) -> bool:
    if row is None or told is None:
        return row is None and told is None
    found = {"actor": row.actor, "after": json.loads(row.after), "reason": row.reason}
    return found == told


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _active_at(moment: Any, *, inclusive: bool) -> ColumnElement[bool]:
    """A hold was active at a moment; what happened at the very same one may have been before."""
    if inclusive:
        over = Hold.released_at >= moment
        return and_(Hold.held_at <= moment, or_(holds.ACTIVE, over))
    return and_(Hold.held_at < moment, or_(holds.ACTIVE, Hold.released_at > moment))


def _running() -> Any:
    """Each day of an account: its payout, the balance after it, and the account's next day."""
    window: dict[str, Any] = {
        "partition_by": AccountDay.account_id,
        "order_by": AccountDay.business_date,
    }
    question: Select[*tuple[Any, ...]] = select(
        AccountDay.account_id,
        AccountDay.business_date,
        AccountDay.payout_cents,
        func.sum(net_of()).over(**window).label("after"),
        func.lead(AccountDay.business_date).over(**window).label("following"),
    )
    return question.subquery()
