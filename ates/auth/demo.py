"""The people of the demonstration company, with passwords that everybody may know."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.auth import details, passwords, service
from ates.auth.models import Person
from ates.auth.service import Candidate
from ates.contracts.auth import Role
from ates.kernel import ids
from ates.kernel.db import reading, transaction
from ates.kernel.stage import Scene, Stage, acting


@dataclass(frozen=True)
class Popug:
    """One of them; the first of a role is the one to sign in as."""

    name: str
    login: str
    role: Role = Role.EMPLOYEE
    trade: str | None = None
    locale: str = "en"

    @property
    def email(self) -> str:
        return f"{self.login}@popug.example"

    @property
    def password(self) -> str:
        return f"popug-{self.role}"


def _russian(name: str, login: str, trade: str, role: Role = Role.EMPLOYEE) -> Popug:
    return Popug(name, login, role, trade, "ru")


AURORA = Popug("Aurora King", "aurora", Role.ADMIN)
FELIX = Popug("Felix Avocet", "felix", trade="developer")  # leaves
VARVARA = _russian("Варвара Соколова", "varvara", "аналитик")  # becomes a manager
ZOYA = _russian("Зоя Кукушкина", "zoya", "дизайнер")  # is invited and has not come yet

POPUGS = (
    AURORA,
    Popug("Margo Swift", "margo", Role.MANAGER),
    Popug("Rio Merlin", "rio", Role.ACCOUNTANT),
    Popug("Kesha Wren", "kesha", trade="developer"),
    _russian("Иннокентий Жаворонков", "innokenty", "директор", Role.ADMIN),
    _russian("Клавдия Воробьёва", "klavdia", "бухгалтер", Role.ACCOUNTANT),
    VARVARA,
    Popug("Gosha Petrel", "gosha", trade="developer"),
    Popug("Polly Nightingale", "polly", trade="tester"),
    Popug("Zazu Martin", "zazu", trade="support"),
    Popug("Lori Drake", "lori", trade="designer"),
    Popug("Flint Crane", "flint", trade="shipping"),
    Popug("Jack Finch", "jack", trade="developer"),
    Popug("Coco Heron", "coco", trade="support"),
    Popug("Iago Robins", "iago", trade="sales"),
    Popug("Nigel Gannet", "nigel", trade="sales"),
    Popug("Ruby Kestrel", "ruby", trade="designer"),
    Popug("Oscar Teal", "oscar", trade="shipping"),
    Popug("Pearl Plover", "pearl", trade="tester"),
    Popug("Basil Crake", "basil", trade="developer"),
    Popug("Mabel Starling", "mabel", trade="support"),
    Popug("Hugo Rook", "hugo", trade="shipping"),
    Popug("Olive Linnet", "olive", trade="writer"),
    FELIX,
    _russian("Пётр Синицын", "sinitsyn", "разработчик"),
    _russian("Анна Лебедева", "lebedeva", "тестировщик"),
    _russian("Глеб Журавлёв", "zhuravlev", "доставка"),
    _russian("Ирина Снегирёва", "snegireva", "поддержка"),
    _russian("Олег Чижов", "chizhov", "разработчик"),
    _russian("Марина Голубева", "golubeva", "дизайнер"),
    _russian("Фёдор Дроздов", "drozdov", "разработчик"),
    _russian("Тамара Орлова", "orlova", "поддержка"),
    _russian("Никита Щеглов", "shcheglov", "тестировщик"),
    _russian("Юлия Сорокина", "sorokina", "продажи"),
    _russian("Роман Грачёв", "grachev", "доставка"),
    _russian("Елена Уткина", "utkina", "редактор"),
    _russian("Степан Скворцов", "skvortsov", "разработчик"),
    _russian("Вера Галкина", "galkina", "поддержка"),
    _russian("Борис Филин", "filin", "разработчик"),
    ZOYA,
)

MINUTE = 1 / 60


def demo(stage: Stage) -> Iterator[Scene]:
    """They are hired on the first morning; one is promoted, one leaves, one is only invited."""
    # Hashing takes its time on purpose: one hash per role, made before anything is locked.
    hashes = {role: passwords.hashed(f"popug-{role}") for role in Role}
    for number, popug in enumerate(each for each in POPUGS if each is not ZOYA):
        yield Scene(stage.at(0, 8 + number * MINUTE), partial(_hire, popug, hashes[popug.role]))
    yield Scene(stage.at(4, 9.2), _by_aurora(_promote, hashes[Role.MANAGER]))
    yield Scene(stage.at(6, 12.1), _by_aurora(_part_with_felix))
    yield Scene(stage.at(stage.last - 1, 16.4), _by_aurora(_invite_zoya))
    yield from _mornings(stage)


def sign_ins() -> list[dict[str, str]]:
    """One sign-in per role of those who are there, to be printed."""
    with reading("auth") as session:
        there = {popug for popug in POPUGS if _found(session, popug) is not None}
    first = {popug.role: popug for popug in reversed(POPUGS) if popug in there}
    return [
        {
            "role": str(role),
            "name": first[role].name,
            "email": first[role].email,
            "password": first[role].password,
        }
        for role in Role
        if role in first
    ]


# --- acts -----------------------------------------------------------------------------------------


def _hire(popug: Popug, password_hash: str | None) -> None:
    with transaction("auth") as session:
        person = service.create_person(
            session,
            email=popug.email,
            name=popug.name,
            role=popug.role,
            trade=popug.trade,
            locale=popug.locale,
            password_hash=password_hash,
        )
        if password_hash is None:
            service.invite(session, person.id)


def _promote(session: Session, aurora: UUID, password_hash: str) -> None:
    """The new manager gets the password that the demonstration has for managers."""
    varvara = _id(session, VARVARA)
    service.change_role(session, varvara, Role.MANAGER, by=aurora)
    service.set_password(session, varvara, password_hash)


def _part_with_felix(session: Session, aurora: UUID) -> None:
    service.deactivate(session, _id(session, FELIX), by=aurora)


def _invite_zoya(session: Session, aurora: UUID) -> None:
    person = service.create_person(
        session, email=ZOYA.email, name=ZOYA.name, role=ZOYA.role, trade=ZOYA.trade, locale="ru"
    )
    service.invite(session, person.id)


def _by_aurora(deed: Callable[..., None], *more: str) -> Callable[[], None]:
    """What the admin does on the pages about people."""

    def act() -> None:
        with transaction("auth") as session:
            aurora = _id(session, AURORA)
            with acting(aurora):
                deed(session, aurora, *more)

    return act


def _mornings(stage: Stage) -> Iterator[Scene]:
    """Everybody signs in on one of the last days, and out again."""
    for popug in POPUGS:
        if popug is not ZOYA:
            day = 5 if popug is FELIX else stage.last - ids.draw((0, 0, 0, 1, 1, 2))
            yield Scene(stage.at(day, ids.between(9, 12)), partial(_look_in, popug))


def _look_in(popug: Popug) -> None:
    with transaction("auth") as session:
        person = session.get_one(Person, _id(session, popug))
        candidate = Candidate(popug.email, None, person.id, person.password_hash)
        service.leave(session, service.enter(session, candidate))


def _id(session: Session, popug: Popug) -> UUID:
    found = _found(session, popug)
    assert found is not None, f"{popug.name} was hired before"
    return found


def _found(session: Session, popug: Popug) -> UUID | None:
    key = details.folded(popug.email)
    return session.scalar(select(Person.id).where(Person.email_key == key))
