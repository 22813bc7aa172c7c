"""More decisions: consumers to stop, staged events that are held, letters that did not go out."""

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ates.kernel import mail
from ates.kernel.context import Context
from ates.kernel.db import reading
from ates.kernel.errors import N_, Conflict, Invalid, NotFound
from ates.kernel.mail import LetterBox, LetterState
from ates.ops import pulse, repair, status
from ates.ops.forms import Pause, Release
from ates.ops.status import ConsumerLine
from ates.ops.views.blueprint import pages, wake
from ates.web.access import ADMINS, allow
from ates.web.errors import refused
from ates.web.formats import number
from ates.web.i18n import gettext, ngettext
from ates.web.identity import me
from ates.web.once import act

AGAIN = (LetterState.FAILED, LetterState.UNKNOWN)


@pages.route("/held/<int:seq>", methods=["GET", "POST"])
@allow(ADMINS)
def held(seq: int) -> ResponseReturnValue:
    """An event whose number in its stream was taken: number it anew, or drop it."""
    if request.method != "POST":  # a HEAD is no act
        return render_template("ops/held.html", form=Release(), **_held(seq))
    form = Release.sent()
    try:
        form.check()
        with act("ops") as deed:
            if deed.fresh:
                row = _held(seq)
                version = None if form.discard else row["following"]
                repair.release(
                    deed.session, seq, as_version=version, by=me().name, reason=form.reason
                )
                deed.location = url_for(".overview")
    except Invalid as error:
        return refused("ops/held.html", form, error, **_held(seq))
    except LookupError:
        raise Conflict(N_("Nobody has to decide about this event any more.")) from None
    flash(gettext("Decided. The stream goes on."))
    return redirect(deed.location, 303)


@pages.route("/consumers/<name>", methods=["GET", "POST"])
@allow(ADMINS)
def consumer(name: str) -> ResponseReturnValue:
    """Stop one consumer, or let it go on."""
    line = _line(name)
    if request.method != "POST":  # a HEAD is no act
        return render_template("ops/consumer.html", line=line, form=Pause())
    form = Pause.sent()
    try:
        if line.mode == "live":
            form.check()
        with act("ops") as deed:
            if deed.fresh:
                _switch(deed.session, line, form.reason)
                deed.location = url_for(".overview")
    except Invalid as error:
        return refused("ops/consumer.html", form, error, line=line)
    return redirect(deed.location, 303)


@pages.route("/letters/<name>/<state>", methods=["GET", "POST"])
@allow(ADMINS)
def letters(name: str, state: str) -> ResponseReturnValue:
    """Send failed or unknown letters of a box again: the same letters, nothing else happens."""
    box, wanted = _box(name, state)
    if request.method != "POST":  # a HEAD is no act
        with reading(box.part) as session:
            count = mail.states(session, box).get(state, 0)
        return render_template("ops/letters.html", name=name, state=state, count=count)
    with act("ops") as deed:
        if deed.fresh:
            sent = mail.again(deed.session, box, wanted)
            deed.location = url_for(".overview")
            flash(
                ngettext(
                    "%(shown)s letter goes out again.",
                    "%(shown)s letters go out again.",
                    sent,
                    shown=number(sent),
                )
            )
    return redirect(deed.location, 303)


def _line(name: str) -> ConsumerLine:
    """The consumer as it stands. Raises NotFound for one that can be neither stopped nor let go."""
    with reading("ops") as session:
        for each in status.snapshot(session).consumers:
            if each.name == name and each.mode in ("live", "paused"):
                return each
    raise NotFound(N_("There is no such page"))


def _switch(session: Session, line: ConsumerLine, reason: str) -> None:
    if line.mode == "live":
        done = repair.pause(session, line.name, by=me().name, reason=reason)
    else:
        done = repair.resume(session, line.name)
        wake(session, [line.name])
    if not done:
        raise Conflict(N_("Somebody was faster. Look at the present state."))


def _held(seq: int) -> dict[str, Any]:
    with reading("ops") as session:
        for each in pulse.held(session, seq):
            return {
                "row": each,
                "following": repair.next_number(session, each.source, each.key),
            }
    raise NotFound(N_("There is no such event"))


def _box(name: str, state: str) -> tuple[LetterBox[Any], LetterState]:
    """The box, and the state. Raises NotFound."""
    contexts: tuple[Context, ...] = current_app.extensions["ates.contexts"]
    for box in (each for context in contexts for each in context.letters):
        if box.name == name and state in AGAIN:
            return box, LetterState(state)
    raise NotFound(N_("There is no such page"))
