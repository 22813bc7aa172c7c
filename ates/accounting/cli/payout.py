"""`flask accounting payout`: close what can be closed and pay what is unpaid (R17)."""

import json
import sys
from datetime import date, datetime

import click

from ates.accounting import payout as payouts
from ates.accounting import runs
from ates.accounting.balances import Standing
from ates.accounting.cli.group import DayParameter, commands
from ates.accounting.gate import books
from ates.accounting.report import Report, Wait
from ates.accounting.verify import dollars
from ates.kernel import db
from ates.kernel.errors import DatabaseAway

BAR = 30


@commands.command()
@click.option("--dry-run", is_flag=True, help="Show what would happen; write nothing.")
@click.option("--through", type=DayParameter(), help="Neither close nor pay later days.")
@click.option(
    "--catch-up",
    type=click.IntRange(min=1),
    default=7,
    show_default=True,
    help="Close up to this many days that have entries.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, amounts in cents.")
@click.pass_context
def payout(
    ctx: click.Context, dry_run: bool, through: date | None, catch_up: int, as_json: bool
) -> None:
    """Close every day that can be closed and pay every unpaid one, in order.

    Takes no date; run it every ten minutes, twice, late or in parallel: the money comes out the
    same. Says nothing when there was nothing to do. Exit codes: 0 nothing left, 3 something waits
    (each named), 1 error.
    """
    limits = payouts.Limits(through, catch_up)
    try:
        report = _plan(limits) if dry_run else _run(limits)
    except DatabaseAway as error:
        raise click.ClickException(f"The database does not answer: {error}") from error
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        _say(report)
    ctx.exit(report.exit_code)


def _plan(limits: payouts.Limits) -> Report:
    with db.reading("accounting") as session:
        return payouts.dry_run(session, books(), limits)


def _run(limits: payouts.Limits) -> Report:
    database = db.database("accounting")
    with runs.noted(database, "payout") as run:
        report = payouts.run(database, books(), limits, _bar())
        run.exit_code, run.report = report.exit_code, report.as_json()
    return report


def _bar() -> payouts.Progress:
    """A progress bar on stderr, only on a terminal."""
    if not sys.stderr.isatty():
        return lambda *_: None

    def show(day: date, paid: int, people: int) -> None:
        done = BAR if people == 0 else BAR * paid // people
        end = "\n" if paid >= people else ""
        bar = "#" * done + "." * (BAR - done)
        click.echo(f"\r{day} [{bar}] {paid:,}/{people:,}{end}", err=True, nl=False)

    return show


# --- words ----------------------------------------------------------------------------------------


def _say(report: Report) -> None:
    if report.dry:
        _say_plan(report)
    for each in report.days:
        standing = each.standing
        queued = each.letters - each.without_address
        without = f", without address {each.without_address:,}" if each.without_address else ""
        click.echo(
            f"{each.day} paid: {_people(standing.people)}, {dollars(standing.cents)};"
            f" carried over {standing.carried_people:,}, {dollars(standing.carried_cents)};"
            f"{_held(standing)} letters queued {queued:,}{without}"
        )
    _say_what_waits(report)
    if report.error is not None:
        _complain(report, report.error)
        for sentence in report.differences:
            click.echo(f"  {sentence}", err=True)
    if not report.exit_code and not report.silent and not report.dry:
        click.echo("Nothing left to do.")


def _say_what_waits(report: Report) -> None:
    for wait in report.waits:
        _complain(report, _waits(wait, report.at))
    if report.parked:
        _complain(report, f"{_events(report.parked)} set aside, not booked: flask events status")
    if report.unanchored:
        _complain(report, report.unanchored)


def _say_plan(report: Report) -> None:
    zone = books().zone.key
    click.echo(
        f"aTES payout, business day {zone}, at {report.at:%Y-%m-%d %H:%M:%S}Z."
        " DRY RUN: nothing changes."
    )
    if not report.plan:
        return
    click.echo(f"{'Day':<12}{'Now':<8}{'Then':<6}{'People':>8}  {'To pay':>15}   Carried over")
    for each in report.plan:
        standing = each.standing
        click.echo(
            f"{each.day}  {each.state:<6}  {'paid':<4}  {standing.people:>8,}"
            f"  {dollars(standing.cents):>15}   {standing.carried_people:,}"
            f"   {dollars(standing.carried_cents)}{_held(standing, ' ').rstrip(';')}"
        )
    cents = sum(each.standing.cents for each in report.plan)
    count = sum(each.standing.people for each in report.plan)
    click.echo(
        f"Books balance (quick check). To pay: {dollars(cents)} in {count:,}"
        f" {'payout' if count == 1 else 'payouts'}."
    )


def _waits(wait: Wait, now: datetime) -> str:
    """`2026-11-21 waits, 214 events not booked, oldest 3 min`, or the hold to release."""
    if wait.hold is None:
        oldest = f", oldest {_age(wait.oldest, now)}" if wait.oldest else ""
        return f"{wait.day} waits, {_events(wait.events)} not booked{oldest}"
    what = "everything is held" if wait.of == "everything" else "held"
    return f"{wait.day} waits, {what}: {wait.reason}; flask accounting release {wait.hold}"


def _held(standing: Standing, space: str = "") -> str:
    """` held 2, $45.00;` where accounts were skipped."""
    if not standing.held_people:
        return ""
    return f"{space} held {standing.held_people:,}, {dollars(standing.held_cents)};"


def _complain(report: Report, sentence: str) -> None:
    click.echo(f"{report.at:%Y-%m-%dT%H:%M:%S}Z payout: {sentence}", err=True)


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"


def _events(count: int) -> str:
    return f"{count:,} {'event' if count == 1 else 'events'}"


def _age(since: datetime, now: datetime) -> str:
    seconds = int((now - since).total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
