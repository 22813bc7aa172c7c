"""Parked events: found, explained, tried again, given up."""

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ates.kernel.db import reading
from ates.kernel.errors import N_, Conflict, Invalid, NotFound
from ates.ops import queries, repair, story
from ates.ops.forms import Search, Skip, State
from ates.ops.repair import Place
from ates.ops.story import Standing, Story
from ates.ops.views.blueprint import pages, wake
from ates.web.access import ADMINS, allow
from ates.web.errors import refused
from ates.web.formats import number
from ates.web.i18n import gettext, ngettext
from ates.web.identity import me
from ates.web.once import act

MOST_CHOSEN = 200


@pages.get("/events/")
@allow(ADMINS)
def events() -> ResponseReturnValue:
    """What is parked, by kind and as a list; the filter lives in the address."""
    return render_template("ops/events.html", **_list(Search.asked()))


@pages.post("/events/retry")
@allow(ADMINS)
def retry_chosen() -> ResponseReturnValue:
    """Try the chosen events again now."""
    form = Search.asked()
    try:
        places = _chosen()
        with act("ops") as deed:
            if deed.fresh:
                heads = repair.heads(deed.session, places=places)
                repair.again(deed.session, heads, by=me().name)
                wake(deed.session, (each.consumer for each in heads))
                deed.location = url_for(".events", **_kept(form))
    except Invalid as error:
        return refused("ops/events.html", form, error, **_list(form, but="form"))
    flash(_tried(len(places)))
    return redirect(deed.location, 303)


@pages.route("/events/kind", methods=["GET", "POST"])
@allow(ADMINS)
def retry_kind() -> ResponseReturnValue:
    """Try all failed events of one kind again; asked for on a page of its own."""
    which: dict[str, Any] = {
        name: request.args.get(name, "")[:100] for name in ("consumer", "fingerprint")
    }
    if request.method != "POST":  # a HEAD is no act
        with reading("ops") as session:
            found = [each for each in queries.kinds(session) if _is(each, which)]
        return render_template("ops/kind.html", kind=found[0] if found else None)
    with act("ops") as deed:
        if deed.fresh:
            heads = repair.heads(deed.session, **which)
            repair.again(deed.session, heads, by=me().name)
            wake(deed.session, (each.consumer for each in heads))
            deed.location = url_for(".events")
            flash(_tried(len(heads)))
    return redirect(deed.location, 303)


@pages.get("/events/<uuid:event_id>")
@allow(ADMINS)
def event(event_id: UUID) -> ResponseReturnValue:
    """One event with its whole story."""
    return render_template("ops/event.html", event=_story(event_id))


@pages.post("/events/<uuid:event_id>/retry")
@allow(ADMINS)
def retry(event_id: UUID) -> ResponseReturnValue:
    """Try this event again now, at one consumer."""
    consumer = request.form.get("consumer", "")
    with act("ops") as deed:
        if deed.fresh:
            standing = _decidable(_story(event_id), consumer)
            heads = repair.heads(deed.session, places=[_place(standing)])
            repair.again(deed.session, heads, by=me().name)
            wake(deed.session, [consumer])
            deed.location = url_for(".event", event_id=event_id)
    flash(_tried(1))
    return redirect(deed.location, 303)


@pages.route("/events/<uuid:event_id>/skip", methods=["GET", "POST"])
@allow(ADMINS)
def skip(event_id: UUID) -> ResponseReturnValue:
    """Leave this event out for ever at one consumer, with a reason."""
    found = _story(event_id)
    if request.method != "POST":  # a HEAD is no act
        consumer = request.args.get("consumer", "")
        standing = _standing(found, consumer)
        form = Skip({"consumer": consumer})
        return render_template("ops/skip.html", event=found, standing=standing, form=form)
    form = Skip.sent()
    try:
        form.check()
        with act("ops") as deed:
            if deed.fresh:
                _skip(deed.session, _decidable(_story(event_id), form.consumer), form.reason)
                deed.location = url_for(".event", event_id=event_id)
    except Invalid as error:
        standing = _standing(found, form.values["consumer"])
        return refused("ops/skip.html", form, error, event=found, standing=standing)
    flash(gettext("The event is skipped; the rest of its stream goes on."))
    return redirect(deed.location, 303)


# --- helpers --------------------------------------------------------------------------------------


def _list(form: Search, but: str = "") -> dict[str, Any]:
    wanted = queries.Wanted(
        state=form.state or "", consumer=form.consumer, type=form.type, q=form.q, after=form.after
    )
    with reading("ops") as session:
        page = queries.listed(session, wanted)
        found = queries.kinds(session)
        types = queries.types(session)
    kept = _kept(form)
    values = {
        "form": form,
        "page": page,
        "kinds": found,
        "types": types,
        "consumers": sorted({each.consumer for each in found} | {form.consumer} - {""}),
        "states": list(State),
        "kept": kept,
        "first": url_for(".events", **kept) if form.after else None,
        "older": url_for(".events", **kept, after=page.older) if page.older else None,
    }
    return {name: value for name, value in values.items() if name != but}


def _kept(form: Search) -> dict[str, Any]:
    return {
        name: form.values[name] for name in ("state", "consumer", "type", "q") if form.values[name]
    }


def _chosen() -> list[Place]:
    """The ticked events. Raises Invalid when there is none."""
    found: list[Place] = []
    for name in request.form.getlist("event")[:MOST_CHOSEN]:
        consumer, _, rest = name.partition("|")
        log, _, position = rest.rpartition("|")
        if position.isdecimal() and len(position) < 19:
            found.append((consumer, log, int(position)))
    if not found:
        problem = {"event": N_("Choose at least one event.")}
        raise Invalid(N_("There is a problem"), fields=problem)
    return found


def _tried(count: int) -> str:
    return ngettext(
        "%(shown)s event is tried again now.",
        "%(shown)s events are tried again now.",
        count,
        shown=number(count),
    )


def _is(kind: queries.Kind, which: dict[str, Any]) -> bool:
    return (kind.consumer, kind.fingerprint) == (which["consumer"], which["fingerprint"])


def _story(event_id: UUID) -> Story:
    with reading("ops") as session:
        return story.of(session, event_id)


def _standing(found: Story, consumer: str) -> Standing:
    """Where it is parked at this consumer. Raises NotFound."""
    for each in found.standings:
        if each.consumer == consumer:
            return each
    raise NotFound(N_("There is no such event"))


def _decidable(found: Story, consumer: str) -> Standing:
    """The same, if it waits for a decision. Raises Conflict."""
    for each in found.standings:
        if each.consumer == consumer and each.decidable:
            return each
    raise Conflict(N_("Nobody has to decide about this event any more."))


def _place(standing: Standing) -> Place:
    return standing.consumer, standing.log, standing.position


def _skip(session: Any, standing: Standing, reason: str) -> None:
    heads = repair.heads(session, places=[_place(standing)])
    if not heads:
        raise Conflict(N_("Nobody has to decide about this event any more."))
    repair.skip(session, heads[0], by=me().name, reason=reason)
    wake(session, [standing.consumer])
