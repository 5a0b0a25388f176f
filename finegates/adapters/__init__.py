"""How the dense methods change a model: one file for each technique, one registry.

A method names its technique in `finegates.methods.method.Method.adapter`. Everything random comes
from torch's global generator, so the same seed makes the same model again; what is random and
frozen is in its ``state_dict``, but for VeRA's matrices, which have a seed of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from torch.optim import Optimizer
from transformers import PreTrainedModel

from finegates.adapters.adamix import attach_adamix
from finegates.adapters.adamix_lora import attach_adamix_lora
from finegates.adapters.aids import Aid, drop_aids
from finegates.adapters.cofi import LayerwiseHooks
from finegates.adapters.compacter import attach_compacter
from finegates.adapters.consistency import Consistency
from finegates.adapters.dynamic_subset import SubsetHooks, attach_subset
from finegates.adapters.ether import attach_ether
from finegates.adapters.ether_plus import attach_ether_plus
from finegates.adapters.full import attach_full
from finegates.adapters.hooks import Hooks, Moment
from finegates.adapters.layer import AdapterLayer, SharedFactors
from finegates.adapters.lora_xs import attach_lora_xs
from finegates.adapters.loretta_adp import attach_loretta_adp
from finegates.adapters.loretta_rep import attach_loretta_rep
from finegates.adapters.lorta import attach_lorta
from finegates.adapters.melora import attach_melora
from finegates.adapters.peft_layers import (
    attach_lora,
    attach_lora_fa,
    attach_vera,
    lora_fa_optimizer,
    merged_peft_layer,
)
from finegates.adapters.polar import Landing, attach_polar
from finegates.adapters.sara import SaraHooks, attach_sara
from finegates.adapters.shears import ShearsHooks, attach_shears
from finegates.adapters.sparta import SPARTA_BETAS, attach_sparta
from finegates.errors import SpecError
from finegates.gates.layout import GateLayout
from finegates.methods import METHODS
from finegates.models.architectures import layout_of_config
from finegates.nn.model_parts import train_head_only
from finegates.spec import RunSpec

Attach = Callable[[PreTrainedModel, GateLayout, RunSpec], list[nn.Parameter]]
ADAM_BETAS = (0.9, 0.999)


@dataclass(frozen=True)
class Adapter:
    """A technique.

    Attributes:
        attach: Puts it on a model and returns what trains at the adapter's rate.
        needs_rank: Whether ``lora_rank`` must be 1 or more.
        hooks: What it does around a training step.
        betas: AdamW's.
        optimizer: Makes its own optimizer of parameter groups; AdamW if None.
    """

    attach: Attach
    needs_rank: bool = False
    hooks: Callable[[PreTrainedModel, RunSpec], Hooks] = lambda model, _: Hooks(model)
    betas: tuple[float, float] = ADAM_BETAS
    optimizer: Callable[[Sequence[Mapping[str, Any]], PreTrainedModel], Optimizer] | None = None


ADAPTERS: dict[str, Adapter] = {
    "full": Adapter(lambda model, _, __: attach_full(model)),
    "lora": Adapter(
        lambda model, layout, s: attach_lora(model, layout, s.lora_rank, s.lora_alpha),
        needs_rank=True,
    ),
    "lora-fa": Adapter(
        lambda model, layout, s: attach_lora_fa(model, layout, s.lora_rank, s.lora_alpha),
        needs_rank=True,
        optimizer=lora_fa_optimizer,
    ),
    "vera": Adapter(
        lambda model, layout, s: attach_vera(model, layout, s.lora_rank), needs_rank=True
    ),
    "lora-xs": Adapter(
        lambda model, layout, s: attach_lora_xs(model, layout, s.lora_rank, s.lora_alpha),
        needs_rank=True,
    ),
    "sparta": Adapter(
        lambda model, layout, s: attach_sparta(model, layout, s.sparta_density), betas=SPARTA_BETAS
    ),
    "compacter": Adapter(
        lambda model, layout, s: attach_compacter(
            model, layout, s.compacter_terms, s.compacter_reduction
        )
    ),
    "ether": Adapter(lambda model, layout, _: attach_ether(model, layout)),
    "ether+": Adapter(lambda model, layout, _: attach_ether_plus(model, layout)),
    "melora": Adapter(
        lambda model, layout, s: attach_melora(
            model, layout, s.lora_rank, s.lora_alpha, s.melora_blocks
        ),
        needs_rank=True,
    ),
    "polar": Adapter(
        lambda model, layout, s: attach_polar(model, layout, s.lora_rank, s.lora_alpha),
        needs_rank=True,
        hooks=lambda model, s: Landing(model, s.polar_penalty),
    ),
    "lorta": Adapter(
        lambda model, layout, s: attach_lorta(model, layout, s.lora_rank, s.lora_alpha),
        needs_rank=True,
    ),
    "loretta-adp": Adapter(
        lambda model, layout, s: attach_loretta_adp(
            model, layout, s.bottleneck_width, s.tensor_train_rank
        )
    ),
    "loretta-rep": Adapter(
        lambda model, layout, s: attach_loretta_rep(
            model, layout, s.lora_rank, s.lora_alpha, s.tensor_train_rank
        ),
        needs_rank=True,
    ),
    "adamix": Adapter(
        lambda model, layout, s: attach_adamix(model, layout, s.bottleneck_width, s.num_experts),
        hooks=lambda model, _: Consistency(model),
    ),
    "adamix-lora": Adapter(
        lambda model, layout, s: attach_adamix_lora(
            model, layout, s.lora_rank, s.lora_alpha, s.num_experts
        ),
        needs_rank=True,
        hooks=lambda model, _: Consistency(model),
    ),
    "sara": Adapter(
        lambda model, layout, s: attach_sara(model, layout, s.sparta_density), hooks=SaraHooks
    ),
    "dynamic-subset": Adapter(
        lambda model, layout, s: attach_subset(model, layout, s.sparta_density), hooks=SubsetHooks
    ),
    "shears": Adapter(
        lambda model, layout, s: attach_shears(model, layout, s.lora_rank, s.lora_alpha),
        needs_rank=True,
        hooks=ShearsHooks,
    ),
}
"""`Method.adapter` -> what attaches and trains it."""
_NONE = Adapter(lambda *_: [])


def adapter_of(spec: RunSpec) -> Adapter:
    """The technique of a spec's method; one that does nothing where the method has none."""
    return ADAPTERS.get(METHODS[spec.method].adapter, _NONE)


HOOKS: dict[str, type[Hooks]] = {"layerwise": LayerwiseHooks}
"""`Method.hooks` -> what a method does around a step that its adapter does not."""


def hooks_of(model: PreTrainedModel, spec: RunSpec) -> Hooks:
    """What the spec's method does around a training step: its own, or its adapter's."""
    own = METHODS[spec.method].hooks
    return HOOKS[own](model) if own else adapter_of(spec).hooks(model, spec)


def attach_aids(model: PreTrainedModel, spec: RunSpec) -> list[nn.Parameter]:
    """Puts on a model what its method's own hooks need; returns what of it is trained."""
    own = METHODS[spec.method].hooks
    return HOOKS[own].attach(model, spec) if own else []


def attach_adapter(model: PreTrainedModel, spec: RunSpec) -> list[nn.Parameter]:
    """Freezes everything but the head and attaches the adapter of ``spec.method``, in place.

    Args:
        model: A ``...ForSequenceClassification`` of a supported type. If it carries gates, they
            stay and are not trained.
        spec: Method, targets and sizes; the method must have an adapter.

    Returns:
        The parameters trained at the adapter's rate, in the order of the model; neither the head's
        nor the layer norms', unless everything is trained.

    Raises:
        ModelError: If the type is not supported, no target matches, or a size does not fit.
        SpecError: If the adapter needs a rank and there is none.
    """
    adapter = adapter_of(spec)
    if adapter.needs_rank and spec.lora_rank < 1:
        raise SpecError(f"lora_rank is 0, but '{spec.method}' needs a rank; set it to 1 or more.")
    layout = layout_of_config(model.config.to_dict(), spec.target_modules)
    trained = adapter.attach(model, layout, spec)
    train_head_only(model)  # after attaching: peft freezes the head
    for parameter in trained:
        parameter.requires_grad_(True)
    return trained


def merge_adapters(model: PreTrainedModel) -> None:
    """Folds every adapter into its Linear and takes it off, in place.

    In evaluation the logits are the same, and the model has its original modules again.

    Raises:
        ModelError: For adapters that are not linear, as Compacter's; the model is left as it was.
    """
    for path, layer in list(model.named_modules()):
        if isinstance(layer, (AdapterLayer, BaseTunerLayer)):
            parent, _, name = path.rpartition(".")
            linear = layer.merged() if isinstance(layer, AdapterLayer) else merged_peft_layer(layer)
            setattr(model.get_submodule(parent), name, linear)
    for name, module in list(model.named_children()):
        if isinstance(module, SharedFactors):
            delattr(model, name)


__all__ = [
    "ADAPTERS", "HOOKS", "Aid", "Hooks", "Moment", "adapter_of", "attach_adapter", "attach_aids",
    "drop_aids", "hooks_of", "merge_adapters",
]  # fmt: skip
