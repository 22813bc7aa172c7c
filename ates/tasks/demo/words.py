"""What the tasks of the demonstration company are called: by hand, and put together."""

from collections.abc import Sequence
from dataclasses import dataclass

from ates.kernel import ids
from ates.tasks import titles
from ates.tasks.titles import Wording

FIRST_ID = 1001
WITH_ID = (True, True, True, False, False)
FAMILIAR_ONES = (True, False, False)


@dataclass(frozen=True)
class Pattern:
    """A title with places to fill, and what somebody might add to it."""

    title: str
    first: Sequence[str] = ("",)
    second: Sequence[str] = ("",)
    says: Sequence[str] = ()

    def all(self) -> list[tuple[str, "Pattern"]]:
        """Every title it gives."""
        return [
            (self.title.format(one, other), self) for one in self.first for other in self.second
        ]


FAMILIAR = (
    ("Count the parrots on the roof", "POPUG-951", ""),
    ("Repair the lift in the eastern cage", "POPUG-952", "It stops at perch 3."),
    ("Order millet for the winter", "POPUG-960", "Two sacks of the small one."),
    ("Teach the chatbot to say “Polly”", "POPUG-961", ""),
    ("Oil the door of the aviary", "", ""),
    ("Find out who repeats everything in meetings", "POPUG-970", ""),
    ("Replace the mirror in the meeting room", "", ""),
    ("Wash the bath of the third floor", "POPUG-975", ""),
    ("Translate the manual into Cockatoo", "POPUG-980", "Page 12 may stay in Macaw."),
    ("Проверить жёрдочки в северной клетке", "POPUG-981", ""),
    ("Paint over the claw marks in the kitchen", "", ""),
    ("Plan the flight to Saint Petersburg", "POPUG-990", ""),
)

PATTERNS = (
    Pattern(
        "Fix the {} in the {}",
        ("bell", "heater", "door", "lamp", "swing", "water bowl", "window"),
        ("eastern cage", "northern aviary", "warehouse", "kitchen", "reception", "meeting room"),
        ("It has made a noise since Monday.", "The spare part is in the warehouse, shelf 4."),
    ),
    Pattern(
        "Write tests for the {}",
        ("payout run", "sign-in page", "price draw", "search by Jira id", "letter queue", "import"),
        says=("Start with the borders: midnight, zero, and both ends of the range.",),
    ),
    Pattern(
        "Find out why the {} is slow on {}",
        ("statement page", "report", "search", "export"),
        ("Mondays", "old telephones", "the last page"),
        ("Two customers wrote about it. Logs are in the ticket.",),
    ),
    Pattern(
        "Review the change of the {}",
        ("price list", "delivery form", "address book", "calendar", "stock count", "newsletter"),
    ),
    Pattern(
        "Answer the customer from {} about the {}",
        ("Lisbon", "Oslo", "Ghent", "Porto", "Leeds"),
        ("late parcel", "broken perch", "wrong colour", "double bill"),
        ("Be kind: it is the third letter.", "A refund is all right up to $50."),
    ),
    Pattern(
        "Deliver {} to the {}",
        ("two sacks of millet", "the new perches", "forty bells", "the spare mirrors"),
        ("pet shop on Mill Lane", "airport", "city zoo", "southern warehouse"),
        ("Ring twice, the porter is a cockatoo.",),
    ),
    Pattern(
        "Draw an icon for the {}",
        ("shuffle button", "empty cage", "payout letter", "search field", "night mode"),
        says=("Two sizes, and it must work in grey.",),
    ),
    Pattern(
        "Update the {} for {}",
        ("handbook", "duty plan", "price list", "safety poster"),
        ("newcomers", "the winter", "the western branch"),
    ),
    Pattern(
        "Call {} about the {}",
        ("the seed supplier", "the landlord", "the vet", "the printing house"),
        ("invoice", "contract", "delivery on Friday", "new prices"),
    ),
    Pattern(
        "Order {} for the {}",
        ("sunflower seeds", "sawdust", "paper", "rope", "cuttlebone"),
        ("eastern cage", "office", "warehouse", "training room"),
        ("The usual supplier, not the cheap one.",),
    ),
    Pattern(
        "Teach the {} to {}",
        ("newcomers", "night shift", "chatbot"),
        ("use the search", "greet customers", "read a statement", "count to forty"),
    ),
    Pattern(
        "Move the {} to the {}",
        ("archive", "printer", "spare perches", "coffee machine", "old server"),
        ("second floor", "western branch", "garage"),
        ("By Friday, the lift is booked for ten o’clock.",),
    ),
    Pattern(
        "Translate the {} into {}",
        ("price list", "safety rules", "welcome letter", "delivery terms"),
        ("Macaw", "Cockatoo", "Budgie"),
    ),
    Pattern(
        "Check the {} in the {}",
        ("thermometers", "locks", "feeders", "scales", "fire alarm"),
        ("eastern cage", "northern aviary", "warehouse", "garage"),
    ),
    Pattern(
        "Починить {} {}",
        ("звонок", "обогреватель", "дверь", "лампу", "качели", "поилку", "замок"),
        ("в восточной клетке", "в северном вольере", "на складе", "в столовой", "в переговорной"),
        ("Скрипит с понедельника.", "Запчасть на складе, четвёртая полка."),
    ),
    Pattern(
        "Написать тесты для {}",
        ("выплат", "входа", "поиска по Jira id", "очереди писем", "выгрузки", "перемешивания"),
        says=("Начать с границ: полночь, ноль и оба конца диапазона.",),
    ),
    Pattern(
        "Разобрать жалобу из {} {}",
        ("Твери", "Казани", "Самары", "Перми", "Тулы"),
        ("на опоздавшую посылку", "на сломанную жёрдочку", "на двойной счёт", "на не тот цвет"),
        ("Пишут уже третий раз, ответить сегодня.", "Вернуть деньги можно до 50 $."),
    ),
    Pattern(
        "Заказать {} {}",
        ("просо", "семечки", "орехи", "опилки", "зеркальца"),
        ("на неделю", "на месяц", "на зиму"),
        ("Брать у того же поставщика.",),
    ),
    Pattern(
        "Обновить {} {}",
        ("памятку", "расписание дежурств", "прайс", "схему склада"),
        ("для новичков", "на декабрь", "для западного филиала"),
    ),
    Pattern(
        "Проверить {} {}",
        ("датчики", "замки", "кормушки", "весы", "сигнализацию"),
        ("в восточной клетке", "в северном вольере", "на складе", "в гараже"),
        ("Результат записать в журнал.",),
    ),
    Pattern(
        "Перевести {} на {}",
        ("прайс", "правила безопасности", "письмо новичку", "условия доставки"),
        ("какадский", "волнистый", "ару"),
    ),
    Pattern(
        "Выяснить, почему {} {}",
        ("отчёт", "поиск", "выгрузка в Excel"),
        ("тормозит по понедельникам", "теряет последнюю строку", "не видит буквы ё"),
        ("Двое покупателей уже написали.",),
    ),
    Pattern(
        "Почистить {} {}",
        ("зеркала", "поилки", "окна"),
        ("в восточной клетке", "в столовой", "в приёмной", "в магазине"),
    ),
    Pattern(
        "Согласовать {} {}",
        ("договор", "смету", "график отпусков", "цены"),
        ("с арендодателем", "с типографией", "с поставщиком семечек"),
    ),
    Pattern(
        "Пересчитать {} {}",
        ("мешки с просом", "зеркальца", "жёрдочки", "бубенчики"),
        ("на складе", "в магазине", "в гараже"),
    ),
    Pattern(
        "Нарисовать {}",
        ("значок для перемешивания", "открытку к Новому году", "плакат о чистоте клеток"),
    ),
    Pattern(
        "Отвезти {} {}",
        ("просо", "новые жёрдочки", "бубенчики", "образцы опилок"),
        ("в зоомагазин на Мельничной", "в аэропорт", "в зоопарк", "на южный склад"),
        ("Позвонить дважды, вахтёр — какаду.",),
    ),
)


class Words:
    """Gives one wording after the other, none twice, checked as the form checks what is typed."""

    def __init__(self) -> None:
        self.familiar = list(FAMILIAR)
        self.others = [each for pattern in PATTERNS for each in pattern.all()]
        self.jira = FIRST_ID

    def next(self) -> Wording:
        """The familiar ones are among the first."""
        familiar = ids.draw(FAMILIAR_ONES)
        if familiar and self.familiar:
            return titles.checked(*self.familiar.pop(0))
        title, pattern = self.others.pop(self.others.index(ids.draw(self.others)))
        says = ids.draw((*pattern.says, "")) if pattern.says else ""
        return titles.checked(title, self._jira_id(), says)

    def _jira_id(self) -> str:
        if not ids.draw(WITH_ID):
            return ""
        self.jira += ids.draw((1, 1, 2, 3))
        return f"POPUG-{self.jira}"
