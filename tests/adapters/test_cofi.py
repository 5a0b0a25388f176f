"""CoFi's layerwise distillation, against its formula by hand."""

import pytest
import torch

from finegates.adapters import attach_adapter, attach_aids, drop_aids, hooks_of
from finegates.adapters.cofi import matched_layers, taught_layers
from finegates.errors import SpecError
from finegates.models.parameters import method_params
from finegates.models.teaching import told_of_no_teacher
from finegates.nn.attach import attach_gates
from finegates.spec import make_spec
from tests.toy_models import toy_inputs, toy_model, with_closed

TAUGHT = {"method": "cofi", "start_from": "a-run"}
UNITS = ("heads", "neurons", "sublayers", "hidden")


def states(model, **more):
    return model(**toy_inputs(), output_hidden_states=True, **more).hidden_states


def student(closed):
    """A toy of 4 layers whose map has moved, its hooks, and a teacher of other weights."""
    spec = make_spec(TAUGHT)
    model = with_closed(toy_model(num_hidden_layers=4), UNITS, closed)
    (weight, bias) = attach_aids(model, spec)
    torch.manual_seed(3)
    with torch.no_grad():
        weight += 0.1 * torch.randn_like(weight)
        bias += 0.1 * torch.randn_like(bias)
    return model, hooks_of(model, spec), toy_model(seed=5, num_hidden_layers=4), (weight, bias)


@pytest.mark.parametrize("layers", [(), (1, 3)])
def test_the_loss_is_the_sum_of_squares_to_the_nearest_layers_from_the_top_down(layers):
    closed = {f"{layer}.sublayers.attention": [0] for layer in layers}
    model, hooks, teacher, (weight, bias) = student(closed)
    with torch.no_grad():
        ours, theirs = states(model), states(teacher)
        mask = toy_inputs()["attention_mask"].bool()
        loss = hooks.hidden_loss(ours, theirs, mask)
        expected, last = 0.0, 4
        for layer in (4, 3, 2, 1):
            far = [
                float(((h @ weight.T + bias - theirs[layer]) ** 2)[mask].mean()) for h in ours[1:]
            ]
            left = [number for number in range(last) if number not in layers]
            last = min(left, key=far.__getitem__) if left else last
            expected += far[last]
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_layers_are_matched_in_order_and_closed_ones_are_not():
    distances = torch.tensor([[1.0, 2.0, 3.0], [3.0, 0.5, 2.0], [0.1, 2.0, 1.0]])
    assert matched_layers(distances, [True] * 3) == [0, 0, 0]
    assert matched_layers(distances[:2], [True] * 3) == [0, 1]
    assert matched_layers(distances, [False, True, True]) == [1, 1, 2]
    assert matched_layers(distances, [False] * 3) == [2, 2, 2]
    assert [taught_layers(n) for n in (12, 6, 2, 1)] == [[3, 6, 9, 12], [2, 3, 5, 6], [1, 2], [1]]


def test_the_map_is_the_identity_at_first_trained_counted_and_dropped():
    model, spec = toy_model(), make_spec(TAUGHT)
    gates = attach_gates(model, spec.gate_law, units=spec.gate_units)
    dense, plain = set(model.state_dict()), states(model)
    weights = attach_adapter(model, spec)
    aids = attach_aids(model, spec)
    torch.testing.assert_close(model.layer_map(plain[1]), plain[1])
    assert {"layer_map.weight", "layer_map.bias"} == set(model.state_dict()) - dense
    trained = sum(p.numel() for p in (*weights, *aids)) + gates.layout.num_gates
    assert trained == method_params(spec, model.config.to_dict())
    drop_aids(model)
    assert set(model.state_dict()) == dense


def test_a_run_without_a_teacher_is_told_so_and_has_no_map():
    spec = make_spec({"method": "cofi"})
    assert spec.teacher is None and not spec.hidden_distillation_weight
    assert "learns from the labels alone" in told_of_no_teacher(spec)
    assert told_of_no_teacher(make_spec(TAUGHT)) == "" == told_of_no_teacher(make_spec({}))
    assert attach_aids(toy_model(), spec) == []
    other = make_spec({"method": "cofi", "teacher": "a-run"})
    assert (other.teacher, other.distillation_weight) == ("a-run", 1.0)


def test_a_map_is_trained_by_one_process():
    with pytest.raises(SpecError, match="num_processes is 2, but 'cofi' trains a map"):
        make_spec({**TAUGHT, "num_processes": 2})
