"""How a bug is planted: the text of a function is changed, and the changed function is put in."""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.accounting.machine.rules import ask
from tests.accounting.machine.world import World
from tests.kernel.faults import replaced

Do = Callable[..., None]  # an act of the world by its name, with what it needs
Trace = Callable[[Do], None]
Plant = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Bug:
    """A mistake somebody could make, the property it breaks, and the shortest way to see it."""

    name: str
    broken: str
    plant: Plant
    trace: Trace
    zone: str = "UTC"
    side_by_side: bool = False  # two writers at once show it, on PostgreSQL only


def play(world: World, trace: Trace) -> None:
    """The acts of a trace, with all questions after each; raises Broken at the first answer."""

    def do(name: str, *args: Any, **more: Any) -> None:
        world.act(name, *args, **more)
        ask(world.violations())

    trace(do)


def changed(
    owner: Any, name: str, *changes: tuple[str, str], also: Any = (), **names: Any
) -> Plant:
    """`owner.name` with other words in its text; `also` are modules that imported it.

    A change that does not fit any more fails at once: the list must follow the code.
    """

    @contextmanager
    def plant() -> Iterator[None]:
        with ExitStack() as stack:
            made = stack.enter_context(_rewritten(owner, name, changes, names))
            for each in (owner, *also):
                stack.enter_context(replaced_raw(each, name, made))
            yield

    return plant


def instead(owner: Any, name: str, make: Callable[[Any], Any]) -> Plant:
    """`owner.name` is what `make` makes of it."""

    @contextmanager
    def plant() -> Iterator[None]:
        with replaced(owner, name, make(getattr(owner, name))):
            yield

    return plant


def together(*plants: Plant) -> Plant:
    """Several changes that make one bug."""

    @contextmanager
    def plant() -> Iterator[None]:
        with ExitStack() as stack:
            for each in plants:
                stack.enter_context(each())
            yield

    return plant


@contextmanager
def replaced_raw(owner: Any, name: str, made: Any) -> Iterator[None]:
    """Like `replaced`, for properties and class methods too."""
    original = vars(owner)[name]
    setattr(owner, name, made)
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def _rewritten(
    owner: Any, name: str, changes: tuple[tuple[str, str], ...], names: dict[str, Any]
) -> Iterator[Any]:
    """The function with other words, which may use `names` beside those of its module."""
    raw = vars(owner)[name]
    function = getattr(raw, "fget", None) or getattr(raw, "__func__", raw)
    text = textwrap.dedent(inspect.getsource(function))
    for old, new in changes:
        assert old in text, f"{name} has no {old!r} any more: the bug must be planted elsewhere"
        text = text.replace(old, new)
    module, made = function.__globals__, dict[str, Any]()
    fresh = {each: value for each, value in names.items() if each not in module}
    module.update(fresh)
    exec(compile(text, f"<{name} with a bug>", "exec"), module, made)
    try:
        yield made[name]
    finally:
        for each in fresh:
            del module[each]
