"""The own API tokens: listed, made and shown once, revoked (S24)."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ates.auth import queries, service
from ates.auth.forms import Earlier, NewToken
from ates.auth.models import Scope
from ates.auth.service import Issued
from ates.auth.views.blueprint import pages
from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import Conflict, Invalid
from ates.web import i18n
from ates.web.access import EVERYBODY, allow
from ates.web.errors import refused
from ates.web.identity import me
from ates.web.once import act


@pages.get("/me/tokens")
@allow(EVERYBODY)
def tokens() -> ResponseReturnValue:
    """The own tokens, and the form of a new one."""
    form = NewToken({"scope": str(Scope.READ)})
    return render_template("auth/tokens.html", form=form, **_listed(Earlier.asked().after))


@pages.post("/me/tokens")
@allow(EVERYBODY)
def issue() -> ResponseReturnValue:
    """Make a token and show it, here and never again: the answer is no redirect.

    The same form sent twice makes one token; the second answer cannot show it and says so.
    """
    form = NewToken.sent()
    issued: Issued | None = None
    try:
        form.check()
        with act("auth") as deed:
            if deed.fresh:
                assert form.scope is not None, "a required choice"
                issued = service.issue_token(
                    deed.session, me().id, name=form.name, scope=form.scope
                )
                deed.location = url_for(".tokens")
    except (Invalid, Conflict) as error:
        return refused("auth/tokens.html", form, error, **_listed(None))
    return render_template("auth/issued.html", issued=issued)


@pages.route("/me/tokens/<uuid:token_id>/revoke", methods=["GET", "POST"])
@allow(EVERYBODY)
def revoke(token_id: UUID) -> ResponseReturnValue:
    """Ask on a page of its own, then end an own token."""
    if request.method != "POST":  # a HEAD is no act
        with reading("auth") as session:
            row = queries.token(session, token_id, of=me().id)
        return render_template("auth/revoke.html", token=row)
    with act("auth") as deed:
        if deed.fresh:
            service.revoke_token(deed.session, token_id, of=me().id)
            deed.location = url_for(".tokens")
    flash(i18n.gettext("The token is revoked."))
    return redirect(deed.location, 303)


def _listed(after: UUID | None) -> dict[str, object]:
    with reading("auth") as session:
        found = queries.tokens_of(session, me().id, after=after)
    return {
        "tokens": found.rows,
        "at": clock.now(),
        "first": url_for(".tokens") if after else None,
        "more": url_for(".tokens", after=found.after) if found.after else None,
    }
