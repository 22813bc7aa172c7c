"""The same form sent twice is one act, whatever the database."""

from collections.abc import Callable

from sqlalchemy import text

from ates.kernel.db import Database
from tests.engines.marks import both
from tests.engines.people import Visitor, form_of


@both
def test_the_same_key_creates_one_task(
    sign_in: Callable[..., Visitor], drain: Callable[[], None], database: Database
) -> None:
    polly = sign_in("employee")
    drain()
    for number in (1, 2):
        target, drawn = form_of(polly.get("/tasks/new").text, "/tasks/")
        answers = [polly.post(target, data={**drawn, "title": "Feed"}) for _ in range(2)]
        assert {answer.location for answer in answers} == {f"/tasks/{number}"}
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM tasks_task")) == 2


@both
def test_the_same_key_with_another_content_is_refused(
    sign_in: Callable[..., Visitor], drain: Callable[[], None]
) -> None:
    polly = sign_in("employee")
    drain()
    target, drawn = form_of(polly.get("/tasks/new").text, "/tasks/")
    assert polly.post(target, data={**drawn, "title": "Feed"}).status_code == 303
    assert polly.post(target, data={**drawn, "title": "Oil"}).status_code in (409, 422)


@both
def test_one_persons_key_is_nothing_to_another(
    sign_in: Callable[..., Visitor], drain: Callable[[], None]
) -> None:
    polly, kesha = sign_in("employee"), sign_in("employee")
    drain()
    drawn = [form_of(each.get("/tasks/new").text, "/tasks/")[1] for each in (polly, kesha)]
    first = polly.post("/tasks/", data={**drawn[0], "title": "Feed"})
    second = kesha.post("/tasks/", data={**drawn[1], "key": drawn[0]["key"], "title": "Feed"})
    assert (first.location, second.location) == ("/tasks/1", "/tasks/2")
