"""Claims about who imports whom, read from the source, and about what loads no torch."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "finegates"
HEAVY = ("torch", "transformers", "accelerate", "datasets", "streamlit")


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(statements: list[ast.stmt] | ast.AST) -> set[str]:
    """Full names in import statements; ``from a import b`` gives ``a`` and ``a.b``."""
    names: set[str] = set()
    nodes = ast.walk(statements) if isinstance(statements, ast.AST) else statements
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide where a module is from"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@cache
def anywhere(module: str) -> frozenset[str]:
    return frozenset(imported(ast.parse(FILES[module].read_text())))


@cache
def when_loaded(module: str) -> frozenset[str]:
    """Our modules that are loaded with this one; a package as a name in itself is left out."""
    names = imported(ast.parse(FILES[module].read_text()).body)
    return frozenset(names & FILES.keys() - {"finegates", module})


def reachable(module: str) -> set[str]:
    seen, open_ones = set(), [module]
    while open_ones:
        for name in when_loaded(open_ones.pop()) - seen:
            seen.add(name)
            open_ones.append(name)
    return seen


@pytest.mark.parametrize("module", FILES)
def test_no_module_imports_streamlit_or_the_app(module):
    roots = {name.split(".")[0] for name in anywhere(module)}
    above = {"streamlit", "app", "altair", "plotly"}
    # A report carries plotly.js, whose text comes with the Python package.
    assert not roots & (above - ({"plotly"} if module == "finegates.reports.html" else set()))


@pytest.mark.parametrize("module", FILES)
def test_no_module_is_loaded_by_what_it_loads(module):
    assert module not in reachable(module)


def test_the_walk_sees_imports():
    assert "finegates.files.storage" in when_loaded("finegates.runs.folder")
    assert "finegates.training.loop" in anywhere("finegates.jobs.worker")
    assert "finegates.training.loop" not in when_loaded("finegates.jobs.worker")
    assert "finegates.methods" in reachable("finegates.runs.folder")


def test_results_are_told_without_starting_anything():
    below = reachable("finegates.results.aggregate") | reachable("finegates.results.tables")
    assert not below & {
        "finegates.jobs.control",
        "finegates.jobs.dispatcher",
        "finegates.groups.sweep",
    }


def test_only_the_entry_point_imports_the_command_line():
    users = {module for module in FILES if "finegates.cli" in anywhere(module)}
    assert users == {"finegates.__main__"}
    commands = {name for name in FILES if name.startswith("finegates.commands")}
    users = {module for module in FILES if anywhere(module) & commands}
    assert users <= commands | {"finegates.cli"}


@pytest.mark.parametrize(
    "module",
    ["finegates", "finegates.cli", "finegates.jobs.worker", "finegates.reports.report"],
)
def test_what_a_page_imports_loads_no_torch(module):
    code = f"import sys, {module}; print([n for n in {HEAVY} if n in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert answer.stdout.strip() == "[]", answer.stderr


LIBRARY_ONLY = ("streamlit", "altair", "plotly", "datasets", "submitit", "onnxruntime")
"""Not on a machine that only trains."""


def test_the_library_loads_without_what_only_the_app_and_the_hub_need():
    """All of it; whatever uses one of these packages loads it when it is used."""
    modules = [name for name in FILES if not name.endswith("__main__")]
    code = (
        f"import importlib, sys; sys.modules.update(dict.fromkeys({LIBRARY_ONLY}));"
        f"[importlib.import_module(name) for name in {[*modules, 'benchmarks.gpu.__main__']}];"
        "print('loaded')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert answer.stdout.strip() == "loaded", answer.stderr


def test_only_what_reads_the_hub_imports_datasets():
    users = {m for m in FILES if any(n.split(".")[0] == "datasets" for n in anywhere(m))}
    assert users == {"finegates.data.glue"}


def test_checking_a_run_on_the_embedded_model_loads_no_torch():
    code = (
        "import sys; from finegates.jobs.inputs import check_inputs;"
        "from finegates.spec import RunSpec;"
        "from finegates.jobs.estimate import estimate_cost; from pathlib import Path;"
        "spec, data = check_inputs(RunSpec(device='cpu'));"
        "estimate_cost(spec, 2000, 400, data['mean_words'], Path('none'));"
        f"print([n for n in {HEAVY} if n in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert answer.stdout.strip() == "[]", answer.stderr
