"""People: registered, changed, deactivated, never deleted (R2, R3)."""

from typing import Any

import pytest
from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.auth import queries, service
from ates.auth.models import Person
from ates.contracts.auth import PersonChanged, PersonRegistered, Role
from ates.kernel import ids
from ates.kernel.db import Database
from ates.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from tests.auth import make
from tests.engines.marks import both


def test_registering_says_the_whole_person(session: Session, said: list[Any]) -> None:
    kesha = service.create_person(
        session,
        email=" Kesha@Popug.example ",
        name=" Кеша  ",
        role=Role.EMPLOYEE,
        trade="developer",
        locale="ru",
    )
    assert said == [
        PersonRegistered(
            person_id=kesha.id,
            key_version=1,
            email="Kesha@Popug.example",
            name="Кеша",
            role=Role.EMPLOYEE,
            trade="developer",
            locale="ru",
            active=True,
            epoch=1,
        )
    ]


@both
def test_an_email_belongs_to_one_person_in_any_case(session: Session) -> None:
    make.person(session, email="kesha@popug.example")
    with pytest.raises(Invalid) as refusal:
        make.person(session, email="KESHA@popug.EXAMPLE")
    assert refusal.value.fields == {"email": service.people.TAKEN}


@both
def test_of_two_registrations_at_the_same_time_one_is_refused_in_words(
    app: Flask, database: Database, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.people, "_refuse_taken", lambda session, email: None)
    make.person(session, email="kesha@popug.example")
    with pytest.raises(Invalid) as refusal:
        make.person(session, email="Kesha@popug.example")
    assert refusal.value.fields == {"email": service.people.TAKEN}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""), ("email", "kesha"), ("email", "a@b, c@d"), ("email", "a@b\nBcc: c@d"),
        ("email", "<a@b>"), ("email", "a b@c"), ("email", "кеша@popug.example"),
        ("email", "a@b@c"), ("email", "a@-b"), ("email", ".a@b"), ("email", "a" * 250 + "@b.de"),
        ("name", ""), ("name", "  "), ("name", "x" * 101), ("name", "Ke\u202esha"),
        ("name", "Ke\nsha"), ("trade", "x" * 51), ("trade", "a\x00b"), ("locale", "de"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_at_its_field(
    session: Session, said: list[Any], field: str, value: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        make.person(session, Role.EMPLOYEE, **{field: value})
    assert list(refusal.value.fields) == [field]
    assert said == []


def test_a_role_changes_with_the_epoch_and_the_whole_state_is_said(
    session: Session, said: list[Any]
) -> None:
    kesha = make.person(session)
    service.change_role(session, kesha.id, Role.MANAGER, by=None)
    event = said[-1]
    assert isinstance(event, PersonChanged)
    assert (event.role, event.epoch, event.key_version) == (Role.MANAGER, 2, 2)


def test_the_same_role_again_says_nothing(session: Session, said: list[Any]) -> None:
    kesha = make.person(session)
    service.change_role(session, kesha.id, Role.EMPLOYEE, by=None)
    assert len(said) == 1


def test_the_epoch_rises_with_role_name_language_password_and_deactivation_but_not_with_a_trade(
    session: Session,
) -> None:
    kesha = make.person(session)
    about: dict[str, Any] = {
        "email": kesha.email,
        "name": kesha.name,
        "trade": None,
        "locale": "en",
    }

    def risen() -> int:
        return kesha.epoch

    service.change_details(session, kesha.id, **{**about, "trade": "tester"})
    assert risen() == 1
    service.change_details(session, kesha.id, **{**about, "name": "Kesha B."})
    assert risen() == 2
    service.set_locale(session, kesha.id, "ru")
    assert risen() == 3
    service.change_role(session, kesha.id, Role.ACCOUNTANT, by=None)
    assert risen() == 4
    service.set_password(session, kesha.id, make.password_hash())
    assert risen() == 5
    service.deactivate(session, kesha.id, by=None)
    assert risen() == 6


def test_nobody_changes_the_own_role(session: Session) -> None:
    make.person(session, Role.ADMIN)
    aurora = make.person(session, Role.ADMIN)
    with pytest.raises(Forbidden, match="Nobody changes their own role"):
        service.change_role(session, aurora.id, Role.EMPLOYEE, by=aurora.id)


def test_the_only_active_admin_is_neither_demoted_nor_deactivated(session: Session) -> None:
    aurora = make.person(session, Role.ADMIN)
    gone = make.person(session, Role.ADMIN)
    service.deactivate(session, gone.id, by=aurora.id)
    with pytest.raises(Conflict, match="only active admin"):
        service.change_role(session, aurora.id, Role.MANAGER, by=None)
    with pytest.raises(Conflict, match="only active admin"):
        service.deactivate(session, aurora.id, by=None)


def test_who_is_no_admin_any_more_decides_nothing(session: Session) -> None:
    make.person(session, Role.ADMIN)
    former = make.person(session, Role.MANAGER)
    kesha = make.person(session)
    with pytest.raises(Forbidden):
        service.change_role(session, kesha.id, Role.ADMIN, by=former.id)
    with pytest.raises(Forbidden):
        service.deactivate(session, kesha.id, by=former.id)


def test_deactivating_twice_is_deactivating_once(session: Session, said: list[Any]) -> None:
    kesha = make.person(session)
    service.deactivate(session, kesha.id, by=None)
    service.deactivate(session, kesha.id, by=None)
    assert [type(each) for each in said] == [PersonRegistered, PersonChanged]
    assert said[-1].active is False


def test_somebody_unknown_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        service.deactivate(session, ids.new(), by=None)


@both
def test_the_list_is_read_page_by_page_without_doubles_or_gaps(session: Session) -> None:
    names = ["Ара", "Kesha", "kesha", "ÀRA", "Zazu", "ara", "Ara", "Gosha", "%", "_x"]
    made = {make.person(session, name=name).id for name in names}
    seen, after = [], ""
    while True:
        page = queries.people(session, after=after, limit=3)
        seen += [row.id for row in page.rows]
        if page.after is None:
            break
        after = page.after
    assert len(seen) == len(names)
    assert set(seen) == made


@both
def test_the_search_looks_into_names_and_addresses_in_any_case_and_alphabet(
    session: Session,
) -> None:
    make.person(session, name="Кеша Попугаев", email="k1@popug.example")
    make.person(session, name="100% bird", email="k2@popug.example")
    make.person(session, name="Gosha", email="KESHA@popug.example", role=Role.ADMIN)

    def found(**by: Any) -> list[str]:
        return [row.name for row in queries.people(session, **by).rows]

    assert found(q="кеША") == ["Кеша Попугаев"]
    assert found(q="kesha@") == ["Gosha"]
    assert found(q="%") == ["100% bird"]
    assert found(q="_") == []
    assert found(role=Role.ADMIN) == ["Gosha"]
    assert found(active=False) == []


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "WzFd", "bnVsbA", "WyJhIiwiYiJd", "\ud800"])
def test_a_cursor_of_somebody_else_begins_at_the_beginning(session: Session, cursor: str) -> None:
    make.person(session)
    assert len(queries.people(session, after=cursor).rows) == 1


class Company(RuleBasedStateMachine):
    """Admins appoint, demote and deactivate one another in any order."""

    session: Session
    said: list[Any]
    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.point = self.session.begin_nested()
        self.said.clear()
        self.first = make.person(self.session, Role.ADMIN)

    def teardown(self) -> None:
        self.point.rollback()
        self.session.expunge_all()

    @rule(target=people, role=st.sampled_from(Role))
    def register(self, role: Role) -> Any:
        return make.person(self.session, role).id

    @rule(target=people)
    def the_first(self) -> Any:
        return self.first.id

    @rule(who=people, role=st.sampled_from(Role), by=people)
    def change_role(self, who: Any, role: Role, by: Any) -> None:
        self._try(lambda: service.change_role(self.session, who, role, by=by))

    @rule(who=people, by=people)
    def deactivate(self, who: Any, by: Any) -> None:
        self._try(lambda: service.deactivate(self.session, who, by=by))

    @rule(who=people, by=people)
    def activate(self, who: Any, by: Any) -> None:
        self._try(lambda: service.activate(self.session, who, by=by))

    @rule(target=people)
    def nobody(self) -> Any:
        return multiple()

    @invariant()
    def somebody_is_an_active_admin(self) -> None:
        assert self.session.scalars(
            select(Person.id).where(Person.role == Role.ADMIN, Person.active)
        ).first()

    @invariant()
    def the_events_tell_the_same_as_the_rows_without_a_gap(self) -> None:
        last = {each.person_id: each for each in self.said}
        for row in self.session.scalars(select(Person)):
            event = last[row.id]
            assert (event.role, event.active, event.epoch) == (row.role, row.active, row.epoch)
            versions = [each.key_version for each in self.said if each.person_id == row.id]
            assert versions == list(range(1, row.said + 1))

    def _try(self, act: Any) -> None:
        try:
            act()
        except Refusal:
            self.session.flush()


def test_there_is_always_an_active_admin_and_the_events_agree(
    session: Session, said: list[Any]
) -> None:
    class Here(Company):
        pass

    Here.session, Here.said = session, said
    run_state_machine_as_test(Here, settings=settings(max_examples=25, stateful_step_count=20))
