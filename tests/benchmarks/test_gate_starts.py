"""The benchmark of gates' starts: ways that specs allow, and rows that tell what was lost."""

import pytest

from benchmarks import gate_starts
from benchmarks.gate_starts import EPOCHS, WAYS
from finegates.spec import make_spec
from tests.fake_results import cell_of, group_of, in_state, result


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_a_recipe_of_gates_with_all_weights_trained(way):
    asked = {**WAYS[way], "method": gate_starts.WARM_METHOD, "gate_units": ["heads", "neurons"]}
    spec = make_spec({**asked, "epochs": EPOCHS["short"]})
    assert (spec.gate_law == "projected") == (way == "scores")


def test_a_row_says_what_was_lost_and_what_failed(tmp_path):
    dense = result(tmp_path, 0.9, method="full")
    settings = {"start_from": dense.id, "method": gate_starts.WARM_METHOD}
    runs = [
        result(tmp_path, score, target_sparsity=target, **settings)
        for score, target in ((0.85, 0.4), (None, 0.6))
    ]
    in_state(runs[1], "failed", reason="The disk is full.")
    name = "starts-sst2-even-short-seed0"
    group = group_of(tmp_path, name, [cell_of(run) for run in runs])
    done, failed = gate_starts._rows(group, tmp_path)
    assert (done["way"], done["length"], done["remove"]) == ("even", "short", 0.4)
    assert done["points_lost"] == pytest.approx(5) and done["state"] == "finished"
    assert failed["points_lost"] is None and failed["state"] == "failed"
