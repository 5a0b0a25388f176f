"""One table: model type -> where its layers, its gated matrices and its head are.

A new encoder or decoder is a row. Sizes come from the config: grouped key/value heads, and heads of
another width than the hidden size over their number. See ``docs/add-an-architecture.md``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from finegates.errors import ModelError, SpecError, shortened, unknown_name
from finegates.gates.layout import ROLES, GatedMatrix, GateLayout
from finegates.gates.units import (
    AUTO,
    HIDDEN,
    MATRICES,
    PAIRS,
    check_whole,
    chosen_units,
    decoder_roles,
    sides_of,
)

SHRUNK_PREFIX = "finegates-"
"""How the type of a model begins whose closed rows and columns were removed."""
_SIDES = {"both": ("in", "out"), "in": ("in",), "out": ("out",)}
_COUNTERS = (".position_ids", ".token_type_ids")
"""Constants that older versions of transformers saved."""
_USUAL_NAMES = {
    "hidden": "hidden_size",
    "intermediate": "intermediate_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "key_value_heads": "num_key_value_heads",
    "head_width": "head_dim",
}
_FUSED = ("phi3", "chatglm", "glm", "glm4", "gpt_neox", "gpt2", "falcon", "bloom", "mpt")
"""Types that hold several of these matrices in one Linear."""


@dataclass(frozen=True)
class Architecture:
    """Where things are in one model type.

    Attributes:
        model_type: ``config.model_type``.
        layers: Dotted path from the model to its list of layers.
        roles: Role -> dotted path of the Linear from its layer.
        attention: Dotted path of the module that computes attention, from its layer.
        head: Dotted paths of the modules that are trained in full.
        starts: Dotted paths of what may put out the residual stream first: the first of them that a
            model has. A norm, with the embeddings beside it, or a Linear after them.
        norms: Dotted paths of the norms that put it out after each sublayer, from their layer.
        reader: Dotted path of the Linear that reads it after the last layer.
        config_names: What the config calls each size.
        normed_scores: Whether queries and keys are normed, each over its head, before they meet.
        biased: Roles whose Linear has a bias whatever the config says; None for all.
    """

    model_type: str
    layers: str
    roles: Mapping[str, str]
    head: tuple[str, ...]
    starts: tuple[str, ...]
    reader: str
    norms: tuple[str, ...] = ("attention.output.LayerNorm", "output.LayerNorm")
    attention: str = "attention.self"
    config_names: Mapping[str, str] = field(default_factory=lambda: _USUAL_NAMES)
    normed_scores: bool = False
    biased: tuple[str, ...] | None = None

    @property
    def is_decoder(self) -> bool:
        """Whether it reads from left to right, as `finegates.gates.units.decoder_roles` says."""
        return "down" in self.roles

    @property
    def default_units(self) -> tuple[str, ...]:
        """What a gate stands for if nothing is said.

        A decoder's are structures within its sublayers: closed rows of single matrices buy it
        nearly nothing, and its residual stream is what it can spare least (docs/decoders.md).
        """
        if not self.is_decoder:
            return (MATRICES,)
        return ("neurons", "values", "heads" if self.normed_scores else PAIRS)

    def in_encoder(self, tensor: str) -> bool:
        """Whether a tensor of a checkpoint is of embeddings or layers, not of a pooler or a head.

        Args:
            tensor: Its name, with or without the name that the classifier has for its encoder.
        """
        model, stack, *_ = self.layers.split(".")
        name = tensor.removeprefix(f"{model}.")
        if name.startswith("pooler.") or name.endswith(_COUNTERS):
            return False
        return name != tensor or name.startswith((f"{stack}.", "embed"))

    @property
    def attention_projects(self) -> bool:
        """Whether the module that computes attention holds the output matrix o, too."""
        return self.roles["o"].startswith(f"{self.attention}.")

    @property
    def feed_forward(self) -> str:
        """Dotted path of the module that holds a decoder's gate, up and down, from its layer."""
        return self.roles["down"].rpartition(".")[0]

    def has_bias(self, config: Mapping[str, Any], role: str) -> bool:
        """Whether the Linear of a role has a bias."""
        if self.biased is None or role in self.biased:
            return True
        return bool(config.get("attention_bias" if role in "qkvo" else "mlp_bias"))

    def size(self, config: Mapping[str, Any], what: str) -> int:
        """A size from the config; key/value heads fall back to the heads, so does their width."""
        name = self.config_names.get(what, "")
        if what == "head_width" and not (self.is_decoder and config.get(name)):
            return self.size(config, "hidden") // self.size(config, "heads")
        if what == "key_value_heads" and not config.get(name):
            name = self.config_names["heads"]
        if name not in config:
            raise ModelError(f"The config of this {self.model_type} model has no '{name}'.")
        value = config[name]
        if not isinstance(value, int) or value < 1:
            raise ModelError(f"The config has {name} = {value!r}; it has to be a whole number.")
        return value


_BERT_ROLES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "o": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}
_DISTILBERT_ROLES = {
    "q": "attention.q_lin",
    "k": "attention.k_lin",
    "v": "attention.v_lin",
    "o": "attention.out_lin",
    "intermediate": "ffn.lin1",
    "output": "ffn.lin2",
}
_DISTILBERT_NAMES = {
    "hidden": "dim", "intermediate": "hidden_dim", "layers": "n_layers", "heads": "n_heads",
}  # fmt: skip
_DECODER_ROLES = {
    **{role: f"self_attn.{role}_proj" for role in "qkvo"},
    **{role: f"mlp.{role}_proj" for role in ("gate", "up", "down")},
}
_NORMS = ("input_layernorm", "post_attention_layernorm")
_NORMS_OF_GEMMA_3 = (*_NORMS, "pre_feedforward_layernorm", "post_feedforward_layernorm")


def _decoder(
    model_type: str,
    norms: tuple[str, ...] = _NORMS,
    *,
    normed_scores: bool = False,
    biased: tuple[str, ...] = (),
) -> Architecture:
    return Architecture(
        model_type, "model.layers", _DECODER_ROLES, ("score",), ("model.embed_tokens",), "score",
        norms, "self_attn", normed_scores=normed_scores, biased=biased,
    )  # fmt: skip


_LIKE_ROBERTA = (
    "roberta.encoder.layer", _BERT_ROLES, ("classifier",),
    ("roberta.embeddings.LayerNorm",), "classifier.dense",
)  # fmt: skip

ARCHITECTURES: dict[str, Architecture] = {
    a.model_type: a
    for a in (
        Architecture(
            "bert", "bert.encoder.layer", _BERT_ROLES, ("classifier",),
            ("bert.embeddings.LayerNorm",), "bert.pooler.dense",
        ),
        Architecture("roberta", *_LIKE_ROBERTA),
        Architecture("xlm-roberta", *_LIKE_ROBERTA),
        Architecture("camembert", *_LIKE_ROBERTA),
        Architecture(
            "electra", "electra.encoder.layer", _BERT_ROLES, ("classifier",),
            ("electra.embeddings_project", "electra.embeddings.LayerNorm"), "classifier.dense",
        ),
        Architecture(
            "distilbert", "distilbert.transformer.layer", _DISTILBERT_ROLES,
            ("pre_classifier", "classifier"), ("distilbert.embeddings.LayerNorm",),
            "pre_classifier", ("sa_layer_norm", "output_layer_norm"), "attention",
            _DISTILBERT_NAMES,
        ),
        *map(_decoder, ("llama", "mistral", "gemma", "smollm3")),
        _decoder("qwen2", biased=("q", "k", "v")),
        _decoder("qwen3", normed_scores=True),
        _decoder("gemma3_text", _NORMS_OF_GEMMA_3, normed_scores=True),
    )
}  # fmt: skip


def architecture_of(model_type: str) -> Architecture:
    """The row of a model type.

    Raises:
        ModelError: If it is not supported; all supported ones are named.
    """
    if model_type not in ARCHITECTURES:  # a config is written by programs: never a typing error
        why = ", as they hold several matrices in one" if model_type in _FUSED else ""
        raise ModelError(
            f"Models of type '{shortened(model_type)}' are not supported{why}; supported types are "
            f"{', '.join(ARCHITECTURES)}."
        )
    return ARCHITECTURES[model_type]


def is_decoder_type(model_type: Any) -> bool:
    """Whether models of a type read from left to right; False for what is not supported."""
    return model_type in ARCHITECTURES and ARCHITECTURES[model_type].is_decoder


def layout_of_config(
    config: Mapping[str, Any],
    target_modules: tuple[str, ...] = ROLES,
    sides: str = "both",
    units: Iterable[str] = (AUTO,),
    uniform: bool = False,
    multiple: int = 1,
) -> GateLayout:
    """Which gates a model of this config gets, from its sizes alone.

    Args:
        config: The content of a config.json.
        target_modules: Roles that carry gates.
        sides: ``both``, ``in`` or ``out``.
        units: What a gate stands for: ``auto`` (`default_units`), ``matrices``, or names and
            presets of structures, which need all roles and both sides.
        uniform: Whether every layer is to keep as many gates of each kind.
        multiple: Widths are to stay multiples of it.

    Raises:
        ModelError: If the type is not supported, its heads can't be, or no target matches.
        SpecError: If there is no such unit, or a structure would lose some of its matrices.
    """
    architecture = architecture_of(str(config.get("model_type", "")))
    units = units_of(architecture, units, target_modules, sides)
    size = {w: architecture.size(config, w) for w in _USUAL_NAMES}
    if size["heads"] % size["key_value_heads"]:
        raise ModelError(
            f"The config has {size['heads']} heads and {size['key_value_heads']} of keys and "
            "values; each of those has to serve as many heads."
        )
    chosen = matching_roles(architecture, target_modules)
    wide = size["heads"] * size["head_width"]
    narrow = size["key_value_heads"] * size["head_width"]
    into, out_of = (size["hidden"], size["intermediate"]), (size["intermediate"], size["hidden"])
    shapes = {
        "q": (size["hidden"], wide), "k": (size["hidden"], narrow), "v": (size["hidden"], narrow),
        "o": (wide, size["hidden"]),
        "intermediate": into, "gate": into, "up": into, "output": out_of, "down": out_of,
    }  # fmt: skip
    gated = dict.fromkeys(chosen, _SIDES[sides])
    if units != (MATRICES,):
        check_whole(units, sides, chosen, architecture.roles)
        decoder = architecture.is_decoder
        gated = {r: found for r in chosen if (found := sides_of(units, r, decoder=decoder))}
    matrices = tuple(
        GatedMatrix(layer, role, *shapes[role], sides=gated.get(role, ()))
        for layer in range(size["layers"])
        for role in chosen
    )
    heads = size["heads"], size["key_value_heads"]
    return GateLayout(matrices, *heads, units, uniform, multiple)


def units_of(
    architecture: Architecture,
    names: Iterable[str],
    target_modules: tuple[str, ...] = ROLES,
    sides: str = "both",
) -> tuple[str, ...]:
    """What a gate of a model stands for.

    Args:
        architecture: Its row.
        names: Units and presets, or ``auto``: its own, or `MATRICES` where some of the matrices or
            sides carry none.
        target_modules: Roles that carry gates.
        sides: ``both``, ``in`` or ``out``.

    Raises:
        SpecError: If there is no such unit, or an architecture can't have it.
    """
    units = chosen_units(names)
    if units == (AUTO,):
        whole = sides == "both" and {*ROLES} <= {*target_modules}
        units = chosen_units(architecture.default_units) if whole else (MATRICES,)
    kind = architecture.model_type
    if HIDDEN in units and architecture.is_decoder:
        raise SpecError(
            f"gate_units has '{HIDDEN}', but the norms of a {kind} model divide by all dimensions "
            "of its residual stream, which nobody norms in between: it can't be made narrower "
            "exactly. Take reads and writes, which dimensions a sublayer uses."
        )
    if PAIRS in units and architecture.normed_scores:
        raise SpecError(
            f"gate_units has '{PAIRS}', but a {kind} model norms the queries and keys of a head, "
            "and a norm needs all of its dimensions. Take heads."
        )
    return units


def matching_roles(architecture: Architecture, target_modules: tuple[str, ...]) -> list[str]:
    """Roles of an architecture that are targets, in the table's order.

    Args:
        architecture: Its row.
        target_modules: Its roles; of a decoder also what they stand for
            (`finegates.gates.units.decoder_roles`).

    Raises:
        ModelError: If a target is no role of this architecture.
    """
    meant: set[str] = set()
    for role in target_modules:
        roles = decoder_roles(role) if architecture.is_decoder else (role,)
        if not {*roles} <= {*architecture.roles}:
            kind = f"target module of a {architecture.model_type} model"
            raise ModelError(unknown_name(kind, role, architecture.roles))
        meant |= {*roles}
    return [role for role in architecture.roles if role in meant]
