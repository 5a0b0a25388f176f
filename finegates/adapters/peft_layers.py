"""LoRA, LoRA-FA and VeRA by peft, and LoRA-FA's optimizer over our parameter groups."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from peft import LoraConfig, VeraConfig, inject_adapter_in_model
from peft.optimizers.lorafa import LoraFAOptimizer
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.tuners.vera import VeraLayer, VeraModel
from torch import Tensor, nn
from torch.optim import Optimizer
from transformers import PreTrainedModel

from finegates.gates.layout import GateLayout
from finegates.nn.model_parts import locate

VERA_INITIAL_D = 0.1
"""arXiv 2310.11454, section 4: the value of d at the start."""
VERA_PROJECTION_SEED = 0
"""peft's. VeRA's frozen A and B are made from it again, the same in every model, so not saved."""
ADAPTER_NAME = "default"
"""Of each adapter, as peft names the only one of a model."""


def attach_lora(
    model: PreTrainedModel, layout: GateLayout, rank: int, alpha: float
) -> list[nn.Parameter]:
    """Puts ``W x + (alpha / r) B A x`` on the matrices of a layout (arXiv 2106.09685).

    A is random (Kaiming uniform), B is 0 at the start. No dropout, no biases.

    Returns:
        A and B of every matrix.
    """
    paths = matrix_paths(model, layout)
    # peft declares an int, but divides only
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=paths)  # type: ignore[arg-type]
    inject_adapter_in_model(config, model, ADAPTER_NAME)
    del model.peft_config
    return [p for layer in _lora_layers(model) for p in _factors(layer)]


def attach_lora_fa(
    model: PreTrainedModel, layout: GateLayout, rank: int, alpha: float
) -> list[nn.Parameter]:
    """As `attach_lora`, with A frozen at random (arXiv 2308.03303).

    Returns:
        B of every matrix; `lora_fa_optimizer` finds the A.
    """
    attach_lora(model, layout, rank, alpha)
    pairs = [_factors(layer) for layer in _lora_layers(model)]
    for a, _ in pairs:
        a.requires_grad_(False)
    return [b for _, b in pairs]


def attach_vera(model: PreTrainedModel, layout: GateLayout, rank: int) -> list[nn.Parameter]:
    """Puts ``W x + diag(b) B diag(d) A x`` on the matrices of a layout (arXiv 2310.11454).

    A and B are random, frozen and shared by all matrices; b is 0 at the start, d is 0.1.

    Returns:
        b, of the width of the outputs, and d, of the rank, of every matrix.
    """
    with warnings.catch_warnings():  # peft warns that A and B are not saved: see above
        warnings.simplefilter("ignore")
        config = VeraConfig(
            r=rank,
            target_modules=matrix_paths(model, layout),
            d_initial=VERA_INITIAL_D,
            projection_prng_key=VERA_PROJECTION_SEED,
            save_projection=False,
        )
    # inject_adapter_in_model refuses tuners with shared matrices, as peft would lose them with the
    # tuner. Here every layer keeps a reference, and nothing else of the tuner is needed.
    VeraModel(model, config, ADAPTER_NAME)
    del model.peft_config
    layers = [m for m in model.modules() if isinstance(m, VeraLayer)]
    return [
        p for m in layers for p in (m.vera_lambda_b[ADAPTER_NAME], m.vera_lambda_d[ADAPTER_NAME])
    ]


def merged_peft_layer(layer: BaseTunerLayer) -> nn.Linear:
    """The wrapped Linear with the adapter folded into its weight."""
    layer.merge()
    base = layer.get_base_layer()
    assert isinstance(base, nn.Linear)
    return base


class _LoraFA(LoraFAOptimizer):
    """peft's, able to resume on a GPU: its state has names, and torch moves only parameters'."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the state on the parameters' device."""
        super().load_state_dict(state_dict)
        device = self.param_groups[0]["params"][0].device
        for name, state in self.state.items():
            self.state[name] = {
                k: v.to(device) if isinstance(v, Tensor) else v for k, v in state.items()
            }


def lora_fa_optimizer(groups: Sequence[Mapping[str, Any]], model: PreTrainedModel) -> Optimizer:
    """LoRA-FA's optimizer: AdamW on ``(A A^T)^-1 / scale^2`` times B's gradient (arXiv 2308.03303).

    Args:
        groups: Parameter groups, each with ``name``, ``params``, ``lr`` and ``weight_decay``. A B
            of the model brings its A along, which no step changes; whatever is not of LoRA is
            trained by peft's AdamW.
        model: Where the parameters are.

    Returns:
        An optimizer with those groups, its state under the model's names.
    """
    names = {id(p): name for name, p in model.named_parameters()}
    layers = {id(_factors(layer)[1]): layer for layer in _lora_layers(model)}
    described: list[Any] = [_group_with_factors(group, names, layers) for group in groups]
    return _LoraFA(described)


def _group_with_factors(
    group: Mapping[str, Any], names: Mapping[int, str], layers: Mapping[int, LoraLayer]
) -> dict[str, Any]:
    """A group as peft's optimizer reads it: A before its B, a name and a scale for each."""
    parameters: list[nn.Parameter] = []
    scales: list[float | None] = []
    for parameter in group["params"]:
        layer = layers.get(id(parameter))
        added = (parameter,) if layer is None else _factors(layer)
        parameters += added
        scales += [None if layer is None else layer.scaling[ADAPTER_NAME]] * len(added)
    return {
        **group,
        "params": parameters,
        "names": [names[id(p)] for p in parameters],
        "scaling_factors": scales,
    }


def _lora_layers(model: nn.Module) -> Iterator[LoraLayer]:
    return (m for m in model.modules() if isinstance(m, LoraLayer))


def _factors(layer: LoraLayer) -> tuple[nn.Parameter, nn.Parameter]:
    """A, shape ``(r, in_features)``, and B, shape ``(out_features, r)``."""
    a, b = layer.lora_A[ADAPTER_NAME].weight, layer.lora_B[ADAPTER_NAME].weight
    assert isinstance(a, nn.Parameter) and isinstance(b, nn.Parameter)
    return a, b


def matrix_paths(model: PreTrainedModel, layout: GateLayout) -> list[str]:
    """Full dotted paths of a layout's matrices: peft matches by the end of a path."""
    located = (locate(model, matrix) for matrix in layout.matrices)
    wanted = {id(getattr(parent, name)) for parent, name in located}
    return [path for path, module in model.named_modules() if id(module) in wanted]
