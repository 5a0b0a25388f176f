"""Runs of CoFi: with its teacher, resumed, and smaller without what trained it."""

import pytest
import torch

from finegates.jobs.worker import execute
from finegates.shrinking.shrink import shrink
from finegates.training.restore import restore_model
from tests.toy_models import toy_inputs
from tests.training.stopping import stopped_and_resumed

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_taught_run_goes_on_as_it_was_and_its_smaller_model_has_no_map(make_run):
    dense = make_run(method="full", epochs=1)
    assert execute(dense, "cpu").state == "finished"
    whole, broken = (
        make_run(method="cofi", start_from=dense.id, target_sparsity=0.4, epochs=2)
        for _ in range(2)
    )
    status = execute(whole, "cpu")
    assert status.state == "finished", status.reason
    assert status.removed_weights_fraction == pytest.approx(0.4, abs=0.05)  # a toy's heads
    assert stopped_and_resumed(broken, 5).state == "finished"
    model, again = restore_model(whole)[0], restore_model(broken)[0]
    assert not any("layer_map" in name for name in model.state_dict())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    with torch.no_grad():
        logits, smaller = model(**toy_inputs()).logits, shrink(model)(**toy_inputs()).logits
    assert torch.allclose(logits, smaller, atol=1e-5)
