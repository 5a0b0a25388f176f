"""Claims about faults: whatever happens to a worker, its disk or its clock, nothing is lost.

A few of each; `make faults` does many and writes down how many it tried.
"""

import pytest

from tests.faults.harness import Bench, make_bench
from tests.faults.scenarios import FAULTS, files_garbled, servers_race, worker_killed_in_a_write

SOME = {worker_killed_in_a_write: 5, files_garbled: 24}
SHORT = [(fault, seed) for fault in FAULTS for seed in range(SOME.get(fault, 1))]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bench(toy_model_dir, tmp_path_factory) -> Bench:
    return make_bench(tmp_path_factory.mktemp("faults") / "runs", toy_model_dir)


@pytest.mark.parametrize(
    ("fault", "seed"), SHORT, ids=[f"{fault.__name__}-{seed}" for fault, seed in SHORT]
)
def test_nothing_is_lost_by(bench, fault, seed):
    fault(bench, seed, *([4] if fault is servers_race else []))
