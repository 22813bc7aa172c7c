"""The demonstration company: every part plays its scenes, in order, by its real services.

The kernel's clock stands at each scene in turn, the lot and the ids repeat themselves for a day,
and between the scenes everybody hears everything, as the workers would see to.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import func, select

from ates.config import Config
from ates.kernel import clock, ids, post
from ates.kernel.context import Context
from ates.kernel.db import Database
from ates.kernel.delivery import drain_all, ensure_consumers
from ates.kernel.errors import N_, Conflict, Refusal
from ates.kernel.events import Cause, caused
from ates.kernel.mail import Post
from ates.kernel.stage import Scene, Stage
from ates.kernel.tables import event_log, log_head, outbox
from ates.ops import proof

SEED = 17
ACT = timedelta(minutes=200)  # scenes so close are heard together
PATIENCE = 60.0
ALIVE = timedelta(seconds=15)  # a worker that shows no life for longer is none

PRODUCTION = N_("There is no demonstration in production.")
PEOPLE = N_(
    "The database is in use: it has %(events)s events. The demonstration fills only an empty one."
    " Name a new folder in ATES_DATA, or an empty database in ATES_DATABASE_URL."
)
HALF = N_(
    "The demonstration is only half there, since it was interrupted. To start over, stop aTES,"
    " remove %(what)s and call this again."
)
RUNNING = N_("aTES runs on this folder: stop it first, its workers live in another time.")

Tell = Callable[[str, int, int], None]  # the day, scenes played, of how many


@dataclass(frozen=True)
class Played:
    """What there is now, counted in the log of events."""

    days: tuple[str, ...]
    counts: dict[str, int]
    seconds: float

    def plain(self) -> dict[str, Any]:
        return {"days": self.days, "events": self.counts, "seconds": round(self.seconds, 1)}

    def text(self) -> str:
        count = self.counts.get
        return (
            f"The demonstration company is there: {count('auth.person_registered', 0)} people,"
            f" {count('tasks.task_created', 0)} tasks, {count('tasks.task_completed', 0)} of them"
            f" done, {count('accounting.day_paid', 0)} days paid; {self.seconds:.0f} s."
        )


def refuse(database: Database, config: Config) -> None:
    """Raise Refusal where no demonstration may be played."""
    if config.production:
        raise Refusal(PRODUCTION)
    with database.reading() as session:
        staged = session.scalar(select(func.count()).select_from(outbox)) or 0
        events = staged + (session.scalar(select(func.max(log_head.c.position))) or 0)
    if not events:
        if _workers(config):
            raise Conflict(RUNNING)
        return
    if mark(config).exists():
        raise Conflict(HALF, what=_remains(database, config))
    raise Conflict(PEOPLE, events=f"{events:,}")


def mark(config: Config) -> Path:
    """Stands while the demonstration is not complete."""
    return config.data / "run" / "demo-unfinished"


def play(database: Database, config: Config, tell: Tell) -> Played:
    """Fill an empty database. Raises Refusal as `refuse`."""
    refuse(database, config)
    began = clock.monotonic()
    mark(config).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark(config).touch()
    stage = Stage.until(clock.now(), ZoneInfo(config.timezone))
    inboxes = list(current_app.extensions["ates.inboxes"].values())
    ensure_consumers(database, inboxes)
    # Whatever mail server is named: these letters go to nobody but the mailbox.
    office: Post = replace(
        current_app.extensions["ates.letters"], carrier=post.Files(config.mail_folder)
    )
    with ids.repeatable(SEED):
        scenes = _scenes(stage)
        done = 0
        for act in _acts(scenes):
            _perform(act)
            with clock.frozen(min(act[-1].at + timedelta(seconds=2), stage.now)):
                assert drain_all(database, inboxes, PATIENCE), "everything is heard in time"
                office.send_due(PATIENCE, lambda: False)
            done += len(act)
            tell(f"{act[-1].at:%a %d %b}", done, len(scenes))
    differences = proof.verify(database, _parts(), full=True)
    assert not any(differences.values()), f"the demonstration is true: {differences}"
    mark(config).unlink()
    days = tuple(day.isoformat() for day in stage.days)
    return Played(days, _counts(database), clock.monotonic() - began)


def _parts() -> Sequence[Context]:
    found: Sequence[Context] = current_app.extensions["ates.contexts"]
    return found


def _scenes(stage: Stage) -> list[Scene]:
    """Of all parts, in the order in which they happen."""
    played = [scene for part in _parts() if part.demo for scene in part.demo(stage)]
    return sorted(played, key=lambda scene: scene.at)


def _acts(scenes: Sequence[Scene]) -> Iterator[list[Scene]]:
    """Scenes that follow each other closely; before one that says so all others are heard."""
    act: list[Scene] = []
    for scene in scenes:
        if act and (scene.heard or scene.at - act[0].at > ACT):
            yield act
            act = []
        act.append(scene)
    if act:
        yield act


def _perform(act: Sequence[Scene]) -> None:
    for scene in act:
        with clock.frozen(scene.at), caused(Cause(str(ids.new()))):
            scene.act()


def _counts(database: Database) -> dict[str, int]:
    with database.reading() as session:
        rows = session.execute(
            select(event_log.c.type, func.count()).group_by(event_log.c.type)
        ).all()
    return dict(sorted(tuple(row) for row in rows))


def _remains(database: Database, config: Config) -> str:
    """What an interrupted demonstration has left."""
    if database.is_sqlite:
        return str(config.data)
    return f"{config.data} and the database {database.url.database}"


def _workers(config: Config) -> bool:
    """Whether the workers of this folder showed life just now."""
    for beat in (config.data / "run").glob("*.beat"):
        age = clock.now() - datetime.fromtimestamp(beat.stat().st_mtime, clock.now().tzinfo)
        if age < ALIVE:
            return True
    return False
