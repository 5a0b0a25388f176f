"""Claims about who imports whom, beyond the order of rooms, and about what loading one loads."""

import subprocess
import sys
from functools import cache

import pytest

from tests.test_rooms import FILES as ALL_FILES
from tests.test_rooms import HEAVY, ROOT, anywhere, named, reached, roots, tree_of

FILES = sorted(name for name in ALL_FILES if roots([name]) == {"finegates"})
LIBRARY_ONLY = ("streamlit", "altair", "plotly", "datasets", "submitit", "onnxruntime")
"""Not on a machine that only trains."""


def printed(code: str) -> str:
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    return answer.stdout.strip() or answer.stderr


def loaded_after(code: str) -> str:
    names = tuple(sorted(HEAVY | {"streamlit"}))
    return printed(f"import sys\n{code}\nprint([n for n in {names} if n in sys.modules])")


@pytest.mark.parametrize("module", FILES)
def test_no_module_of_the_library_imports_streamlit_or_the_app(module):
    above = {"streamlit", "app", "altair", "plotly"}
    # A report carries plotly.js, whose text comes with the Python package.
    allowed = {"plotly"} if module == "finegates.reports.html" else set()
    assert not roots(anywhere(module)) & (above - allowed)


@cache
def loads(module: str) -> frozenset[str]:
    """Our modules that this one names; a package that is loaded only on the way is left out."""
    return frozenset(named(tree_of(module).body)) & ALL_FILES.keys() - {"finegates", module}


@pytest.mark.parametrize("module", sorted(ALL_FILES))
def test_no_module_is_loaded_by_what_it_loads(module):
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        for name in loads(waiting.pop()) - seen:
            seen.add(name)
            waiting.append(name)
    assert module not in seen


def test_results_are_reported_without_starting_anything():
    below = reached("finegates.results.aggregate") | reached("finegates.results.tables")
    starters = ("control", "dispatcher", "sweep")
    assert not {name for name in below if name.endswith(tuple(f".{s}" for s in starters))}


def test_only_the_entry_point_imports_the_command_line():
    users = {module for module in FILES if "finegates.cli" in anywhere(module)}
    assert users == {"finegates.__main__"}
    commands = {name for name in FILES if name.startswith("finegates.commands")}
    users = {module for module in FILES if anywhere(module) & commands}
    assert users <= commands | {"finegates.cli"}


def test_only_what_reads_the_hub_imports_datasets():
    (user,) = {module for module in FILES if "datasets" in roots(anywhere(module))}
    assert user.startswith("finegates.data.")


@pytest.mark.parametrize(
    "module", ["finegates", "finegates.cli", "finegates.jobs.worker", "finegates.reports.report"]
)
def test_what_a_page_imports_loads_no_torch(module):
    assert loaded_after(f"import {module}") == "[]"


def test_the_library_loads_without_what_only_the_app_and_the_hub_need():
    """All of it; whatever uses one of these packages loads it when it is used."""
    modules = [name for name in FILES if not name.endswith("__main__")]
    code = (
        f"import importlib, sys; sys.modules.update(dict.fromkeys({LIBRARY_ONLY}));"
        f"[importlib.import_module(name) for name in {[*modules, 'benchmarks.gpu.__main__']}];"
        "print('loaded')"
    )
    assert printed(code) == "loaded"


def test_checking_a_run_on_the_embedded_model_loads_no_torch():
    code = (
        "from finegates.jobs.inputs import check_inputs\n"
        "from finegates.spec import RunSpec\n"
        "from finegates.jobs.estimate import estimate_cost\n"
        "from pathlib import Path\n"
        "spec, data = check_inputs(RunSpec(device='cpu'))\n"
        "estimate_cost(spec, 2000, 400, data['mean_words'], Path('none'))"
    )
    assert loaded_after(code) == "[]"
