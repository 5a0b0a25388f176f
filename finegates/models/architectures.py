"""One table: model type -> where its layers, its gated matrices and its head are.

A new encoder is a row; a decoder block fits too: grouped key/value heads come from the config, a
role may be missing, and a bias may be missing. See ``docs/add-an-architecture.md``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from finegates.errors import ModelError, shortened, unknown_name
from finegates.gates.layout import ROLES, GatedMatrix, GateLayout
from finegates.gates.units import MATRICES, check_whole, chosen_units, sides_of

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
}


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

    def in_encoder(self, tensor: str) -> bool:
        """Whether a tensor of a checkpoint is of embeddings or layers, not of a pooler or a head.

        Args:
            tensor: Its name, with or without the name that the classifier has for its encoder.
        """
        model, stack, *_ = self.layers.split(".")
        name = tensor.removeprefix(f"{model}.")
        if name.startswith("pooler.") or name.endswith(_COUNTERS):
            return False
        return name != tensor or name.startswith((f"{stack}.", "embeddings"))

    @property
    def attention_projects(self) -> bool:
        """Whether the module that computes attention holds the output matrix o, too."""
        return self.roles["o"].startswith(f"{self.attention}.")

    def size(self, config: Mapping[str, Any], what: str) -> int:
        """A size from the config; key/value heads fall back to the heads."""
        name = self.config_names.get(what, "")
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
    )
}  # fmt: skip


def architecture_of(model_type: str) -> Architecture:
    """The row of a model type.

    Raises:
        ModelError: If it is not supported; all supported ones are named.
    """
    if model_type not in ARCHITECTURES:  # a config is written by programs: never a typing error
        raise ModelError(
            f"Models of type '{shortened(model_type)}' are not supported; supported types are "
            f"{', '.join(ARCHITECTURES)}."
        )
    return ARCHITECTURES[model_type]


def layout_of_config(
    config: Mapping[str, Any],
    target_modules: tuple[str, ...] = ROLES,
    sides: str = "both",
    units: Iterable[str] = (MATRICES,),
    uniform: bool = False,
    multiple: int = 1,
) -> GateLayout:
    """Which gates a model of this config gets, from its sizes alone.

    Args:
        config: The content of a config.json.
        target_modules: Roles that carry gates.
        sides: ``both``, ``in`` or ``out``.
        units: What a gate stands for: ``matrices``, or names and presets of structures, which need
            all roles and both sides.
        uniform: Whether every layer is to keep as many gates of each kind.
        multiple: Widths are to stay multiples of it.

    Raises:
        ModelError: If the type is not supported or no target matches.
        SpecError: If there is no such unit, or a structure would lose some of its matrices.
    """
    units = chosen_units(units)
    architecture = architecture_of(str(config.get("model_type", "")))
    size = {w: architecture.size(config, w) for w in _USUAL_NAMES}
    chosen = matching_roles(architecture, target_modules)
    narrow = size["hidden"] // size["heads"] * size["key_value_heads"]
    shapes = {
        "q": (size["hidden"], size["hidden"]),
        "k": (size["hidden"], narrow),
        "v": (size["hidden"], narrow),
        "o": (size["hidden"], size["hidden"]),
        "intermediate": (size["hidden"], size["intermediate"]),
        "output": (size["intermediate"], size["hidden"]),
    }
    gated = dict.fromkeys(chosen, _SIDES[sides])
    if units != (MATRICES,):
        check_whole(units, sides, target_modules, architecture.roles)
        gated = {role: found for role in chosen if (found := sides_of(units, role))}
    matrices = tuple(
        GatedMatrix(layer, role, *shapes[role], sides=gated.get(role, ()))
        for layer in range(size["layers"])
        for role in chosen
    )
    heads = size["heads"], size["key_value_heads"]
    return GateLayout(matrices, *heads, units, uniform, multiple)


def matching_roles(architecture: Architecture, target_modules: tuple[str, ...]) -> list[str]:
    """Roles of an architecture that are targets, in the table's order.

    Raises:
        ModelError: If a target is no role of this architecture.
    """
    for role in target_modules:
        if role not in architecture.roles:
            kind = f"target module of a {architecture.model_type} model"
            raise ModelError(unknown_name(kind, role, architecture.roles))
    return [role for role in architecture.roles if role in target_modules]
