"""The story: one seeded lot decides everything, and only what is open is kept in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from uuid import UUID
from zoneinfo import ZoneInfo

from ates.contracts.auth import DRAWN_ROLES, Role
from ates.contracts.chronicle.facts import Chapter, Draw, Fact, Job, Popug, Press
from ates.contracts.chronicle.texts import SECOND, identity, identity_text, micros
from ates.kernel import ids

HOUR = 3600 * SECOND
PAGE = 5_000  # facts told at once, more or less
OPEN = 12_000  # tasks, when there are enough
SHUFFLED = 0.9  # draws per task beyond the first
LOOKS = 8  # times a day, at least, that a manager thinks of a shuffle
WORDS = (
    ("Feed", "Wash", "Count", "Ring", "Weigh", "Teach", "Call", "Comb", "Почистить", "Обучить"),
    ("the red", "the blue", "the grey", "the young", "one old", "one loud", "one shy", "one quiet"),
    ("macaw", "parrot", "cockatoo", "budgie", "lory", "kea", "kaka", "conure", "amazon", "жако"),
)
TITLES = [" ".join(each) for each in product(*WORDS)]
CREATE, COMPLETE, LOOK = "create", "complete", "look"
PROJECTS = ("CAGE", "NEST", "SHIP", "TOWER", "PORT", "GATE", "ROOF", "POPUG")


@dataclass(frozen=True)
class Size:
    """How large the company is."""

    people: int
    tasks: int
    days: int


class Chronicle:
    """The story of one company up to `now`. Its chapters are read once, in order."""

    def __init__(self, size: Size, zone: ZoneInfo, now: datetime) -> None:
        assert size.people >= 4, "each role has somebody"
        assert size.tasks >= size.days > 0, "something happens each day"
        self.size, self.zone, self.now = size, zone, now
        # Its last day has begun half an hour ago at least: the night before is paid.
        self.last_day = (now - timedelta(minutes=30)).astimezone(zone).date()
        first = self.last_day - timedelta(days=size.days - 1)
        self.begins = micros(_midnight(first, zone)) - HOUR
        self.people = [self._popug(number) for number in range(size.people)]
        self._names = [str(each.id) for each in self.people]
        self.lot = [each.number for each in self.people if each.role in DRAWN_ROLES]
        self.managers = [each for each in self.people if each.role is Role.MANAGER]
        self.open: list[Job] = []
        self.presses = 0
        self._created = 0
        self._redrawn = 0

    def chapters(self) -> Iterator[Chapter]:
        """Day after day; the pages of one are read before the next is asked for."""
        for number in range(self.size.days):
            day = self.last_day - timedelta(days=self.size.days - 1 - number)
            starts_at = _midnight(day, self.zone)
            ends_at = _midnight(day + timedelta(days=1), self.zone)
            pages = self._pages(number, starts_at, ends_at)
            yield Chapter(day, starts_at, ends_at, day == self.last_day, pages)

    # --- a day --------------------------------------------------------------------------------

    def _pages(self, number: int, starts_at: datetime, ends_at: datetime) -> Iterator[list[Fact]]:
        tasks, days = self.size.tasks, self.size.days
        fresh = tasks * (number + 1) // days - tasks * number // days
        done = max(0, len(self.open) + fresh - max(1, min(OPEN, tasks // 8)))
        page: list[Fact] = []
        for at, act in _interleaved(fresh, done, *self._hours(starts_at, ends_at)):
            if act is LOOK:
                yield from _told(page)
                yield from self._shuffle(at)
                page = []
            elif act is CREATE:
                page.append(self._create(at))
            elif self.open:
                page.append(self._complete(at))
        yield from _told(page)

    def _hours(self, starts_at: datetime, ends_at: datetime) -> tuple[int, int]:
        """People work from eight to eight; today up to five minutes ago."""
        begin, end = micros(starts_at) + 8 * HOUR, micros(ends_at) - 4 * HOUR
        now = micros(self.now) - HOUR // 12
        return (begin, end) if end <= now else (micros(starts_at) + HOUR // 4, now)

    def _create(self, at: int) -> Draw:
        self._created += 1
        number = self._created
        digits = identity(at, number)
        job = Job(
            number=number,
            key=bytes.fromhex(digits),
            id=identity_text(digits),
            title=ids.draw(TITLES),
            jira_id=f"{PROJECTS[number % 8]}-{number}" if number % 3 else None,
            created_by=ids.draw(self._names),
            at=at,
        )
        draw = Draw(job, 1, ids.draw(self.lot), at, None)
        job.draws.append(draw)
        self.open.append(job)
        return draw

    def _complete(self, at: int) -> Job:
        place = ids.draw(range(len(self.open)))
        self.open[place], self.open[-1] = self.open[-1], self.open[place]
        job = self.open.pop()
        job.done_at = at
        return job

    def _shuffle(self, at: int) -> Iterator[list[Fact]]:
        """Press, if so many draws are still missing to `SHUFFLED` a task."""
        if not self.open or self._redrawn + len(self.open) > SHUFFLED * self._created:
            return
        self._redrawn += len(self.open)
        self.presses += 1
        drawn = [ids.draw(self.lot) for _ in self.open]
        spread = _spread(self.lot, drawn)
        press = Press(
            number=self.presses,
            id=identity_text(identity(at, -self.presses)),
            pressed_by=str(ids.draw(self.managers).id),
            at=at,
            tasks=len(drawn),
            people=len(self.lot),
            moved=sum(job.held_by != who for job, who in zip(self.open, drawn, strict=True)),
            fees_cents=sum(job.fee_cents for job in self.open),
            least=spread[0],
            median=spread[(len(spread) - 1) // 2],
            most=spread[-1],
        )
        page: list[Fact] = [press]
        for job, who in zip(self.open, drawn, strict=True):
            draw = Draw(job, len(job.draws) + 1, who, at, self.presses)
            job.draws.append(draw)
            page.append(draw)
            if len(page) >= PAGE:
                yield page
                page = []
        if page:
            yield page

    def _popug(self, number: int) -> Popug:
        role = _role(number)
        locale = "ru" if number % 4 == 3 else "en"
        at = self.begins + number
        return Popug(
            number=number,
            id=UUID(identity(at, number)),
            name=f"{WORDS[2][number % 9].title()} {role.title()} {number + 1}",
            email=f"{role}-{number + 1}@popug.example",
            role=role,
            locale=locale,
            said_at=at,
        )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _role(number: int) -> Role:
    """One of each first; then one in a hundred is an admin, five manage and five keep the books."""
    if number < 4:
        return tuple(Role)[number]
    among = number % 100
    if among == 0:
        return Role.ADMIN
    if among < 6:
        return Role.MANAGER
    return Role.ACCOUNTANT if among < 11 else Role.EMPLOYEE


def _told(page: list[Fact]) -> Iterator[list[Fact]]:
    """A page, if there is something on it; then the history of what is done is forgotten."""
    if page:
        yield page
    for fact in page:
        if isinstance(fact, Job):
            fact.draws.clear()  # they refer to each other


def _interleaved(fresh: int, done: int, begin: int, end: int) -> Iterator[tuple[int, str]]:
    """Creations and completions evenly over the day, with looks between them."""
    steps, made, looked = fresh + done, 0, 0
    looks = max(LOOKS, steps // PAGE)
    for step in range(steps):
        at = begin + (end - begin) * step // steps
        if looks * step // steps > looked:
            looked += 1
            yield at, LOOK
        wanted = (step + 1) * fresh // steps > made
        made += wanted
        yield at, CREATE if wanted else COMPLETE


def _spread(lot: list[int], drawn: list[int]) -> list[int]:
    counts = dict.fromkeys(lot, 0)
    for person in drawn:
        counts[person] += 1
    return sorted(counts.values())
