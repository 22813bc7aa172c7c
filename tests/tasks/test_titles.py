"""R9: titles, Jira ids, and the split that is offered."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ates.contracts.tasks import split_title
from ates.kernel.errors import Invalid
from ates.tasks import titles
from ates.tasks.titles import SplitOffered, Wording, checked


@pytest.mark.parametrize(
    "typed",
    [
        "[POPUG-42] - Fix the nest",
        "[POPUG-42] Fix the nest",
        "POPUG-42 - Fix the nest",
        "POPUG-42 — Fix the nest",
        "popug-42: Fix the nest",
    ],
)
def test_a_title_with_the_id_in_front_is_refused_with_the_split(typed: str) -> None:
    with pytest.raises(SplitOffered) as refused:
        checked(typed)
    assert (refused.value.title, refused.value.jira_id) == ("Fix the nest", "POPUG-42")
    assert "title" in refused.value.fields
    again = checked(refused.value.title, refused.value.jira_id)
    assert again == Wording("Fix the nest", "POPUG-42")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("Fix [the] nest", "Fix (the) nest"),
        ("[urgent] Fix", "(urgent) Fix"),
        ("Fix ]", "Fix )"),
        ("[POPUG-1]", "(POPUG-1)"),
        ("[POPUG-1] [north] nest", "(north) nest"),
    ],
)
def test_other_brackets_are_offered_as_round_ones(typed: str, offered: str) -> None:
    with pytest.raises(SplitOffered) as refused:
        checked(typed)
    assert refused.value.title == offered
    checked(refused.value.title, refused.value.jira_id)


def test_an_id_typed_in_its_field_is_kept_by_the_offer() -> None:
    with pytest.raises(SplitOffered) as refused:
        checked("[POPUG-1] nest", "popug-2")
    assert (refused.value.title, refused.value.jira_id) == ("(POPUG-1) nest", "popug-2")
    assert checked("COVID-19: wash wings", "POPUG-2") == Wording("COVID-19: wash wings", "POPUG-2")


@pytest.mark.parametrize("typed", ["COVID-19 rules", "A - b", "Fix POPUG-42: now", "POPUG-0 - x"])
def test_what_only_looks_like_an_id_stays_in_the_title(typed: str) -> None:
    assert checked(typed) == Wording(typed)


def test_a_title_is_trimmed_and_composed() -> None:
    typed = "  Й" + unicodedata.normalize("NFD", "ёж \u00e9") + "  "
    assert checked(typed).title == unicodedata.normalize("NFC", typed).strip()


@pytest.mark.parametrize("typed", ["", "   ", "\u00a0", "\t\n", "\u200b"])
def test_an_empty_title_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(typed)
    assert refused.value.fields == {"title": titles.EMPTY}


def test_two_hundred_characters_are_the_limit_after_trimming() -> None:
    assert checked(f"  {'x' * 200}  ").title == "x" * 200
    with pytest.raises(Invalid) as refused:
        checked("я" * 201)
    assert refused.value.fields["title"] % refused.value.values == (
        "Keep the title within 200 characters; it has 201"
    )


@pytest.mark.parametrize(
    "bad", ["\x00", "\x07", "\x1b", "\x7f", "\n", "\u061c", "\u200e", "\u202e", "\u2066", "\ufeff"]
)
def test_characters_that_cannot_be_seen_are_refused_by_name(bad: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(f"feed{bad}me")
    assert f"U+{ord(bad):04X}" in str(refused.value.fields["title"] % refused.value.values)


def test_emoji_joined_of_several_are_welcome() -> None:
    assert checked("Feed 👨‍👩‍👧 and 🦜").title == "Feed 👨‍👩‍👧 and 🦜"


@pytest.mark.parametrize("good", ["POPUG-1", "a-999999999", "X9-10", "  popug-7 "])
def test_a_jira_id_is_taken_in_any_case(good: str) -> None:
    assert checked("Fix", good).jira_id == good.strip().upper()


@pytest.mark.parametrize(
    "bad", ["POPUG", "POPUG-", "POPUG-0", "POPUG-01", "9X-1", "-1", "ПОПУГ-1", "P OP-1", "\u212a-1"]
)
def test_another_jira_id_is_refused(bad: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked("Fix", bad)
    assert refused.value.fields == {"jira_id": titles.NO_JIRA_ID}


def test_a_description_keeps_its_lines_and_has_a_limit() -> None:
    assert checked("Fix", "", "one\r\n\r\ntwo\ttabs\r").description == "one\n\ntwo\ttabs"
    assert checked("Fix", "", " \r\n ").description is None
    assert checked("Fix", "", "\r\n".join("x" * 5000)).description
    with pytest.raises(Invalid) as refused:
        checked("Fix", "", "x" * 10_001)
    assert refused.value.fields == {"description": titles.TOO_MUCH}
    with pytest.raises(Invalid):
        checked("Fix", "", "nul \x00 in the text")


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        checked("", "nonsense", "x" * 10_001)
    assert set(refused.value.fields) == {"title", "jira_id", "description"}


@given(st.text(max_size=300), st.text(max_size=30), st.text(max_size=300))
def test_whatever_is_typed_is_checked_or_refused(title: str, jira_id: str, text: str) -> None:
    try:
        made = checked(title, jira_id, text)
    except Invalid as refused:
        made = Wording(refused.title) if isinstance(refused, SplitOffered) else Wording("-")
    assert 1 <= len(made.title) <= 200
    assert not set("[]\n\x00") & set(made.title)
    assert made.title == unicodedata.normalize("NFC", made.title).strip()


@given(st.text())
def test_the_split_never_raises_and_loses_nothing_but_the_id(text: str) -> None:
    jira_id, rest = split_title(text)
    assert rest in text
    assert (jira_id is None) == (rest == text)


def test_the_search_looks_words_up_without_case_in_both_alphabets() -> None:
    assert titles.words("Ёжик ЁЖИК Fix-Lift №12") == ["ежик", "fix", "lift", "12"]
    assert titles.words("STRASSE") == titles.words("straße")
