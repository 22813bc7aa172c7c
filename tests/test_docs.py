"""The documentation says what the code does."""

import re
import shlex
from pathlib import Path

import click
import pytest
from flask import Flask

from ates.app import CONTEXTS
from ates.config import Config
from ates.kernel.events import contracts
from ates.ops import catalogue

HOME = Path(__file__).parents[1]
GENERATED = catalogue.everything(CONTEXTS)
PAGES = sorted(
    [*HOME.glob("*.md"), *(HOME / "docs").rglob("*.md")], key=lambda path: path.as_posix()
)
PRESENT = [page for page in PAGES if page.stem != "roadmap"]  # which says what is not there yet
IN_THE_CHECKOUT = ("ates", "docs", "tests", "migrations", "schemas", "deploy", "bench")


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_generated_files_are_fresh(name: str) -> None:
    """`make docs` writes them."""
    path = HOME / name
    assert path.exists(), f"{name} is missing: make docs"
    assert path.read_text() == GENERATED[name], f"{name} is not what the code says: make docs"


def test_no_schema_is_left_over() -> None:
    kept = {
        f"{catalogue.folder_of(each)}/{version}.json"
        for each in contracts.values()
        for version in range(1, each.version + 1)
    }
    found = {
        path.relative_to(HOME).as_posix()
        for path in (HOME / "schemas").rglob("*.json")
        if ".golden" not in path.parent.name
    }
    assert found == kept


def test_the_command_writes_what_the_test_compares(app: Flask, tmp_path: Path) -> None:
    answer = app.test_cli_runner().invoke(args=["ops", "docs", "--into", str(tmp_path)])
    assert answer.exit_code == 0, answer.output
    assert {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*") if path.is_file()
    } >= set(GENERATED)
    again = app.test_cli_runner().invoke(args=["ops", "docs", "--into", str(tmp_path)])
    assert again.output == ""


def test_the_command_refuses_to_break_a_released_schema(app: Flask, tmp_path: Path) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=["ops", "docs", "--into", str(tmp_path)])
    path = tmp_path / "schemas/tasks/task_completed/1.json"
    path.write_text(path.read_text().replace('"assignee_id"', '"popug_id"'))
    answer = runner.invoke(args=["ops", "docs", "--into", str(tmp_path)])
    assert answer.exit_code == 1
    assert "new version" in answer.output


def test_every_setting_is_documented_once() -> None:
    page = (HOME / "docs/settings.md").read_text()
    assert sorted(re.findall(r"^\| `(ATES_\w+)`", page, re.MULTILINE)) == sorted(
        each.metadata["env"] for each in Config.__dataclass_fields__.values()
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(HOME).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    dead = [
        link
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose(page))
        if "://" not in link and not link.startswith("mailto:")
        if not (page.parent / link).exists()
    ]
    assert dead == []


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: page.relative_to(HOME).as_posix())
def test_named_files_exist(page: Path) -> None:
    """`ates/kernel/log.py` in a text is a file or a folder of the checkout."""
    named = re.findall(r"`((?:\w+/)+[\w.]*)`", prose(page))
    wrong = [
        name
        for name in named
        if name.split("/")[0] in IN_THE_CHECKOUT and not (HOME / name).exists()
    ]
    assert wrong == []


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: page.relative_to(HOME).as_posix())
def test_commands_exist(page: Path, app: Flask) -> None:
    """`flask accounting payout`, `python3 -m ates …` and `make …` are commands that are there."""
    text = page.read_text()
    said = re.findall(r"(?:flask|python3? -m ates) ([a-z][^`\n|]*)", text)
    wrong = [command for command in said if not is_command(app, command)]
    targets = set(
        re.findall(r"^([a-z]+(?: [a-z]+)*):", (HOME / "Makefile").read_text(), re.MULTILINE)
    )
    known = {name for line in targets for name in line.split()}
    wrong += [name for name in re.findall(r"`make ([a-z]+)", text) if name not in known]
    assert wrong == []


def is_command(app: Flask, command: str) -> bool:
    """Whether its words lead to a command that has the options it names."""
    words = shlex.split(command.replace("…", " ").replace("'", ""), comments=True)
    if words[0] in ("run", "test", "init"):
        return True  # of the launcher, whose own tests know its options
    group: click.Command = app.cli
    options: set[str] = set()
    while words and isinstance(group, click.Group):
        names = words[0].split("|")
        if not all(name in group.commands for name in names):
            return False
        group = group.commands[names[0]]
        options = {name for each in group.params for name in (*each.opts, *each.secondary_opts)}
        words = words[1:]
    used = {word.split("=")[0].strip("[].,)") for word in words if word.startswith("--")}
    return used <= options | {"--help"}


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
