"""Letters with a one-time link: how a row becomes a letter."""

from sqlalchemy.orm import Session

from ates.auth.models import LIFE, Letter, Link, LinkKind, Person
from ates.auth.tokens import Seal
from ates.kernel import clock, mail

TEMPLATES = {
    LinkKind.INVITATION: "auth/letters/invitation.txt",
    LinkKind.RESET: "auth/letters/reset.txt",
}


def compose(
    session: Session, letter: Letter, *, url: str, company: str, seal: Seal
) -> mail.Letter | None:
    """The letter with its link, made again for each try; None when the link leads nowhere now."""
    link = session.get_one(Link, letter.link_id)
    person = session.get_one(Person, link.person_id)
    if not person.active or not link.works(clock.now()):
        return None
    kind = LinkKind(link.kind)
    values = {
        "name": person.name,
        "company": company,
        "address": f"{url.rstrip('/')}/auth/{kind}/{seal.token(link.id)}",
        "sign_in": f"{url.rstrip('/')}/auth/sign-in",
        "days": LIFE[kind].days,
        "minutes": int(LIFE[kind].total_seconds()) // 60,
    }
    return mail.Letter(person.email, person.locale, TEMPLATES[kind], values)
