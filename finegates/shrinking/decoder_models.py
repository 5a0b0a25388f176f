"""Shrunk decoders as Hugging Face classes: base, classifier and causal language model of a type.

As in `finegates.shrinking.models`; embeddings, norms, angles, masks, loss and generation are the
dense class's own. transformers' classifiers make their base by its config, so that base is shrunk,
too.
"""

from typing import Any

import transformers
from torch import nn
from transformers import AutoModel, PreTrainedConfig

from finegates.models.architectures import ARCHITECTURES, Architecture, architecture_of
from finegates.shrinking.decoder_layers import (
    NoAttention,
    ShrunkGatedFeedForward,
    ShrunkGroupedAttention,
)
from finegates.shrinking.layers import Constant
from finegates.shrinking.loading import dense_type
from finegates.shrinking.models import Shrunk, config_class
from finegates.shrinking.plan import (
    DENSE,
    FeedForwardPlan,
    GroupedAttentionPlan,
    LayerPlan,
)

BASE, CLASSIFIER, LANGUAGE_MODEL = "Model", "ForSequenceClassification", "ForCausalLM"
"""How the names of the three classes of a type end."""


class ShrunkDecoder(Shrunk):
    """What all shrunk decoders share."""

    _can_compile_fullgraph = False

    def lay_out(self, plans: list[LayerPlan], width: int) -> None:
        """Replaces the sublayers that are not dense, unless the model's base has done so."""
        base: Any = self.base_model
        if base is not self and isinstance(base, ShrunkDecoder):
            return
        architecture = architecture_of(dense_type(self.config.model_type))
        layers: Any = base.layers
        for layer, plan in zip(layers, plans, strict=True):
            _put_in(layer, plan, architecture, width)


def _put_in(layer: nn.Module, plan: LayerPlan, architecture: Architecture, width: int) -> None:
    attention = layer.get_submodule(architecture.attention)
    if isinstance(plan.attention, GroupedAttentionPlan):
        new: nn.Module = ShrunkGroupedAttention(plan.attention, attention, width)
        setattr(layer, architecture.attention, new)
    elif plan.attention != DENSE:
        setattr(layer, architecture.attention, NoAttention(attention, width))
    activation: Any = layer.get_submodule(architecture.feed_forward).act_fn
    if isinstance(plan.feed_forward, FeedForwardPlan):
        new = ShrunkGatedFeedForward(plan.feed_forward, activation, width)
        setattr(layer, architecture.feed_forward, new)
    elif plan.feed_forward != DENSE:
        setattr(layer, architecture.feed_forward, Constant(width))


def family(model_type: str) -> dict[str, type]:
    """Name -> class: of the configs of a type's shrunk models, and of its three models.

    They are to be bound to these names in this module, or neither pickle nor Auto classes find
    them. The base is registered, as transformers' classifiers look up the class of theirs.
    """
    dense: type[PreTrainedConfig] = transformers.CONFIG_MAPPING[model_type]
    config: Any = config_class(dense, __name__)
    config.base_model_tp_plan = config.base_model_pp_plan = None  # of modules that may be gone
    classes: dict[str, Any] = {config.__name__: config}
    what = dense.__name__.removesuffix("Config").removesuffix("Text")
    for kind in (BASE, CLASSIFIER, LANGUAGE_MODEL):
        name = _name(what, kind)
        content: dict[str, Any] = {
            "__doc__": f"A {what} without what its gates closed.",
            "__module__": __name__,
            "config_class": config,
            "_tp_plan": None,
            "_pp_plan": None,
        }
        classes[f"Shrunk{name}"] = type(
            f"Shrunk{name}", (ShrunkDecoder, getattr(transformers, name)), content
        )
    base = classes[f"Shrunk{_name(what, BASE)}"]
    AutoModel.register(config, base, exist_ok=True)
    return classes


def _name(what: str, kind: str) -> str:
    """transformers' name; the text part of Gemma 3 is named so but for its language model."""
    text = "Text" if what == "Gemma3" and kind != LANGUAGE_MODEL else ""
    return f"{what}{text}{kind}"


_FAMILIES = [family(kind) for kind, row in ARCHITECTURES.items() if row.is_decoder]
for _classes in _FAMILIES:
    globals().update(_classes)
DECODERS: tuple[type[ShrunkDecoder], ...] = tuple(
    one for classes in _FAMILIES for one in classes.values() if issubclass(one, ShrunkDecoder)
)
"""Every class of a shrunk decoder."""
