"""Which runs a sweep has, in which order, and the command line that asks for them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from finegates.errors import SpecError, unknown_name
from finegates.groups.file import Cell
from finegates.methods import METHODS
from finegates.runs.launch import HERE, Launch, launch_flags
from finegates.runs.provenance import flags_of
from finegates.settings import check_range
from finegates.spec import FIELDS

_T = TypeVar("_T")

VARIED = {"method": "methods", "target_sparsity": "targets", "seed": "seeds"}
"""Settings that a sweep varies -> what it calls them."""


def plan(methods: Iterable[str], targets: Iterable[float], seeds: Iterable[int]) -> list[Cell]:
    """The runs of a sweep, in an order that gives the first seed's whole curve first.

    A method that removes nothing has one run a seed, with target 0. What is given twice counts
    once.

    Raises:
        SpecError: If a method is unknown, a number is out of its range, or nothing is given.
    """
    names, fractions, numbers = _once(methods), _once(targets), _once(seeds)
    for name in names:
        if name not in METHODS:
            raise SpecError(unknown_name("method", name, METHODS))
    dense = [name for name in names if not METHODS[name].removes]
    removing = [name for name in names if METHODS[name].removes]
    for what, empty in (
        ("methods", not names),
        ("seeds", not numbers),
        ("targets", removing and not fractions),
    ):
        if empty:
            raise SpecError(f"{what} is empty; give at least one.")
    for fraction in fractions:
        check_range("targets", fraction, FIELDS["target_sparsity"].metadata)
    cells = []
    for seed in numbers:
        cells += [Cell(name, 0.0, seed) for name in dense]
        cells += [Cell(name, fraction, seed) for fraction in fractions for name in removing]
    return cells


def _once(given: Iterable[_T]) -> list[_T]:
    return [*dict.fromkeys(given)]


def sweep_command(
    name: str, settings: Mapping[str, Any], cells: Sequence[Cell], launch: Launch = HERE
) -> list[str]:
    """The command line that makes this sweep, or goes on with it."""
    removing = [cell for cell in cells if METHODS[cell.method].removes]
    varied = {
        "methods": [*dict.fromkeys(cell.method for cell in cells)],
        "targets": [*dict.fromkeys(cell.target for cell in removing)],
        "seeds": [*dict.fromkeys(cell.seed for cell in cells)],
    }
    given = {name: values for name, values in varied.items() if values}
    words = flags_of({**given, **settings, "name": name})
    return ["python", "-m", "finegates", "sweep", *words, *launch_flags(launch)]
