"""The way back after signing in: a path of ours, and nothing else (S6)."""

from urllib.parse import unquote

HOME = "/"


def safe_next(text: str | None) -> str:
    """`text` if it is a path of this site, else the home page.

    One leading `/`; no second one, no backslash, no control character or space, no scheme: also
    after the browser's own repairs and after decoding `%xx` once or twice.
    """
    if not text or len(text) > 2000:
        return HOME
    once = unquote(text)
    return text if all(_own(each) for each in (text, once, unquote(once))) else HOME


def _own(text: str) -> bool:
    path = text.partition("?")[0].partition("#")[0]
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        return False
    if ".." in path.split("/"):
        return False
    return all(letter.isprintable() and not letter.isspace() for letter in text.replace(" ", ""))
