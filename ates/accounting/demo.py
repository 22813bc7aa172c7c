"""What cron does with the books of the demonstration company: a payout after each midnight."""

from collections.abc import Iterator

from ates.accounting import gate, payout, runs
from ates.kernel import db
from ates.kernel.stage import Scene, Stage

MISSED = 5  # cron was away in the night after this day; the next run catches up


def demo(stage: Stage) -> Iterator[Scene]:
    """Pay each night but one."""
    nights = stage.nights()
    for number, night in enumerate(nights):
        if stage.days[MISSED] != stage.day_before(night) or number == len(nights) - 1:
            yield Scene(night, pay, heard=True)


def pay() -> None:
    """What `flask accounting payout` does."""
    database = db.database("accounting")
    with runs.noted(database, "payout") as run:
        report = payout.run(database, gate.books(), payout.Limits())
        run.exit_code, run.report = report.exit_code, report.as_json()
    assert report.exit_code == 0, f"the payout of the demonstration ended with {run.report}"
