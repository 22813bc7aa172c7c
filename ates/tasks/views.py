"""The pages of tasks."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ates.config import Config
from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import N_, BadRequest, Conflict, Forbidden, Invalid, Refusal
from ates.tasks import forms, queries, service
from ates.tasks.forms import NewTask, Search
from ates.tasks.models import Status
from ates.tasks.queries import Filter, Who
from ates.web.access import EVERYBODY, SHUFFLERS, allow
from ates.web.answers import is_fragment, poll, row_or_redirect
from ates.web.errors import refused
from ates.web.i18n import gettext, sentence
from ates.web.identity import me
from ates.web.next import safe_next
from ates.web.once import act

pages = Blueprint("tasks", __name__, url_prefix="/tasks", template_folder="templates")

FILTER = ("q", "status", "assignee", "shuffle", "from", "to")
CREATED = N_("Task %(number)s is created. Assignee: %(name)s.")


@pages.record_once
def tell_templates(state: BlueprintSetupState) -> None:
    """Where Jira ids lead: a global, so that macros in each row of a list need no context."""
    config: Config = state.app.extensions["ates.config"]
    state.app.jinja_env.globals["jira_url"] = config.jira_url.rstrip("/")


# --- own tasks ------------------------------------------------------------------------------------


@pages.get("/mine")
@allow(EVERYBODY)
def mine() -> ResponseReturnValue:
    """Own tasks, open or done (R8)."""
    status = Status.DONE if request.args.get("status") == Status.DONE else Status.OPEN
    sort, at = request.args.get("sort", ""), clock.now()
    with reading("tasks") as session:
        page = queries.mine(
            session, me().id, status=status, sort=sort, cursor=request.args.get("after"), at=at
        )
    return render_template("tasks/mine.html", page=page, status=status, sort=sort, at=at)


@pages.get("/mine/pending")
@allow(EVERYBODY)
def pending() -> ResponseReturnValue:
    """The poll: rewards of own tasks done lately, as they are now."""
    with reading("tasks") as session:
        rows = queries.money_on_its_way(session, me().id, clock.now())
    return poll("tasks/_pending.html", rows=rows)


@pages.post("/mine/seen")
@allow(EVERYBODY)
def seen() -> ResponseReturnValue:
    """*Got it*: the note on what came and left since the last visit goes (R11)."""
    at = _moment(request.form.get("at", ""))
    with act("tasks") as deed:
        if deed.fresh:
            service.look_through(deed.session, by=me().id, at=min(at, clock.now()))
            deed.location = url_for(".mine")
    return redirect(deed.location, 303)


@pages.post("/<int:number>/complete")
@allow(EVERYBODY)
def complete(number: int) -> ResponseReturnValue:
    """*Done*: the row in its new state, or back to where the button was (R8)."""
    try:
        with act("tasks") as deed:
            if deed.fresh:
                service.complete_task(deed.session, number, by=me().id)
                deed.location = _after_done(number)
            row = queries.row_of(deed.session, number, viewer=me().id, at=clock.now())
    except (Conflict, Forbidden) as error:
        if not is_fragment():
            raise
        return _lost(number, error)
    return row_or_redirect("tasks/_row.html", task=row, said=True, to=deed.location)


# --- all tasks ------------------------------------------------------------------------------------


@pages.get("/")
@allow(EVERYBODY)
def browse() -> ResponseReturnValue:
    """All tasks, filtered by what the address says."""
    asked = forms.search(request.args)
    with reading("tasks") as session:
        wanted, people = _wanted(session, asked)
        found = queries.find(
            session, wanted, viewer=me().id, cursor=request.args.get("after"), at=clock.now()
        )
    return render_template(
        "tasks/browse.html",
        found=found,
        asked=asked,
        people=people,
        filtered=any(request.args.get(name) for name in FILTER),
        may_shuffle=SHUFFLERS.admits(me()),
        address=_address,
        here=request.full_path.rstrip("?"),
    )


@pages.get("/new")
@allow(EVERYBODY)
def new() -> ResponseReturnValue:
    """The form of a new task."""
    form = forms.blank(request.args.get("project", ""))
    return render_template("tasks/new.html", form=form, problem=None)


@pages.post("/")
@allow(EVERYBODY)
def create() -> ResponseReturnValue:
    """A new task for somebody drawn by lot (R5, R6)."""
    form, words = NewTask.sent(), ""
    try:
        wording = form.wording()
        with act("tasks") as deed:
            if deed.fresh:
                task = service.create_task(deed.session, wording, by=me().id)
                row = queries.row_of(deed.session, task.number, viewer=me().id, at=clock.now())
                words = gettext(CREATED, number=str(row.number), name=row.assignee.name)
                deed.location = _after_creation(row)
    except (Invalid, Conflict) as error:
        return refused("tasks/new.html", form, error)
    if words:
        flash(words)
    return redirect(deed.location, 303)


@pages.get("/<int:number>")
@allow(EVERYBODY)
def one(number: int) -> ResponseReturnValue:
    """A task with its history."""
    with reading("tasks") as session:
        page = queries.one(session, number, viewer=me().id, at=clock.now())
    back = safe_next(request.args.get("back")) if "back" in request.args else url_for(".browse")
    return render_template("tasks/one.html", page=page, back=back)


# --- shuffle --------------------------------------------------------------------------------------


@pages.get("/shuffle")
@allow(SHUFFLERS)
def shuffle() -> ResponseReturnValue:
    """What a shuffle would do and cost, before the button (R7). Changes nothing."""
    with reading("tasks") as session:
        page = queries.ask(session)
    return render_template("tasks/shuffle.html", page=page)


@pages.post("/shuffles/")
@allow(SHUFFLERS)
def shuffle_now() -> ResponseReturnValue:
    """Every open task is drawn again (R7)."""
    with act("tasks") as deed:
        if deed.fresh:
            run = service.shuffle_open_tasks(deed.session, by=me().id)
            deed.location = url_for(".receipt", number=run.number)
    return redirect(deed.location, 303)


@pages.get("/shuffles/<int:number>")
@allow(SHUFFLERS)
def receipt(number: int) -> ResponseReturnValue:
    """What a run does or did; as a fragment how far it came, and its fees after it."""
    with reading("tasks") as session:
        page = queries.receipt(session, number)
    if is_fragment():
        return poll("tasks/_run_poll.html", page=page)
    return render_template("tasks/receipt.html", page=page)


# --- helpers --------------------------------------------------------------------------------------


def _lost(number: int, error: Refusal) -> ResponseReturnValue:
    """A lost race, told inside the row."""
    with reading("tasks") as session:
        row = queries.row_of(session, number, viewer=me().id, at=clock.now())
    problem = sentence(error.sentence, error.values)
    return render_template("tasks/_row.html", task=row, problem=problem), error.status


def _after_done(number: int) -> str:
    back = request.form.get("back")
    return safe_next(back) if back else url_for(".mine", _anchor=f"t{number}")


def _after_creation(row: queries.TaskRow) -> str:
    if request.form.get("another"):
        return url_for(".new", project=forms.project_of(row.jira_id) or None)
    return url_for(".one", number=row.number)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(N_("The page was too old.")) from None
    if moment.tzinfo is None:
        raise BadRequest(N_("The page was too old."))
    return moment


def _wanted(session: Session, asked: Search) -> tuple[Filter, list[Who]]:
    """The filter in terms of rows, and the people a typed name may mean."""
    assignees, people = None, list[Who]()
    if asked.assignee == "me":
        assignees = [me().id]
    elif (person := _person_id(asked.assignee)) is not None:
        assignees = [person]
    elif asked.assignee:
        people = queries.people_called(session, asked.assignee)
        assignees = [each.id for each in people]
    return Filter(
        q=asked.q,
        status=asked.status or "",
        assignees=assignees,
        shuffle=asked.shuffle,
        since=_midnight(asked.first) if asked.first else None,
        until=_midnight(asked.last + timedelta(days=1)) if asked.last else None,
        sort=asked.sort,
    ), people


def _address(**changed: Any) -> str:
    """All tasks with the filter of this request, changed in places, from its first page."""
    kept: dict[str, Any] = {name: request.args.get(name) or None for name in (*FILTER, "sort")}
    return url_for(".browse", **{**kept, **changed})


def _midnight(day: date) -> datetime:
    """The beginning of a day of the business zone."""
    config: Config = current_app.extensions["ates.config"]
    return datetime.combine(day, time(), ZoneInfo(config.timezone))


def _person_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
