"""Which price is to be drawn again."""

from ates.accounting.forms.filters import BIGGEST
from ates.web.forms import Form, whole


class PriceForm(Form):
    """`task`: the number of a task."""

    task = whole(1, BIGGEST)
