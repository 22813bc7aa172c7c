"""What analytics has counted of each day, to be compared with the ledger it was told of."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import BigInteger, Select, cast, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from ates.analytics.models import DayReward, DaySum, Head
from ates.analytics.queries.board import live
from ates.kernel.tally import ByDay, Figure, Span

SUMS = {
    Figure.FEE_CENTS: DaySum.fee_cents,
    Figure.REWARD_CENTS: DaySum.reward_cents,
    Figure.ADJUSTMENT_CENTS: DaySum.adjustment_cents,
    Figure.PAYOUT_CENTS: DaySum.payout_cents,
    Figure.ENTRIES: DaySum.entries,
}


def follow(session: Session, spans: Sequence[Span]) -> tuple[int, ByDay]:
    """The last entry of the ledger that is in the figures, and the figures of these days."""
    _, generation = live(session)
    found: dict[date, dict[Figure, int]] = {span.day: {} for span in spans}
    heard = 0
    question = union_all(*_questions(generation, [span.day for span in spans]))
    for figure, day, value in session.execute(question):
        if day is None:
            heard = value
        elif day in found:
            found[day][Figure(figure)] = value
    return heard, found


def _questions(generation: int, days: Sequence[date]) -> list[Select[str, date | None, int]]:
    """Name, day and value of every figure, and the place in the ledger, without a day."""
    head = select(literal("entry_no"), null(), Head.entry_no).where(Head.generation == generation)
    if not days:
        return [head]
    mine = (DaySum.generation == generation, DaySum.business_date.between(days[0], days[-1]))
    completed = (
        select(
            literal(str(Figure.REWARDS)),
            DayReward.completed_on,
            cast(func.sum(DayReward.tasks), BigInteger),
        )
        .where(
            DayReward.generation == generation, DayReward.completed_on.between(days[0], days[-1])
        )
        .group_by(DayReward.completed_on)
    )
    sums = [
        select(literal(str(figure)), DaySum.business_date, column).where(*mine)
        for figure, column in SUMS.items()
    ]
    return [*sums, completed, head]  # the first names the types: a day, in it
