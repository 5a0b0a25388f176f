"""FineGates: learn which rows and columns of a transformer a task needs, and remove the rest.

    gates = finegates.attach_gates(model)      # train, driven by finegates.RemovalBudget
    finegates.shrink(model).save_pretrained("smaller")
    model = finegates.load("smaller")

The names in ``__all__`` are promised; modules below may move. Importing this package loads no
torch: a name does when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the names of `_WHERE`, for type checkers and editors
    from finegates.auto import load as load
    from finegates.errors import FineGatesError as FineGatesError
    from finegates.gates.cuts import Cut as Cut
    from finegates.gates.laws import make_law as make_law
    from finegates.gates.layout import GateLayout as GateLayout
    from finegates.gates.removal import Removal as Removal
    from finegates.gates.snapshots import Snapshot as Snapshot
    from finegates.gates.snapshots import load_snapshot as load_snapshot
    from finegates.jobs.control import submit as submit
    from finegates.methods import METHODS as METHODS
    from finegates.nn.attach import attach_gates as attach_gates
    from finegates.nn.attach import detach_gates as detach_gates
    from finegates.nn.attach import gates_of as gates_of
    from finegates.nn.gates import Gates as Gates
    from finegates.nn.saving import load_gates as load_gates
    from finegates.nn.saving import save_gates as save_gates
    from finegates.runs.folder import Run as Run
    from finegates.runs.folder import list_runs as list_runs
    from finegates.runs.folder import open_run as open_run
    from finegates.shrinking.shrink import shrink as shrink
    from finegates.spec import RunSpec as RunSpec
    from finegates.spec import make_spec as make_spec
    from finegates.training.budget import RemovalBudget as RemovalBudget
    from finegates.training.optimizer import make_optimizer as make_optimizer

__version__ = "0.2.0"

_WHERE = {
    # gates on a model
    "attach_gates": "finegates.nn.attach",
    "detach_gates": "finegates.nn.attach",
    "gates_of": "finegates.nn.attach",
    "Gates": "finegates.nn.gates",
    "GateLayout": "finegates.gates.layout",
    "make_law": "finegates.gates.laws",
    # training them in a loop of one's own, and keeping them
    "RemovalBudget": "finegates.training.budget",
    "make_optimizer": "finegates.training.optimizer",
    "save_gates": "finegates.nn.saving",
    "load_gates": "finegates.nn.saving",
    # a smaller model
    "shrink": "finegates.shrinking.shrink",
    "load": "finegates.auto",
    # what gates say
    "Cut": "finegates.gates.cuts",
    "Removal": "finegates.gates.removal",
    "Snapshot": "finegates.gates.snapshots",
    "load_snapshot": "finegates.gates.snapshots",
    # whole runs
    "METHODS": "finegates.methods",
    "RunSpec": "finegates.spec",
    "make_spec": "finegates.spec",
    "submit": "finegates.jobs.control",
    "Run": "finegates.runs.folder",
    "open_run": "finegates.runs.folder",
    "list_runs": "finegates.runs.folder",
    "FineGatesError": "finegates.errors",
}
__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'finegates' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
