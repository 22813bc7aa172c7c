"""Lists, searches and pages by key, the same on both databases."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from ates.kernel import clock, ids
from ates.tasks import queries, service
from ates.tasks.models import Task
from ates.tasks.queries import Filter
from tests.engines.marks import both
from tests.tasks import make

pytestmark = both

VIEWER = UUID(int=7)


def numbers(session: Session, **wanted: Any) -> list[int]:
    found = queries.find(session, Filter(**wanted), viewer=VIEWER, cursor=None, at=clock.now())
    return [row.number for row in found.rows]


@pytest.fixture
def library(session: Session) -> list[Task]:
    """Six tasks of two people."""
    kesha, gosha = make.assignee(session, "Kesha A."), make.assignee(session, "Гоша П.")
    now = clock.now()
    rows = [
        (kesha, "Count the parrots", "POPUG-12", 2000),
        (gosha, "Починить ГНЕЗДО ёжика", "POPUG-121", 4000),
        (kesha, "Repair the lift, 100% of it", None, 3000),
        (kesha, "Straße fegen", "ABC-12", None),
        (gosha, "counting under_score", None, 4000),
        (kesha, "Covid-19 rules", None, 2500),
    ]
    return [
        make.task(
            session,
            holder,
            title,
            jira_id=key,
            fee=1000 if reward else None,
            reward=reward,
            at=now - timedelta(days=10 - place),
        )
        for place, (holder, title, key, reward) in enumerate(rows)
    ]


SEARCHES = {
    "": [6, 5, 4, 3, 2, 1],
    "3": [3],
    "№ 3": [3],
    "#3": [3],
    "77": [],
    "POPUG-12": [2, 1],
    "popug-121": [2],
    "popug": [2, 1],
    "POPUG-": [2, 1],
    "count": [5, 1],
    "COUNT PARR": [1],
    "parrots count": [1],
    "гнездо": [2],
    "ЁЖИКА починить": [2],
    "ежика": [2],
    "STRASSE": [4],
    "covid-19": [6],
    "100%": [3],
    "%": [],
    "_": [],
    "'; drop table tasks_task; --": [],
    "unheard": [],
    "9" * 40: [],
}


def test_the_search_knows_numbers_keys_and_words(session: Session, library: list[Task]) -> None:
    assert {q: numbers(session, q=q) for q in SEARCHES} == SEARCHES


def test_filters_narrow_together(session: Session, library: list[Task]) -> None:
    kesha, gosha = library[0].assignee_id, library[1].assignee_id
    service.complete_task(session, 1, by=kesha)
    assert numbers(session, status="done") == [1]
    assert numbers(session, status="open", assignees=[kesha]) == [6, 4, 3]
    assert numbers(session, q="count", assignees=[gosha]) == [5]
    assert numbers(session, assignees=[]) == []
    assert numbers(session, since=library[2].created_at, until=library[4].created_at) == [4, 3]
    run = service.shuffle_open_tasks(session, by=kesha)
    assert numbers(session, shuffle=run.number) == [6, 5, 4, 3, 2]
    assert numbers(session, shuffle=99) == []


def test_sorting_by_reward_puts_the_unpriced_last_on_both_databases(
    session: Session, library: list[Task]
) -> None:
    assert numbers(session, sort="reward") == [5, 2, 3, 6, 1, 4]
    assert numbers(session, sort="oldest") == [1, 2, 3, 4, 5, 6]
    assert numbers(session, sort="nonsense") == [6, 5, 4, 3, 2, 1]


def test_people_are_found_by_a_part_of_the_name(session: Session, library: list[Task]) -> None:
    assert [who.name for who in queries.people_called(session, "ГОША")] == ["Гоша П."]
    assert [who.name for who in queries.people_called(session, "a.")] == ["Kesha A."]
    assert queries.people_called(session, "%") == []
    for number in range(30):
        make.assignee(session, f"Polly {number}")
    assert len(queries.people_called(session, "polly")) == 20


@pytest.mark.parametrize("sort", ["newest", "oldest", "reward"])
def test_a_walk_over_pages_meets_each_task_once_both_ways(session: Session, sort: str) -> None:
    holder = make.assignee(session)
    for number in range(120):
        make.task(session, holder, fee=1000, reward=2000 + 100 * (number % 3))
    wanted, forth, cursor = Filter(sort=sort), list[list[int]](), None
    while True:
        found = queries.find(session, wanted, viewer=VIEWER, cursor=cursor, at=clock.now())
        forth.append([row.number for row in found.rows])
        if found.older is None:
            break
        cursor = found.older
        make.task(session, holder, fee=1000, reward=9900)  # others create meanwhile
    assert [len(page) for page in forth[:2]] == [50, 50]
    seen = [number for page in forth for number in page]
    assert len(seen) == len(set(seen))
    assert set(range(1, 121)) <= set(seen)
    back = []
    while found.newer is not None:
        found = queries.find(session, wanted, viewer=VIEWER, cursor=found.newer, at=clock.now())
        back.append([row.number for row in found.rows])
    if sort == "oldest":  # what others created stands behind everything that was seen
        assert back == forth[-2::-1]
    assert {number for page in back for number in page} | set(forth[-1]) >= set(range(1, 121))


def test_a_broken_cursor_is_the_first_page(session: Session) -> None:
    make.task(session, make.assignee(session))
    broken = ("x", "", "W10", "WzBd", "WzAsInh4Il0", "WzAsbnVsbF0", "é", "A" * 300, "WzAsMWU5OV0")
    for cursor in broken:
        found = queries.find(session, Filter(), viewer=VIEWER, cursor=cursor, at=clock.now())
        assert [row.number for row in found.rows] == [1], cursor


class TestOwnTasks:
    def test_rows_just_completed_keep_their_place_for_a_quarter_of_an_hour(
        self, session: Session
    ) -> None:
        kesha, now = make.assignee(session), clock.now()
        for hours in (3, 2, 1):
            make.task(session, kesha, fee=1000, reward=2000, at=now - timedelta(hours=hours))
        service.complete_task(session, 2, by=kesha.id)
        page = self.mine(session, kesha.id)
        assert [(row.number, row.status, row.reward_state) for row in page.rows] == [
            (3, "open", "none"),
            (2, "done", "pending"),
            (1, "open", "none"),
        ]
        assert (page.open, page.worth, page.unpriced) == (2, 4000, 0)
        later = now + timedelta(minutes=16)
        assert [row.number for row in self.mine(session, kesha.id, at=later).rows] == [3, 1]
        (done,) = self.mine(session, kesha.id, status="done", at=later).rows
        assert (done.number, done.reward_state) == (2, "delayed")

    def test_sorted_by_reward_and_by_age(self, session: Session) -> None:
        kesha = make.assignee(session)
        for reward in (3000, 2000, 4000):
            make.task(session, kesha, fee=1000, reward=reward)
        by = {
            sort: [row.number for row in self.mine(session, kesha.id, sort=sort).rows]
            for sort in ("", "reward", "oldest")
        }
        assert by == {"": [3, 2, 1], "reward": [3, 1, 2], "oldest": [1, 2, 3]}

    def test_nobody_elses_tasks_are_in_it(self, session: Session) -> None:
        kesha, gosha = make.assignee(session), make.assignee(session, "Gosha")
        make.task(session, gosha)
        service.complete_task(session, 1, by=gosha.id)
        make.task(session, gosha)
        page = self.mine(session, kesha.id)
        assert (page.rows, page.open, page.worth) == ([], 0, 0)
        assert self.mine(session, kesha.id, status="done").rows == []
        assert queries.money_on_its_way(session, kesha.id, clock.now()) == []

    def test_what_came_and_left_since_the_last_visit_is_one_note(self, session: Session) -> None:
        kesha = make.assignee(session, "Kesha")
        make.task(session, kesha, fee=1400, reward=3000)
        service.look_through(session, by=kesha.id, at=clock.now())
        assert self.mine(session, kesha.id).since is None
        service.shuffle_open_tasks(session, by=ids.new())  # Kesha again, for the fee
        since = self.mine(session, kesha.id).since
        assert since is not None
        assert (since.shuffles, since.left, since.came, since.fees) == (1, 0, 0, -1400)
        make.hear(session, make.changed(kesha.id, 2, name="Kesha", active=False))
        gosha = ids.new()
        make.hear(session, make.registered(gosha, "Gosha"))
        left = self.mine(session, kesha.id).since
        assert left is not None
        assert (left.left, left.came, left.fees) == (1, 0, -1400)
        came = self.mine(session, gosha).since
        assert came is not None
        assert (came.shuffles, came.left, came.came, came.fees) == (0, 0, 1, -1400)

    def test_somebody_unheard_of_has_no_tasks_and_no_note(self, session: Session) -> None:
        page = self.mine(session, ids.new())
        assert (page.rows, page.in_lot, page.since) == ([], False, None)

    @staticmethod
    def mine(
        session: Session, who: UUID, status: str = "open", sort: str = "", at: Any = None
    ) -> queries.Mine:
        return queries.mine(
            session, who, status=status, sort=sort, cursor=None, at=at or clock.now()
        )


def test_the_history_tells_who_got_it_when_and_why(session: Session) -> None:
    kesha, margo = make.assignee(session, "Kesha"), make.assignee(session, "Margo")
    make.hear(session, make.changed(margo.id, 2, name="Margo", active=False))
    task = make.tasks(session, 1, by=margo.id)[0]
    make.hear(session, make.priced((task.id, 1000, 2000)))
    service.shuffle_open_tasks(session, by=margo.id)
    service.complete_task(session, 1, by=kesha.id)
    page = queries.one(session, 1, viewer=kesha.id, at=clock.now())
    kinds = {line.kind: line for line in page.history}
    assert set(kinds) == {"created", "priced", "shuffle", "completed"}
    assert page.history[0].kind == "completed"
    assert kinds["created"].who == page.created_by
    assert kinds["shuffle"].who is not None
    assert (kinds["shuffle"].who.name, kinds["shuffle"].run) == ("Margo", 1)
    assert kinds["shuffle"].again
    assert page.hidden == 0
