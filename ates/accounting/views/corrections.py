"""Corrections: ask, approve, reject. Two people, and neither of them owns the account."""

from dataclasses import dataclass
from uuid import UUID

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ates.accounting.forms import CorrectionFilter, NewCorrection, Subject
from ates.accounting.gate import books
from ates.accounting.models import Adjustment
from ates.accounting.models.four_eyes import against_request, against_reversal
from ates.accounting.queries import corrections as decisions
from ates.accounting.queries import ledger
from ates.accounting.queries.corrections import Correction, Place
from ates.accounting.queries.rows import Line, Who
from ates.accounting.service import corrections as service
from ates.accounting.views.blueprint import page, pages
from ates.kernel.db import reading
from ates.kernel.errors import N_, Conflict, Forbidden, Invalid, NotFound, Refusal
from ates.web.access import ADMINS, BOOKKEEPERS, allow
from ates.web.errors import refused
from ates.web.formats import money
from ates.web.i18n import gettext, sentence
from ates.web.identity import me
from ates.web.once import act

NOBODY = N_("Nobody with an account is called so.")
SEVERAL = N_("Several are called so. Choose one.")


@pages.get("/corrections/")
@allow(BOOKKEEPERS)
def corrections() -> ResponseReturnValue:
    """Those that wait, then those that are decided; buttons only where they would do something."""
    form = CorrectionFilter.asked()
    with reading("accounting") as session:
        found = decisions.page(session, state=form.wanted, after=Place.read(form.after))
    older = found.older and url_for(".corrections", **form.filters, after=found.older)
    why = {row.id: words(row.refusal(me().id)) for row in found.rows if row.waits}
    auditor = ADMINS.admits(me())
    return page("corrections", form=form, page=found, older=older, why=why, auditor=auditor)


@pages.get("/corrections/new")
@allow(BOOKKEEPERS)
def new_correction() -> ResponseReturnValue:
    """The form, for a person, for an entry, or still empty."""
    asked = Subject.asked()
    form = NewCorrection({name: str(asked.clean.get(name) or "") for name in asked.fields})
    with reading("accounting") as session:
        about = _about(session, asked)
    return page("correction", form=form, about=about)


@pages.post("/corrections/")
@allow(BOOKKEEPERS)
def request_correction() -> ResponseReturnValue:
    """Ask for a correction. No money moves before somebody else approves."""
    form, asked = NewCorrection.sent(), None
    try:
        form.check()
        with act("accounting") as deed:
            if deed.fresh:
                asked = _ask(deed.session, form)
                deed.location = url_for(".corrections", _anchor=f"c{asked.id}")
    except (Invalid, Forbidden, Conflict) as error:
        with reading("accounting") as session:
            about = _about(session, form)
        return refused("accounting/correction.html", form, error, about=about)
    if asked is not None:
        flash(gettext("The correction waits for somebody else's approval."))
    return redirect(deed.location, 303)


@pages.post("/corrections/<uuid:correction_id>/approve")
@allow(BOOKKEEPERS)
def approve_correction(correction_id: UUID) -> ResponseReturnValue:
    """Book it in the open day."""
    done = None
    with act("accounting") as deed:
        if deed.fresh:
            service.approve_correction(deed.session, books(), correction_id, by=me().id)
            done = decisions.one(deed.session, correction_id)
            deed.location = url_for(".corrections", _anchor=f"c{correction_id}")
    if done is not None:
        _tell(done)
    return redirect(deed.location, 303)


@pages.post("/corrections/<uuid:correction_id>/reject")
@allow(BOOKKEEPERS)
def reject_correction(correction_id: UUID) -> ResponseReturnValue:
    """Turn it down; nothing is booked."""
    done = None
    with act("accounting") as deed:
        if deed.fresh:
            done = service.reject_correction(deed.session, books(), correction_id, by=me().id)
            deed.location = url_for(".corrections", _anchor=f"c{correction_id}")
    if done is not None:
        flash(gettext("Rejected. Nothing is booked."))
    return redirect(deed.location, 303)


# --- what pages say instead of buttons ------------------------------------------------------------


def words(refusal: Refusal | None) -> str | None:
    """The reason that stands in the place of a button that would refuse."""
    return None if refusal is None else sentence(refusal.sentence, refusal.values)


def why_not_reversed(line: Line, asked: tuple[Correction, ...]) -> str | None:
    """Why the reader cannot ask for the reversal of this entry; None: they can."""
    refusal = against_reversal(
        entry_no=line.entry_no,
        kind=line.kind,
        corrected=any(each.state != "rejected" for each in asked),
        owner=line.person_id,
        by=me().id,
    )
    return words(refusal)


# --- helpers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class About:
    """What a request is about, as far as it is known."""

    person: Who | None = None
    line: Line | None = None  # the entry to be reversed
    why: str | None = None  # it would be refused
    people: tuple[Who, ...] = ()  # whom a typed name may mean


def _about(session: Session, form: Subject) -> About:
    if form.entry is not None:
        line, _ = ledger.entry(session, form.entry)
        why = why_not_reversed(line, decisions.of_entry(session, line.entry_no))
        return About(Who(line.person_id, line.name), line, why)
    if form.user is not None:
        person = decisions.holder(session, form.user)
        if person is None:
            raise NotFound(service.NO_ACCOUNT)
        return About(person, why=words(against_request(owner=person.id, by=me().id)))
    typed = form.person if isinstance(form, NewCorrection) else ""
    return About(people=decisions.called(session, typed) if typed else ())


def _ask(session: Session, form: NewCorrection) -> Adjustment:
    if form.entry is not None:
        return service.request_reversal(
            session, books(), entry_no=form.entry, reason=form.reason, by=me().id
        )
    assert form.amount_cents is not None, "a form without an entry has an amount"
    return service.request_correction(
        session,
        books(),
        person=form.user or _person_called(session, form.person),
        amount_cents=form.amount_cents,
        reason=form.reason,
        by=me().id,
    )


def _person_called(session: Session, name: str) -> UUID:
    """The one person whom this name means. Raises Invalid for nobody and for several."""
    found = decisions.called(session, name)
    exactly = [each for each in found if each.name.casefold() == name.casefold()]
    meant = exactly if len(exactly) == 1 else found
    if len(meant) == 1:
        return meant[0].id
    problem = SEVERAL if meant else NOBODY
    raise Invalid(problem, fields={"person": problem})


def _tell(done: Correction) -> None:
    flash(
        gettext(
            "Approved: %(amount)s for %(name)s is entry %(number)s.",
            amount=money(done.amount_cents, sign=True),
            name=done.person.name,
            number=str(done.entry_no),
        )
    )
