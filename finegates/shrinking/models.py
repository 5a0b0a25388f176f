"""Shrunk models as Hugging Face classes: the dense class of a type, with sublayers by its plan.

Embeddings, norms, pooler, head, loss and masks are the dense class's own. `finegates.auto`
registers the classes.
"""

from dataclasses import asdict
from typing import Any

from transformers import (
    BertForSequenceClassification,
    CamembertForSequenceClassification,
    DistilBertForSequenceClassification,
    ElectraForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaForSequenceClassification,
    XLMRobertaForSequenceClassification,
)

from finegates.models.architectures import SHRUNK_PREFIX, architecture_of
from finegates.shrinking.loading import dense_type, load_whole, plans_of, stream_width
from finegates.shrinking.modules import put_in_plans
from finegates.shrinking.narrow import keep_dimensions
from finegates.shrinking.plan import LayerPlan, Needs

_CODE = ("auto_map", "custom_pipelines")
"""What names code of the dense model's folder, which does not go with a shrunk one."""


def shrunk_config(
    dense: PreTrainedConfig,
    kind: "type[Shrunk]",
    plans: list[LayerPlan],
    needs: list[Needs],
    hidden: int,
) -> PreTrainedConfig:
    """The config of a shrunk model: the dense one's, and what its layers are and need.

    Args:
        dense: The dense one's; head widths and what is costed follow from its sizes.
        kind: The class of the shrunk model.
        plans: Of the layers.
        needs: The same.
        hidden: Dimensions of the residual stream that are left.
    """
    own = ("model_type", "architectures", "transformers_version", *_CODE)
    content = {name: value for name, value in dense.to_dict().items() if name not in own}
    if content.get("chunk_size_feed_forward"):  # or it reads no length but multiples of it
        content["chunk_size_feed_forward"] = 0
    if content.get("sinusoidal_pos_embds"):  # positions are in the weights; none is drawn anew
        content["sinusoidal_pos_embds"] = False
    layers, least = ([asdict(one) for one in every] for every in (plans, needs))
    make: Any = kind.config_class
    config = make(**content, shrunk_layers=layers, shrunk_needs=least)
    if hidden < stream_width(config):
        config.shrunk_hidden = hidden
    return config


class Shrunk(PreTrainedModel):
    """What all shrunk classes share: sublayers by plan, attention by torch's fused kernel."""

    _supports_flash_attn = False
    _supports_flex_attn = False
    _supports_attention_backend = False

    def __init__(self, config: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        plans, width = plans_of(config), stream_width(config)
        if width < config.hidden_size:
            keep_dimensions(self, slice(width), architecture_of(dense_type(config.model_type)))
        self.lay_out(plans, width)

    def lay_out(self, plans: list[LayerPlan], width: int) -> None:
        """Replaces the sublayers that are not dense; ``width`` is the residual stream's."""
        put_in_plans(self, plans, architecture_of(dense_type(self.config.model_type)), width)

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: Any, *model_args: Any, **options: Any
    ) -> Any:
        """As of every model of transformers, but nothing is filled in at random.

        Args:
            pretrained_model_name_or_path: A folder or hub id; None if ``state_dict`` has the
                weights.
            model_args: As of transformers.
            options: As of transformers; ``ignore_mismatched_sizes`` is for a new head.

        Raises:
            ModelError: If what is at the source is not a whole shrunk model.
        """
        source, inherited = pretrained_model_name_or_path, super().from_pretrained
        if source is None:
            return inherited(None, *model_args, **options)
        wants_report = options.pop("output_loading_info", False)
        kind: Any = cls.config_class

        def load(**wanted: Any) -> Any:
            return inherited(source, *model_args, **wanted)

        model, report = load_whole(load, source, kind.model_type, options)
        return (model, report) if wants_report else model


def config_class(dense: Any, module: str) -> Any:
    """The class of the configs of shrunk models, to be bound to its name in a module.

    Args:
        dense: The class of the dense models' configs.
        module: Its name.
    """
    what = dense.__name__.removesuffix("Config")
    fields = {
        "shrunk_layers": list | None, "shrunk_needs": list | None, "shrunk_hidden": int | None,
    }  # fmt: skip
    content: dict[str, Any] = {
        "__doc__": f"A {what} whose layers are laid out by ``shrunk_layers``.",
        "__module__": module,
        "__annotations__": fields,
        "model_type": SHRUNK_PREFIX + dense.model_type,
        **dict.fromkeys(fields),
    }
    return type(f"Shrunk{what}Config", (dense,), content)


def _pair(dense: Any) -> tuple[Any, Any]:
    """Config and class of the shrunk models of a dense classifier, to be bound to their names."""
    what = dense.__name__.removesuffix("ForSequenceClassification")
    config = config_class(dense.config_class, __name__)
    content = {
        "__doc__": f"A {what} classifier without what its gates closed.",
        "__module__": __name__,
        "config_class": config,
    }
    return config, type(f"Shrunk{dense.__name__}", (Shrunk, dense), content)


# A module-level name for each, or neither pickle nor the Auto classes could name them.
ShrunkBertConfig, ShrunkBertForSequenceClassification = _pair(BertForSequenceClassification)
ShrunkRobertaConfig, ShrunkRobertaForSequenceClassification = _pair(
    RobertaForSequenceClassification
)
ShrunkXLMRobertaConfig, ShrunkXLMRobertaForSequenceClassification = _pair(
    XLMRobertaForSequenceClassification
)
ShrunkCamembertConfig, ShrunkCamembertForSequenceClassification = _pair(
    CamembertForSequenceClassification
)
ShrunkElectraConfig, ShrunkElectraForSequenceClassification = _pair(
    ElectraForSequenceClassification
)
ShrunkDistilBertConfig, ShrunkDistilBertForSequenceClassification = _pair(
    DistilBertForSequenceClassification
)

MODELS: dict[str, type[Shrunk]] = {
    dense_type(model.config_class.model_type): model
    for model in (
        ShrunkBertForSequenceClassification,
        ShrunkRobertaForSequenceClassification,
        ShrunkXLMRobertaForSequenceClassification,
        ShrunkCamembertForSequenceClassification,
        ShrunkElectraForSequenceClassification,
        ShrunkDistilBertForSequenceClassification,
    )
}
"""Dense model type -> the class of its shrunk models."""
