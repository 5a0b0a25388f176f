"""What the tests of training share."""

import pytest

from finegates.jobs.inputs import check_inputs
from finegates.runs.folder import create_run
from finegates.spec import make_spec

_QUICK = {"max_train_samples": 96, "batch_size": 16, "epochs": 2, "precision": "fp32"}


@pytest.fixture
def make_run(toy_model_dir, tmp_path):
    """Makes a run of the toy model on the sample, quick unless told otherwise."""

    def make(**changes):
        spec = make_spec({"model": str(toy_model_dir), **_QUICK, **changes})
        return create_run(*check_inputs(spec, runs_dir=tmp_path / "runs"), tmp_path / "runs")

    return make
