"""Claims about the house: rooms stand in one order, and torch and Streamlit stay in theirs.

Read from the source, so nothing is loaded. A room is a folder or a file right below the package.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = """
    errors | settings | files machine | gates | methods | spec | models | nn | adapters | shrinking
    | auto | data | runs | training | measuring | exporting | jobs | groups | results | fitting
    | trying | reports | commands | cli | __main__
"""
APP = """
    compressed places rows text words | charts | reading | widgets | run_table | curves | snapshots
    | new | how_small tradeoff | data | compare | paper | methods | live | dimensions | prune | runs
    | main | serve
"""
"""From the ground up. A room imports only rooms of earlier floors, inside functions too."""
ORDER = {
    f"{package}.{room}": floor
    for package, rooms in (("finegates", LIBRARY), ("app", APP))
    for floor, names in enumerate(rooms.split("|"))
    for room in names.split()
}
TORCH_ROOMS = {"nn", "adapters", "shrinking", "auto", "training", "measuring", "exporting"}
TORCH_FILES = {"finegates.trying.models", "finegates.trying.writers"}
HEAVY = {"torch", "transformers", "accelerate", "peft", "datasets"}

PAGES = {
    "new",
    "how_small",
    "tradeoff",
    "data",
    "compare",
    "paper",
    "methods",
    "live",
    "dimensions",
    "prune",
    "runs",
}
PAGES_SHARED = {
    ("how_small", "new"),
    ("data", "new"),
    ("paper", "new"),
    ("runs", "new"),
    ("runs", "tradeoff"),
}
"""Which page may build on which other page: a form that another page fills in, one chart."""

READ_BY_NAME = ("read_", "load_", "list_")
"""How the library's functions begin that open files of the runs folder, and a few that don't:"""
OTHER_READERS = {"LineReader", "progress_of", "job_info", "job_tail", "kept_files", "snapshot_path"}
READ_NOTHING = {"read_only"}
READ_BY_A_RUN = {
    "row", "status", "snapshot", "log_tail", "metrics_reader", "histograms_reader",
}  # fmt: skip
"""Methods of a `finegates.runs.folder.Run`; what it was asked for, its ``spec``, is anyone's."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_name(path): path for name in ("finegates", "app") for path in (ROOT / name).rglob("*.py")
}
APP_FILES = sorted(name for name in FILES if name.startswith("app."))
FIGURES = [
    name for name in APP_FILES if name.startswith("app.charts.") or name.endswith("frames")
]  # fmt: skip
PAGES_AND_PARTS = [name for name in APP_FILES if not name.startswith("app.reading")]


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text())


def named(statements: Iterable[ast.AST]) -> Iterator[str]:
    """Full names in import statements: of a module's content the module, of a module itself it."""
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, "relative imports hide where a module is from"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in FILES else node.module


@cache
def anywhere(module: str) -> frozenset[str]:
    return frozenset(named(ast.walk(tree_of(module))))


@cache
def when_loaded(module: str) -> frozenset[str]:
    """With the packages above, whose ``__init__`` is run too."""
    names = set(named(tree_of(module).body))
    above = {name.rpartition(".")[0] for name in {*names, module} if name in FILES}
    return frozenset(names | above - {"", module})


def reached(module: str) -> set[str]:
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        if (name := waiting.pop()) not in seen:
            seen.add(name)
            waiting += when_loaded(name) if name in FILES else ()
    return seen


def roots(names: Iterable[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_every_room_has_a_place():
    assert {room_of(m) for m in FILES if "." in m} == ORDER.keys()


@pytest.mark.parametrize("module", sorted(FILES))
def test_a_module_imports_only_rooms_below_its_own(module):
    own = room_of(module)
    for name in anywhere(module) & FILES.keys():
        other = room_of(name)
        same_package = other.split(".")[0] == own.split(".")[0]
        if same_package and other != own and "." in own and "." in other:
            assert ORDER[other] < ORDER[own], f"{module} imports {name}, which stands above it"


@pytest.mark.parametrize("module", sorted(FILES))
def test_torch_is_loaded_only_in_its_rooms(module):
    package, _, room = room_of(module).partition(".")
    if module not in TORCH_FILES and (package == "app" or room not in TORCH_ROOMS):
        heavy = roots(reached(module)) & HEAVY
        assert not heavy, f"{module} loads {heavy}"


@pytest.mark.parametrize("module", APP_FILES)
def test_pages_build_on_other_pages_only_where_it_is_said(module):
    own = room_of(module).partition(".")[2]
    others = {room_of(n).partition(".")[2] for n in anywhere(module) if n.startswith("app.")}
    if own in PAGES:
        assert {(own, other) for other in others & PAGES - {own}} <= PAGES_SHARED


@pytest.mark.parametrize("module", FIGURES)
def test_frames_and_figures_know_no_streamlit(module):
    assert "streamlit" not in roots(reached(module))


@pytest.mark.parametrize("module", PAGES_AND_PARTS)
def test_only_the_reading_room_opens_files_of_run_folders(module):
    assert not set(files_opened(tree_of(module)))


def files_opened(tree: ast.Module) -> Iterator[str]:
    """What opens a file of a run folder: a function of the library, or a method of a run."""
    library: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and roots([str(node.module)]) == {"finegates"}:
            yield from filter(is_reader, (alias.name for alias in node.names))
            library |= {alias.asname or alias.name for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            of_library = isinstance(node.value, ast.Name) and node.value.id in library
            if node.attr == "record" or (of_library and is_reader(node.attr)):
                yield node.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from {node.func.attr} & READ_BY_A_RUN


def is_reader(name: str) -> bool:
    return name not in READ_NOTHING and (name.startswith(READ_BY_NAME) or name in OTHER_READERS)


@pytest.mark.parametrize(
    "source",
    [
        "from finegates.runs.folder import list_runs",
        "from finegates.jobs import control as jobs; jobs.job_tail(run, 80)",
        "from finegates.runs.folder import Run; Run(path).row()",
        "run.record['data']",
    ],
)
def test_the_walk_sees_files_that_are_opened(source):
    assert list(files_opened(ast.parse(source)))


def test_the_walk_sees_imports():
    assert "finegates.files.storage" in when_loaded("finegates.runs.folder")
    assert "finegates.training.loop" in anywhere("finegates.jobs.worker")
    assert "finegates.training.loop" not in when_loaded("finegates.jobs.worker")
    assert "finegates.methods" in reached("finegates.runs.folder")
    assert "torch" in reached("finegates.nn.gates") and "streamlit" in reached("app.runs.page")
