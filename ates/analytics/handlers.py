"""What analytics does when accounting and auth speak."""

from ates.analytics.models import Base
from ates.analytics.totals import Totals
from ates.contracts.accounting import DayClosed, DayOpened, DayPaid, EntriesPosted, TasksPriced
from ates.contracts.auth import PersonChanged, PersonRegistered
from ates.kernel.inbox import Inbox

inbox = Inbox("analytics", unit=Totals, rebuildable=True, tables=Base.metadata)


@inbox.on(DayOpened)
def begin_day(totals: Totals, event: DayOpened) -> None:
    totals.count(event)


@inbox.on(TasksPriced)
def keep_count(totals: Totals, event: TasksPriced) -> None:
    totals.count(event)


@inbox.on(EntriesPosted)
def add_entries(totals: Totals, event: EntriesPosted) -> None:
    totals.count(event)


@inbox.on(DayClosed)
def compare_closed_day(totals: Totals, event: DayClosed) -> None:
    totals.count(event)


@inbox.on(DayPaid)
def compare_paid_day(totals: Totals, event: DayPaid) -> None:
    totals.count(event)


@inbox.on(PersonRegistered)
def name_person(totals: Totals, event: PersonRegistered) -> None:
    totals.name(event)


@inbox.on(PersonChanged)
def rename_person(totals: Totals, event: PersonChanged) -> None:
    totals.name(event)
