"""``bench RUN --prefill --decode`` keeps with a run how fast its model reads and writes."""

import json

import pytest

from finegates.cli import main
from finegates.gates.cuts import Cut
from finegates.measuring.generation import PHASES
from finegates.runs.measurements import at_cut, read_generations, read_timings
from tests.toy_models import save_toy_language_model
from tests.trying.language_runs import text_run

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language")
    return text_run(save_toy_language_model(folder / "model"), folder)


def test_a_runs_times_are_kept_and_found_at_their_cut(run, capsys):
    words = ["bench", run.id, "--runs-dir", str(run.path.parent), "--remove", "0.5",
             "--prefill", "8", "--decode", "4", "--repeats", "2"]  # fmt: skip
    for _ in range(2):
        assert main(words) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    (kept,) = read_generations(run)
    assert not read_timings(run)
    assert {key: value for key, value in told.items() if key != "versions"} == kept
    assert (kept["prompt"], kept["new_tokens"], kept["remove"]) == (8, 4, 0.5)
    for phase in PHASES:
        assert kept[f"{phase}_speedup"] > 0 and kept[f"{phase}_ideal"] > 1
    assert kept["kv_bytes_per_token_shrunk"] < kept["kv_bytes_per_token_dense"]
    assert at_cut(run, Cut(remove=0.5)).generation == kept
    assert at_cut(run, Cut(remove=0.2)).generation is None
