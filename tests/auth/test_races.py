"""What two people do at the same moment, on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from uuid import UUID

from flask import Flask
from sqlalchemy import func, select

from ates.auth import service
from ates.auth.models import LinkKind, Person, SignedIn
from ates.contracts.auth import Role
from ates.kernel.db import reading, transaction
from ates.kernel.errors import Refusal
from tests.auth import make
from tests.engines.marks import both


def together(app: Flask, acts: list[Callable[[], object]]) -> list[bool]:
    """Do all at once; whether each was done (True) or refused (False)."""

    start = Barrier(len(acts))

    def one(act: Callable[[], object]) -> bool:
        start.wait(30)
        with app.app_context():
            try:
                act()
            except Refusal:
                return False
            return True

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


@both
def test_two_admins_who_remove_each_other_do_not_both_succeed(app: Flask) -> None:
    one, two = make.somebody(app, Role.ADMIN).id, make.somebody(app, Role.ADMIN).id

    def demote() -> None:
        with transaction("auth") as session:
            service.change_role(session, one, Role.EMPLOYEE, by=two)

    def shut_out() -> None:
        with transaction("auth") as session:
            service.deactivate(session, two, by=one)

    assert sorted(together(app, [demote, shut_out])) == [False, True]
    with app.app_context(), reading("auth") as session:
        admins = select(Person.id).where(Person.role == Role.ADMIN, Person.active)
        assert len(session.scalars(admins).all()) == 1


@both
def test_of_twenty_guesses_at_the_same_moment_five_are_looked_at(app: Flask) -> None:
    kesha = make.somebody(app)

    def guess(number: int) -> None:
        with transaction("auth") as session:
            service.admit(session, email=kesha.email, address=f"192.0.2.{number}")

    done = together(app, [partial(guess, number) for number in range(20)])
    assert sum(done) == 5


@both
def test_a_link_that_two_use_at_the_same_moment_works_once(app: Flask) -> None:
    kesha = make.somebody(app)
    with app.app_context(), transaction("auth") as session:
        link = service.invite(session, kesha.id).id

    def use() -> None:
        with transaction("auth") as session:
            service.use_link(session, link, LinkKind.RESET, password_hash=make.password_hash())

    assert sum(together(app, [use, use, use])) == 1
    with app.app_context(), reading("auth") as session:
        assert session.get_one(Person, kesha.id).epoch == 2


@both
def test_a_sign_in_during_a_deactivation_leaves_no_session(app: Flask) -> None:
    for _ in range(5):
        kesha = make.somebody(app)
        with app.app_context(), transaction("auth") as session:
            candidate = service.admit(session, email=kesha.email, address=None)

        def enter(candidate: service.Candidate = candidate) -> None:
            with transaction("auth") as session:
                service.enter(session, candidate)

        def shut_out(who: UUID = kesha.id) -> None:
            with transaction("auth") as session:
                service.deactivate(session, who, by=None)

        together(app, [enter, shut_out])
        with app.app_context(), reading("auth") as session:
            assert not session.scalar(
                select(func.count()).select_from(SignedIn).where(SignedIn.person_id == kesha.id)
            )
