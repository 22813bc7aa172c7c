"""What is said to the database within a block, whichever way it takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from ates.kernel import driver
from tests.kernel.faults import replaced


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that `engine` and `ates.kernel.driver` send, in their order."""
    said: list[str] = []

    def noted(function: Any) -> Any:
        def send(session: Any, statement: str, *more: Any) -> Any:
            said.append(statement)
            return function(session, statement, *more)

        return send

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        with (
            replaced(driver, "send", noted(driver.send)),
            replaced(driver, "send_many", noted(driver.send_many)),
            replaced(driver, "copying", noted(driver.copying)),
        ):
            yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)
