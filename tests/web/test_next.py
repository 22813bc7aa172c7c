"""The way back is a path of ours."""

import pytest

from ates.web.next import safe_next

TRICKS = [
    "", "evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example",
    "\\\\evil.example", "/\\/evil.example", "http://evil.example", "https:evil.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x",
    "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example",
    " //evil.example", "/%2f/evil.example", "/%2fevil.example", "/%5cevil.example",
    "/%5c/evil.example", "/%252fevil.example", "/%09/evil.example", "/%0a/evil.example",
    "/%00", "/\x00", "/\u2028", "/a\r\nSet-Cookie: x=1", "/%0d%0aSet-Cookie:x", "./evil",
    "../evil", "/../evil", "/a/../../evil", "/%2e%2e/evil", "?next=//evil", "#//evil",
    "ftp://evil.example/", "//user@evil.example", "/a\\b", "http:/evil", "/" + "a" * 3000,
    "/\u200b/evil", "/\u00ad/evil", "mailto:a@b", "vbscript:x", "//[::1]/", "\u3000//evil",
]  # fmt: skip

GOOD = [
    "/", "/tasks/", "/tasks/mine", "/tasks/?q=%D0%BF%D0%BE%D0%BF&status=open", "/tasks/1241#h2",
    "/accounting/days/2026-11-21", "/tasks/?q=http://x", "/tasks/?back=/tasks/%3Fq%3Da",
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_leads_home(trick: str) -> None:
    assert safe_next(trick) == "/"


@pytest.mark.parametrize("path", GOOD)
def test_a_path_of_ours_stays(path: str) -> None:
    assert safe_next(path) == path


def test_nothing_leads_home() -> None:
    assert safe_next(None) == "/"
    assert len(TRICKS) >= 40
