"""Gates that start in the order in which the loss feels them."""

import numpy as np
import pytest

from finegates.data.splits import load_splits
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.runs.folder import create_run
from finegates.spec import make_spec
from finegates.training.session import open_session, sensitivities_of

QUICK = {"max_train_samples": 64, "batch_size": 16, "epochs": 1, "precision": "fp32"}


def settings(toy_model_dir, **changes):
    return {"model": str(toy_model_dir), "head_start": "fitted", **QUICK, **changes}


@pytest.mark.parametrize("problem", ["classification", "regression"])
@pytest.mark.parametrize("units", [("matrices",), ("structures",), ("hidden", "heads")])
def test_the_start_is_in_the_order_of_the_sensitivities(
    toy_model_dir, tmp_path, problem, units, one_thread
):
    lines = [f"a good film number {i},{i % 7}" for i in range(80)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *lines]))
    spec = make_spec(
        settings(
            toy_model_dir, data=str(tmp_path / "rows.csv"), problem=problem, gate_units=units,
            gate_start="sensitivity",
        )
    )  # fmt: skip
    splits = load_splits(spec)
    session = open_session(spec, splits, "cpu")
    means, felt = session.gates.means_array(), sensitivities_of(session)
    assert (np.argsort(np.argsort(means)) == np.argsort(np.argsort(felt, kind="stable"))).all()
    assert not session.gates.closed_array().any()
    resumed = open_session(spec, splits, "cpu", begins=False)
    assert (resumed.gates.means_array() != means).any(), "a checkpoint gives them"


def test_the_method_closes_by_it_at_once_with_a_teacher_too(toy_model_dir, tmp_path, one_thread):
    runs_dir = tmp_path / "runs"

    def trained(**changes):
        spec = make_spec(settings(toy_model_dir, **changes))
        run = create_run(*check_inputs(spec, runs_dir=runs_dir), runs_dir)
        status = execute(run, "cpu")
        assert status.state == "finished", status.reason
        return run

    teacher = trained(method="lora", lora_rank=2)
    run = trained(method="sensitivity", target_sparsity=0.4, teacher=teacher.id)
    other = trained(method="magnitude", target_sparsity=0.4, teacher=teacher.id)
    assert run.status().removed_weights_fraction == pytest.approx(0.4, abs=0.01)
    assert (run.snapshot().closed != other.snapshot().closed).any()
