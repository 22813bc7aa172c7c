"""The acts of a world as rules: Hypothesis draws them in any order, and asks after each."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.accounting.machine import laws
from tests.accounting.machine.nights import NIGHT
from tests.accounting.machine.stage import Stage
from tests.accounting.machine.world import HEARING, PEOPLE, World

# Clocks change on the 30th in Berlin, and at midnight in Beirut: that day begins at one.
ZONES = ("UTC", "Europe/Berlin", "Asia/Beirut", "Pacific/Apia", "America/Havana")
TASKS = st.integers(1, 5)
WHO = st.sampled_from(PEOPLE)
HOW = st.sampled_from(["killed", "away"])
SIZES = st.sampled_from([1, 2, 500])
WHICH = st.integers(0, 30)


class Broken(AssertionError):
    """A world in which something does not hold that must."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("; ".join(found))
        self.names = laws.names(found)


def ask(found: list[str]) -> None:
    """Raise Broken if anything was found."""
    if found:
        raise Broken(found)


class Books(RuleBasedStateMachine):
    """Any acts in any order; what must hold holds after each of them."""

    stage: Stage
    world: World

    @initialize(zone=st.sampled_from(ZONES))
    def begin(self, zone: str) -> None:
        self.world = self.stage.world(zone)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            ask(self.world.rest())

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "world"):
            ask(self.world.violations())

    # --- what tasks says ------------------------------------------------------------------------

    @rule(number=TASKS, who=WHO, ago=st.sampled_from([0, 0, 0, 30, 100, 600, -240]))
    def assign(self, number: int, who: UUID, ago: float) -> None:
        self.world.act("assign", number, who, ago=ago)

    @precondition(lambda self: set(self.world.holders) - self.world.done)
    @rule(which=WHICH, ago=st.sampled_from([0, 0, 0, 60, 600]))
    def complete(self, which: int, ago: float) -> None:
        """By the assignee; now and then somebody else had it a moment before."""
        open_ = sorted(set(self.world.holders) - self.world.done)
        self.world.act("complete", open_[which % len(open_)], ago=ago)

    @rule(number=TASKS, who=WHO)
    def complete_before_all(self, number: int, who: UUID) -> None:
        """Heard before any assignment, or of a person who does not hold it any more."""
        if number not in self.world.done:
            self.world.act("complete", number, who)

    @rule(which=WHICH)
    def repeat(self, which: int) -> None:
        self.world.act("repeat", which)

    @rule(which=WHICH, later=st.booleans())
    def contradict(self, which: int, later: bool) -> None:
        self.world.act("contradict", which, later=later)

    @rule(number=TASKS, who=WHO)
    def say_too_early(self, number: int, who: UUID) -> None:
        self.world.act("assign", number, who, ago=-360)

    # --- how it arrives -------------------------------------------------------------------------

    @rule(size=SIZES, watched=st.booleans())
    def hear(self, size: int, watched: bool) -> None:
        self.world.act("hear", size, watched=watched)

    @rule(size=SIZES)
    def hear_a_batch(self, size: int) -> None:
        self.world.act("hear", size, batches=1)

    @rule()
    def number(self) -> None:
        self.world.act("number")

    @rule(step=st.sampled_from(sorted(HEARING)), how=HOW, size=SIZES)
    def hear_and_die(self, step: str, how: str, size: int) -> None:
        self.world.act("hear_and_die", step, how, size)

    @rule(size=SIZES)
    def replay(self, size: int) -> None:
        self.world.act("replay", size)

    @rule(ahead=st.integers(1, 3))
    def park(self, ahead: int) -> None:
        self.world.act("park", ahead)

    @rule()
    def again(self) -> None:
        self.world.act("again")

    @rule()
    def skip(self) -> None:
        self.world.act("skip")

    # --- people, days, nights -------------------------------------------------------------------

    @rule(who=WHO, cents=st.sampled_from([1, -1, 99, 100, -2500, 3333]), id=st.integers(0, 3))
    def adjust(self, who: UUID, cents: int, id: int) -> None:
        self.world.act("adjust", who, cents, id=id)

    @rule(what=st.sampled_from(["day", "account", "account", "everything"]), who=WHO)
    def hold(self, what: str, who: UUID) -> None:
        self.world.act("hold", what, who)

    @rule()
    def release(self) -> None:
        self.world.act("release")

    @rule(who=WHO, cents=st.sampled_from([245, -99, 5000]))
    def correct(self, who: UUID, cents: int) -> None:
        self.world.act("correct", who, cents)

    @rule(which=WHICH)
    def reverse(self, which: int) -> None:
        self.world.act("reverse", which)

    @rule(minutes=st.sampled_from([1, 3, 45, 600, 1500, 4380]))
    def wait(self, minutes: int) -> None:
        self.world.act("wait", minutes, 1)

    @rule(minutes=st.sampled_from([1, 120]))
    def clock_back(self, minutes: int) -> None:
        self.world.now -= timedelta(minutes=minutes)

    @rule(microseconds=st.sampled_from([-1, 0, 1]), number=TASKS, who=WHO)
    def say_at_the_border(self, microseconds: int, number: int, who: UUID) -> None:
        self.world.act("to_border", microseconds)
        self.world.act("assign", number, who)

    @rule(
        size=SIZES,
        catch_up=st.sampled_from([400, 400, 1]),
        meanwhile=st.sampled_from([None, None, None, "night", "hear", "hold day", "hold account"]),
    )
    def night(self, size: int, catch_up: int, meanwhile: str | None) -> None:
        self.world.act("to_border", 0)
        self.world.act("wait", 2)
        self._run(size, catch_up, meanwhile)

    @rule(who=WHO, other=WHO, third=WHO, number=TASKS, size=SIZES, held=st.booleans())
    def whole_day(
        self, who: UUID, other: UUID, third: UUID, number: int, size: int, held: bool
    ) -> None:
        """A task is drawn and done, somebody is corrected; then it is night, perhaps a held one."""
        self.world.act("assign", number, who)
        if number not in self.world.done:
            self.world.act("complete", number, other)
        self.world.act("adjust", third, 99)
        self.world.act("hear")
        ask(self.world.violations())
        self.night(size, 400, "hold day" if held else None)
        ask(self.world.violations())
        self.world.act("release")

    @rule(numbers=st.lists(TASKS, min_size=2, max_size=4), who=WHO)
    def shuffle(self, numbers: list[int], who: UUID) -> None:
        """Several tasks at one moment, in one batch, the later person first."""
        for place, number in enumerate(numbers):
            self.world.act("assign", number, PEOPLE[(PEOPLE.index(who) - place) % 4])
        self.world.act("hear")

    @rule(size=SIZES, catch_up=st.sampled_from([400, 1]))
    def run_by_day(self, size: int, catch_up: int) -> None:
        self._run(size, catch_up, None)

    @rule(step=st.sampled_from(sorted(NIGHT)), how=HOW)
    def night_and_die(self, step: str, how: str) -> None:
        self.world.act("night_and_die", step, how)

    @rule(zone=st.sampled_from(ZONES))
    def move(self, zone: str) -> None:
        self.world.act("move", zone)

    @rule()
    def new_key(self) -> None:
        self.world.act("new_key")

    # --- letters, figures -----------------------------------------------------------------------

    @rule(who=WHO)
    def meet(self, who: UUID) -> None:
        self.world.act("meet", who)

    @precondition(lambda self: self.stage.mail is not None)
    @rule(
        mode=st.sampled_from(
            ["accept", "later", "refuse", "refuse_address", "drop_before", "drop_after"]
        ),
        killed=st.booleans(),
    )
    def send(self, mode: str, killed: bool) -> None:
        self.world.act("send", mode, killed=killed)

    @rule()
    def count(self) -> None:
        """Administrators look: every figure is what the entries sum to."""
        self.world.act("look")

    def _run(self, size: int, catch_up: int, meanwhile: str | None) -> None:
        more: dict[str, Any] = {"catch_up": catch_up}
        if meanwhile is not None:
            more["meanwhile"] = lambda world: world.meanwhile(meanwhile)
        self.world.act("night", size, **more)


def search(stage: Stage, examples: int, steps: int, *, repeatable: bool = False) -> None:
    """Play so many worlds; raises Broken for the first in which something does not hold."""
    run_state_machine_as_test(
        type("Machine", (Books,), {"stage": stage}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=repeatable,
            phases=[Phase.generate],  # what is found is replayed as it is: shrinking takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
