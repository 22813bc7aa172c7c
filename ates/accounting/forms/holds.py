"""What people write when they hold something."""

from ates.web.forms import Form, public_id, reason, tick


class HoldForm(Form):
    """Why a day, an account or everything is held."""

    reason = reason()


class HoldFilter(Form):
    """`all after`: also the holds that are over; a page of them."""

    all = tick()
    after = public_id()
