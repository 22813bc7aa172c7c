"""What tasks does when others speak."""

from ates.contracts.accounting import EntriesPosted, TasksPriced
from ates.contracts.auth import PersonChanged, PersonRegistered
from ates.kernel.events import meta_of
from ates.kernel.inbox import Inbox
from ates.tasks.learning import Learning

inbox = Inbox("tasks", unit=Learning)


@inbox.on(PersonRegistered)
def meet(learning: Learning, event: PersonRegistered) -> None:
    learning.person(event, meta_of(event))


@inbox.on(PersonChanged)
def look_again(learning: Learning, event: PersonChanged) -> None:
    learning.person(event, meta_of(event))


@inbox.on(TasksPriced)
def note_prices(learning: Learning, event: TasksPriced) -> None:
    learning.price(event.prices, meta_of(event).occurred_at)


@inbox.on(EntriesPosted)
def note_bookings(learning: Learning, event: EntriesPosted) -> None:
    learning.booked(event.entries)
