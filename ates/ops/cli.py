"""Commands over the kernel: events, workers, a new data folder, the demonstration company."""

import json
import logging
import sys
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from ates import __version__
from ates.config import Config
from ates.contracts.chronicle import Size
from ates.kernel import clock, mail, migrate, once
from ates.kernel.db import Database, transaction
from ates.kernel.delivery import Drain
from ates.kernel.duty import Duty
from ates.kernel.errors import Refusal
from ates.kernel.generations import base_of
from ates.kernel.inbox import Inbox
from ates.kernel.life import Life
from ates.kernel.sweep import EventSweep, Sweep
from ates.kernel.worker import EVENTS, MAIL, work
from ates.ops import bulk, checks, rebuilding, repair, status, tracing
from ates.ops import demo as company

consumer_option = click.option("--consumer", help="Only this consumer.")
by_option = click.option("--by", required=True, help="Who decides, for the record.")
reason_option = click.option("--reason", required=True, help="Why, for the record.")
BAR = 30


def database() -> Database:
    found = current_app.extensions["ates.database"]
    assert isinstance(found, Database)
    return found


def inboxes() -> list[Inbox]:
    return list(current_app.extensions["ates.inboxes"].values())


def duties() -> list[Duty]:
    return list(current_app.extensions["ates.duties"].values())


# --- worker ---------------------------------------------------------------------------------------


@click.group()
def worker() -> None:
    """The processes that deliver events and send letters."""
    logging.getLogger("ates").setLevel(logging.INFO)


@worker.command("events")
@with_appcontext
def worker_events() -> None:
    """Deliver events until SIGTERM: woken by Redis, healed by a look each second."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    migrate.check(database())
    _live(app, EVENTS)
    look = EventSweep(database(), inboxes(), forget=_forget_old_keys, duties=duties())
    sweep = Sweep(app, look, _beat("events"))
    look.stop = sweep.stopped
    work(app, EVENTS, sweep)


@worker.command("mail")
@with_appcontext
def worker_mail() -> None:
    """Send letters until SIGTERM."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    _live(app, MAIL)
    sweep = Sweep(app, lambda: None, _beat("mail"))
    sweep.look = lambda: (mail.send_due(stop=sweep.stopped), None)[1]
    work(app, MAIL, sweep)


def _forget_old_keys() -> None:
    """Form keys are needed for a week."""
    for part in current_app.extensions["ates.contexts"]:
        if part.requests is not None:
            with transaction(part.name) as session:
                once.forget_old(session, part.requests)


def _live(app: Flask, kind: str) -> None:
    """Let this process tell the database that it is there."""
    app.extensions["ates.life"] = Life(
        database(), kind, __version__, lambda: app.extensions["ates.bell"].failed
    )


def _beat(name: str) -> Any:
    """The file a supervisor watches: a worker that no longer touches it hangs."""
    config: Config = current_app.extensions["ates.config"]
    folder = config.data / "run"
    return folder / f"{name}.beat" if folder.is_dir() else None


# --- events ---------------------------------------------------------------------------------------


@click.group()
def events() -> None:
    """Look at the delivery of events, and repair what could not be handled."""


@events.command("status")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--type", "of_type", help="Count what is staged, unread or parked of this type …")
@click.option("--version", type=int, help="… in this version.")
@with_appcontext
def events_status(as_json: bool, of_type: str | None, version: int | None) -> None:
    """How far each consumer is and what is parked. Exit 0 healthy, 3 something is stuck."""
    if of_type is not None:
        found = status.count_of(database(), of_type, version)
        click.echo(json.dumps(found) if as_json else status.count_text(found))
        return
    report = status.read(database())
    rebuilds = rebuilding.reports(database(), inboxes())
    if as_json:
        click.echo(json.dumps({**report.plain(), "rebuilds": rebuilds}))
    else:
        click.echo("\n".join([*map(rebuilding.sentence, rebuilds), report.text()]))
    sys.exit(0 if report.healthy else 3)


@events.command("retry")
@consumer_option
@click.option("--position", type=int, help="The event at this position of the log.")
@click.option("--key", help="The events of this stream, e.g. task_id:0190….")
@click.option("--fingerprint", help="All events with this kind of error.")
@click.option("--all", "everything", is_flag=True, help="All that failed.")
@by_option
@with_appcontext
def events_retry(everything: bool, by: str, **which: Any) -> None:
    """Try failed events again now, with all their attempts."""
    if not everything and not any(value for name, value in which.items() if name != "consumer"):
        raise click.UsageError("Name --position, --key or --fingerprint, or say --all.")
    with database().transaction() as session:
        heads = repair.heads(session, **which)
        repair.again(session, heads, by=by)
    _say(len(heads), "event is due again", "events are due again")


@events.command("skip")
@click.option("--consumer", required=True)
@click.option("--position", type=int, required=True, help="Of the failed event at a stream's head.")
@by_option
@reason_option
@with_appcontext
def events_skip(consumer: str, position: int, by: str, reason: str) -> None:
    """Leave a failed event out for ever: what it should cause will not happen."""
    if len(reason.strip()) < 10:
        raise click.ClickException("Give a reason of at least 10 characters.")
    with database().transaction() as session:
        heads = repair.heads(session, consumer=consumer, position=position)
        if not heads:
            raise click.ClickException(f"{consumer} has no failed event at {position}.")
        repair.skip(session, heads[0], by=by, reason=reason.strip())
    click.echo(f"{consumer} skips {position}; the rest of its stream goes on.")


@events.command("park")
@click.argument("position", type=int, required=False)
@click.option("--consumer", required=True)
@click.option("--storm", is_flag=True, help="Deliver although very many events fail; park them.")
@click.option("--by", default="", help="Who decides.")
@click.option("--reason", default="", help="Why.")
@with_appcontext
def events_park(position: int | None, consumer: str, storm: bool, by: str, reason: str) -> None:
    """Set an unread event aside that kills its process, or let a storm of failures be parked."""
    if storm:
        inbox = next((each for each in inboxes() if each.name == base_of(consumer)), None)
        if inbox is None:
            raise click.ClickException(f"There is no consumer {consumer}.")
        generation = consumer if consumer != inbox.name else ""
        drain = Drain(database(), inbox, name=generation, storm=10**9)
        drain.run()
        _say(drain.stats.parked, "event is parked", "events are parked")
        return
    if position is None or not by or len(reason.strip()) < 10:
        raise click.UsageError("Name POSITION, --by and a --reason of at least 10 characters.")
    try:
        repair.set_aside(database(), consumer, position, by=by, reason=reason.strip())
    except LookupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{position} is parked for {consumer}; `flask events skip` leaves it out for ever.")


@events.command("release")
@click.argument("seq", type=int)
@click.option("--as-version", type=int, help="Number it as the stream's event of this version.")
@click.option("--discard", is_flag=True, help="Drop it: what it says will never be heard.")
@by_option
@reason_option
@with_appcontext
def events_release(seq: int, as_version: int | None, discard: bool, by: str, reason: str) -> None:
    """Decide about an event that staging holds because its number was taken."""
    if (as_version is None) == (not discard):
        raise click.UsageError("Say either --as-version N or --discard.")
    try:
        with database().transaction() as session:
            repair.release(session, seq, as_version=as_version, by=by, reason=reason)
    except LookupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{seq} is {'discarded' if discard else f'released as version {as_version}'}.")


@events.command("verify")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def events_verify(as_json: bool) -> None:
    """Check log, positions and parked events. Exit 0 clean, 4 differences."""
    started = clock.monotonic()
    count, found = checks.verify(database())
    if as_json:
        click.echo(json.dumps({"events": count, "differences": found}))
    elif found:
        click.echo("\n".join(found))
    else:
        click.echo(f"The log is whole: {count:,} events, {clock.monotonic() - started:.1f} s")
    sys.exit(4 if found else 0)


for each in (*rebuilding.commands, *tracing.commands):
    events.add_command(each)


def _say(count: int, one: str, many: str) -> None:
    click.echo(f"{count} {one if count == 1 else many}.")


# --- data folder ----------------------------------------------------------------------------------


@click.command("demo")
@click.option("--people", type=click.IntRange(min=4), help="A large company of so many people …")
@click.option("--tasks", type=click.IntRange(min=1), help="… tasks (10,000) …")
@click.option("--days", type=click.IntRange(min=1), help="… and days (30); made by bulk.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Say it for programs.")
@with_appcontext
def demo(people: int | None, tasks: int | None, days: int | None, yes: bool, as_json: bool) -> None:
    """Fill an empty database with a company of 40 people and their last ten working days.

    With --people, --tasks or --days a company of that size instead. Exit 0 done, 1 refused.
    """
    config: Config = current_app.extensions["ates.config"]
    try:
        company.refuse(database(), config)
        if not yes:
            click.confirm(f"Fill {database().url} with a company?", abort=True, err=True)
        made = (
            bulk.make(_size(people or 100, tasks or 10_000, days or 30), _bar())
            if people or tasks or days
            else company.play(database(), config, _bar())
        )
    except Refusal as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(made.plain()) if as_json else made.text())


def _size(people: int, tasks: int, days: int) -> Size:
    """Something happens on each of the days."""
    if tasks < days:
        raise click.UsageError(f"{days} days need as many tasks at least.")
    return Size(people, tasks, days)


def _bar() -> company.Tell:
    """One line on stderr, rewritten as the days go by; only on a terminal."""
    if not sys.stderr.isatty():
        return lambda *_: None

    def show(what: str, done: int, of: int) -> None:
        bar = "#" * (BAR * done // of)
        end = "\n" if done == of else ""
        click.echo(f"\r{what:<16} [{bar:.<{BAR}}]{end}", err=True, nl=False)

    return show


commands = (worker, events, demo)
