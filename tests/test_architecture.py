"""The rules of the house (docs/tour.md) that a machine can keep."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Table

from ates.app import CONTEXTS
from ates.kernel.tables import KERNEL

HOME = Path(__file__).parents[1]
PARTS = {part.name for part in CONTEXTS}
LONGEST = 300  # lines; beyond about 250 a room becomes a package

# Rooms every part may have (house rules). What else a part needs carries a name of its domain.
ROOMS = {
    "__init__", "context", "models", "service", "queries", "handlers", "forms", "views", "api",
    "cli", "demo", "bulk", "templates",
}  # fmt: skip
DOMAIN = {
    "auth": {"details", "gate", "letters", "passwords", "throttle", "tokens", "verify"},
    "tasks": {"drawing", "learning", "lottery", "shuffling", "titles", "verify"},
    "accounting": {
        "anchors", "anomalies", "auditing", "balances", "chain", "closing", "days", "exports",
        "fairness", "gate", "holds", "keyring", "ledger", "letters", "payout", "posting", "pricing",
        "report", "runs", "statements", "verify", "writing",
    },
    "analytics": {"closing", "sums", "totals", "verify"},
    "ops": {
        "bulk", "catalogue", "chain", "checks", "compatibility", "desk", "doctor", "facts",
        "health", "metrics", "proof", "pulse", "rebuilding", "reconciliation", "repair", "status",
        "story", "strain", "tracing",
    },
}  # fmt: skip
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "extensions"}


@dataclass(frozen=True)
class Rule:
    """Something that is done in a few places only."""

    what: str
    calls: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    only: frozenset[str] = field(default=frozenset())


def rule(what: str, *, calls: str = "", modules: str = "", only: str = "") -> Rule:
    return Rule(what, *(frozenset(each.split()) for each in (calls, modules, only)))


# The launcher watches processes in real time and prepares a machine before there are settings.
RULES = [
    rule(
        "the time of day",
        calls="datetime.now datetime.utcnow datetime.today date.today time.time time.time_ns"
        " func.now func.current_timestamp",
        only="ates/kernel/clock.py ates/launch/children.py",
    ),
    rule("waiting", calls="time.sleep", only="ates/kernel/clock.py ates/launch/*"),
    rule(
        "measuring time",
        calls="time.monotonic time.perf_counter",
        only="ates/kernel/clock.py ates/launch/*",
    ),
    rule(
        "identity and chance",
        modules="random secrets",
        calls="uuid1 uuid4 uuid.uuid1 uuid.uuid4 func.random os.urandom",
        only="ates/kernel/ids.py ates/auth/passwords.py ates/launch/folder.py",
    ),
    rule("sending mail", modules="smtplib flask_mail", only="ates/kernel/post.py"),
    rule("Redis", modules="redis rq", only="ates/kernel/worker.py"),
    rule(
        "the environment",
        calls="os.environ os.getenv",
        only="ates/config.py ates/__main__.py ates/launch/*",
    ),
    rule("silence", calls="muted published.muted signal.muted"),
    rule("a second way to commit", calls="session.commit session.rollback scoped_session"),
]


def sources(under: str = "ates") -> list[Path]:
    return sorted((HOME / under).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(HOME).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def test_import_rules_hold() -> None:
    """Layers, rooms, independence of parts, and where each library lives (pyproject.toml)."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=HOME, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_part_escapes_the_import_rules() -> None:
    settings = tomllib.loads((HOME / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = {each["name"]: each for each in settings["contracts"]}
    layers = next(each for each in contracts.values() if each.get("containers") == ["ates"])
    assert any(set(layer.split(" | ")) >= PARTS for layer in layers["layers"])
    roomy = {each["containers"][0] for each in contracts.values() if "containers" in each}
    assert {f"ates.{part}" for part in PARTS} <= roomy
    assert set(contracts["A part is reached through its manifest"]["protected_modules"]) == {
        f"ates.{part}" for part in PARTS
    }


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_part_has_known_rooms_only(part: str) -> None:
    rooms = {
        path.stem
        for path in (HOME / "ates" / part).iterdir()
        if path.suffix == ".py" or path.is_dir()
    } - {"__pycache__"}
    assert rooms <= ROOMS | DOMAIN[part]
    assert {"__init__", "context", "models"} <= rooms


def test_nothing_is_called_utils() -> None:
    assert [name_of(path) for path in sources() if path.stem in BANNED_NAMES] == []


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.what)
def test_done_only_where_it_belongs(each: Rule) -> None:
    places = {
        path: any(path.relative_to(HOME).match(place) for place in each.only)
        for path in [*sources(), HOME / "wsgi.py"]
    }
    wrong = [
        f"{name_of(path)}:{line} {what}"
        for path, allowed in places.items()
        if not allowed
        for line, what in broken(each, path)
    ]
    assert wrong == []
    if each.only:  # a rule that finds nothing anywhere would guard nothing
        assert any(broken(each, path) for path, allowed in places.items() if allowed)


def broken(each: Rule, path: Path) -> list[tuple[int, str]]:
    return [
        (line, what)
        for line, what in uses(tree_of(path))
        if what in each.calls or what.removeprefix("import ") in each.modules
    ]


def uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Dotted names that are used, and modules that are imported (`import smtplib`)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node.lineno, ".".join(_dotted(node)[-2:])
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, f"import {each.name.split('.')[0]}") for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, f"import {node.module.split('.')[0]}"


def _dotted(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [*_dotted(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else [""]


@pytest.mark.parametrize("under", ["ates", "tests", "migrations"])
def test_every_module_says_what_belongs_in_it(under: str) -> None:
    silent = [
        name_of(path)
        for path in sources(under)
        if path.read_text().strip() and not (ast.get_docstring(tree_of(path)) or "").strip()
    ]
    assert silent == []


def test_no_file_outgrows_a_room() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_public_functions_of_services_say_what_they_promise() -> None:
    silent = [
        f"{name_of(path)}: {node.name}"
        for part in PARTS
        for path in sources(f"ates/{part}")
        if "service" in (path.stem, path.parent.name)
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert silent == []


# --- tables ---------------------------------------------------------------------------------------


def _tables() -> list[tuple[str, Table]]:
    return [(part.name, table) for part in CONTEXTS for table in part.tables.sorted_tables]


def test_each_part_has_its_own_tables() -> None:
    spaces = [id(part.tables) for part in CONTEXTS] + [id(KERNEL)]
    assert len(set(spaces)) == len(CONTEXTS) + 1
    assert [table.name for part, table in _tables() if not table.name.startswith(f"{part}_")] == []


def test_no_foreign_key_leaves_its_part() -> None:
    wrong = [
        f"{table.name} → {key.target_fullname}"
        for part, table in _tables()
        for key in table.foreign_keys
        if not key.target_fullname.startswith(f"{part}_")
    ]
    assert wrong == []


def test_every_table_is_strict_on_sqlite() -> None:
    """No float and no word enters an INTEGER column."""
    tables = [table for _, table in _tables()] + KERNEL.sorted_tables
    loose = [table.name for table in tables if not table.dialect_options["sqlite"]["strict"]]
    assert loose == []


def test_nothing_reads_another_parts_tables_in_words() -> None:
    """SQL in a text must not reach where the MetaData cannot."""
    wrong = [
        f"{name_of(path)}:{node.lineno} {other}_"
        for part in PARTS
        for path in sources(f"ates/{part}")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for other in PARTS - {part}
        if f" {other}_" in node.value and "select" in node.value.lower()
    ]
    assert wrong == []


# --- importing ------------------------------------------------------------------------------------

# Runs in a fresh process: what importing may not do is refused by the interpreter's audit hooks.
_WATCHED = """
import sys, threading
def refuse(event, args):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.fork", "sqlite3.connect"):
        raise RuntimeError(f"importing does {event} {args}")
    if event == "open" and args[1] and set(args[1]) & set("wax+"):
        raise RuntimeError(f"importing writes {args[0]}")
sys.dont_write_bytecode = True
sys.addaudithook(refuse)
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
"""


def _import(*modules: str, then: str = "") -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED + then, *modules],
        cwd=HOME,
        env={"PATH": "/usr/bin:/bin", "ATES_DATA": "/nonexistent", "ATES_DATABASE_URL": "nonsense"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_importing_touches_nothing() -> None:
    """No socket, file, process or thread: objects are made in `init_app`, used in requests."""
    _import(
        *(
            ".".join(path.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__")
            for path in sources()
            if path.stem != "__main__"
        )
    )


def test_importing_ates_alone_brings_nothing_along() -> None:
    heavy = ["flask", "sqlalchemy", "redis", "rq", "blinker", "msgspec", "alembic"]
    _import("ates", then=f"found = set({heavy}) & set(sys.modules)\nassert not found, found")


def test_starting_needs_only_the_standard_library() -> None:
    """`python3 -m ates` builds the environment that everything else needs."""
    heavy = ["flask", "sqlalchemy", "redis", "cryptography", "click", "msgspec"]
    _import(
        "ates.launch.bootstrap",
        then=f"found = set({heavy}) & set(sys.modules)\nassert not found, found",
    )
