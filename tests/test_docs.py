"""Whatever the documents name exists: modules and their names, files, commands and flags."""

import argparse
import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import finegates
from finegates.cli import build_parser

ROOT = Path(__file__).resolve().parents[1]
OURS = ("finegates", "app", "benchmarks", "scripts", "tests")
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "LOG.md"),  # history
]
OF_EXAMPLES = (
    "app.charts.seeds",
    "app/seeds",
    "tests/browser/screenshots",
    ".gpu",
    ".bin",
    "modeling_finegates.py",
)
"""The reader's own, or written when something runs."""

CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
DOTTED = re.compile(rf"(?<![\w./-])(?:{'|'.join(OURS)})(?:\.[A-Za-z_]\w*)+")
MEMBER = re.compile(r"`([A-Z]\w+)\.(\w+)`")
IMPORT = re.compile(rf"^\s*from ((?:{'|'.join(OURS)})[\w.]*) import ([\w, ]+)", re.MULTILINE)
PLACE = re.compile(
    rf"(?<![\w/.<-])(?:{'|'.join((*OURS, 'docs', 'cached_runs'))})/[\w./*-]*+(?!<)(?:::\w+)?"
)
FILE = re.compile(r"`([\w-]+\.(?:py|md|toml|txt))`")
LINK = re.compile(r"\]\((?!\w+:)([^)#]+)")
RUN_MODULE = re.compile(rf"python3? -m ((?:{'|'.join(OURS)})[\w.]*)")
MAKE = re.compile(r"\bmake((?: [a-z]+)+)")
COMMAND = re.compile(r"python -m finegates ([\w-]+)([^#`\n]*)")
OF_THE_HARNESS = "lm-eval"
"""The command whose flags are lm-evaluation-harness's own."""
VARIABLE = re.compile(r"\bFINEGATES_[A-Z_]+\b")

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def code_in(text: str) -> str:
    """Only what stands in backticks or in a block; lines that are continued made one."""
    return re.sub(r"\\\n\s*", " ", "\n".join(CODE.findall(text)))


def names_of(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Attribute):  # self.mean = ...
        yield target.attr
    elif isinstance(target, ast.Tuple):
        for element in target.elts:
            yield from names_of(element)


def defined_in(statements: Iterable[ast.AST]) -> set[str]:
    """Names that these statements define, import or assign."""
    names: set[str] = set()
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {name for target in node.targets for name in names_of(target)}
        elif isinstance(node, ast.AnnAssign):
            names |= set(names_of(node.target))
    return names


@cache
def module_names(path: Path) -> set[str]:
    return defined_in(ast.parse(path.read_text()).body)


@cache
def members() -> dict[str, set[str]]:
    """What each class of the library and the app defines or assigns; same names are one class."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in ("finegates", "app"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    found[node.name] |= defined_in(ast.walk(node))
    return dict(found)


def module_file(dotted: str) -> Path | None:
    place = ROOT.joinpath(*dotted.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def exists(dotted: str) -> bool:
    """Whether it is a module, a name in one, or a member of a class in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        if file := module_file(".".join(parts[:length])):
            rest = parts[length:]
            in_module = not rest or rest[0] in module_names(file) | promised(file)
            return in_module and all(name in members().get(rest[0], ()) for name in rest[1:])
    return False


def promised(file: Path) -> set[str]:
    return set(finegates.__all__) | {"__all__"} if file == ROOT / "finegates/__init__.py" else set()


def wrong(found: Iterable[str], right) -> list[str]:
    own = [name for name in dict.fromkeys(found) if not name.startswith(OF_EXAMPLES)]
    return [name for name in own if not right(name)]


@every_document
def test_every_dotted_name_exists(path):
    text = path.read_text()
    assert not wrong(DOTTED.findall(text), exists)
    imports = [
        f"{module}.{name.strip()}"
        for module, names in IMPORT.findall(text)
        for name in names.split(",")
    ]
    assert not wrong(imports, exists)
    assert not wrong(re.findall(r"\bfg\.(\w+)", text), finegates.__all__.__contains__)


@every_document
def test_every_member_of_a_class_of_ours_exists(path):
    named = MEMBER.findall(path.read_text())
    ours = (f"{kind}.{name}" for kind, name in named if kind in members())
    assert not wrong(ours, lambda name: name.split(".")[1] in members()[name.split(".")[0]])


@every_document
def test_every_path_exists(path):
    text = path.read_text()

    def is_there(name: str) -> bool:
        place, _, inside = name.rstrip(".").partition("::")
        files = list(ROOT.glob(place.rstrip("/")))
        return bool(files) and (not inside or inside in module_names(files[0]))

    assert not wrong(PLACE.findall(text), is_there)
    assert not wrong(LINK.findall(text), lambda name: (path.parent / name).exists())
    everywhere = {file.name for folder in (*OURS, "docs") for file in (ROOT / folder).rglob("*.*")}
    everywhere |= {file.name for file in ROOT.iterdir()}
    assert not wrong(FILE.findall(text), everywhere.__contains__)


def can_be_run(dotted: str) -> bool:
    """Whether ``python -m`` takes it: a module, or a package with a ``__main__``."""
    file = module_file(f"{dotted}.__main__") or module_file(dotted)
    return file is not None and file.name != "__init__.py"


@every_document
def test_every_command_exists(path):
    code = code_in(path.read_text())
    assert not wrong(RUN_MODULE.findall(code), can_be_run)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert not wrong(" ".join(MAKE.findall(code)).split(), targets.__contains__)


def flags_of(parser: argparse.ArgumentParser) -> set[str]:
    """Flags of a command and of its own commands."""
    flags = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            flags |= {flag for below in action.choices.values() for flag in flags_of(below)}
    return flags


@every_document
def test_every_flag_of_the_command_line_exists(path):
    (commands,) = (a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    for command, rest in COMMAND.findall(code_in(path.read_text())):
        assert command in commands.choices
        if command == OF_THE_HARNESS:
            continue
        flags = re.findall(r"--[a-z][a-z-]*", rest)
        assert not wrong(flags, flags_of(commands.choices[command]).__contains__), command


@every_document
def test_every_environment_variable_is_read_somewhere(path):
    assert not wrong(VARIABLE.findall(path.read_text()), variables().__contains__)


@cache
def variables() -> set[str]:
    files = (file for folder in OURS for file in (ROOT / folder).rglob("*.py"))
    return {name for file in files for name in VARIABLE.findall(file.read_text())}


def test_the_reading_finds_what_is_wrong():
    assert exists("finegates.gates.laws.Law.sample") and exists("finegates.attach_gates")
    for gone in ("finegates.laws", "finegates.gates.laws.Lew", "finegates.gates.laws.Law.simple"):
        assert not exists(gone)
    text = "`make chek fast`, `python -m finegates.attach`, `app/laoders.py`, `finegates/spec.py`"
    assert MAKE.findall(text) == [" chek fast"] and RUN_MODULE.findall(text) == ["finegates.attach"]
    assert PLACE.findall(text) == ["app/laoders.py", "finegates/spec.py"]
