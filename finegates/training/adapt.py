"""Makes a pretrained classifier what a method trains: gates, updates, adapters, the rest frozen."""

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from finegates.adapters import attach_adapter, attach_aids
from finegates.gates.laws import make_law
from finegates.methods import METHODS
from finegates.methods.method import LEARNED
from finegates.nn.attach import GATES_STATE, attach_gates, gates_of
from finegates.nn.gated_linear import LowRank
from finegates.nn.gates import Gates
from finegates.nn.magnitude import order_by_magnitude
from finegates.nn.model_parts import layer_norms
from finegates.spec import RunSpec


@dataclass(frozen=True)
class Adapted:
    """What a method made of a model.

    Attributes:
        gates: Its gates; None for a dense method.
        adapter_parameters: Trained at the adapter's rate.
        own_names: Tensors of the model's state that the pretrained weights do not give: trained
            ones, frozen random ones of adapters, and all where the run started from another run.
    """

    gates: Gates | None
    adapter_parameters: list[nn.Parameter]
    own_names: tuple[str, ...]


def adapt(model: PreTrainedModel, spec: RunSpec) -> Adapted:
    """Changes a model in place as the spec's method asks.

    Raises:
        ModelError: If the type is not supported or no target matches.
    """
    method = METHODS[spec.method]
    pretrained = model.state_dict()  # held: nothing made below gets the memory of one of them
    gates = _gate(model, spec) if method.removes else None
    adapter = attach_adapter(model, spec) if method.adapter else _low_rank_parameters(model)
    adapter = [*adapter, *attach_aids(model, spec)]
    if gates is not None and method.gates == LEARNED:  # an adapter freezes all but itself
        gates.parameter.requires_grad_(True)
    for norm in layer_norms(model) if spec.train_layer_norms else ():
        norm.requires_grad_(True)
    if gates is not None and method.gates != LEARNED:  # anew when it is closed; until then open
        order_by_magnitude(model, gates)
    if spec.dropout is not None:
        set_dropout(model, spec.dropout)
    _train_in_float32(model)
    state = model.state_dict(keep_vars=True)
    state.pop(GATES_STATE, None)
    known = {tensor.data_ptr() for tensor in pretrained.values()}
    own = (
        n
        for n, t in state.items()
        if spec.starts_from_a_run or t.requires_grad or t.data_ptr() not in known
    )
    return Adapted(gates, adapter, tuple(own))


def _train_in_float32(model: PreTrainedModel) -> None:
    """What is trained: small steps would be lost in the precision that the rest may be held in."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def adapted_by_gates(model: PreTrainedModel) -> Adapted:
    """What `finegates.nn.attach.attach_gates` alone made of a model.

    Raises:
        ModelError: If the model carries no gates.
    """
    return Adapted(gates_of(model), _low_rank_parameters(model), ())


def set_dropout(model: PreTrainedModel, probability: float) -> None:
    """Gives every dropout of a model, attention's too, one probability."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability


def _gate(model: PreTrainedModel, spec: RunSpec) -> Gates:
    return attach_gates(
        model,
        make_law(spec.gate_law, spec.gate_sampling_sigma),
        target_modules=spec.target_modules,
        sides=spec.gate_sides,
        units=spec.gate_units,
        uniform=spec.is_uniform,
        multiple=spec.gate_multiple,
        train_biases=spec.train_biases,
        lora_rank=spec.lora_rank,
        lora_alpha=spec.lora_alpha,
        lora_place=spec.lora_place,
    )


def _low_rank_parameters(model: PreTrainedModel) -> list[nn.Parameter]:
    return [p for m in model.modules() if isinstance(m, LowRank) for p in m.parameters()]
