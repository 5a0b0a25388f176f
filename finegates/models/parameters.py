"""Trained parameters by formula, from a model's sizes alone: of the paper's table, and of any run.

Classifier head and biases of gated matrices are not counted, as in the trained-parameter column of
arXiv 2412.12951. Loads no torch: what an adapter's size follows from is written here, and
`finegates.adapters` builds by it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from finegates.errors import ModelError, unknown_name
from finegates.gates.layout import GateLayout
from finegates.gates.units import MATRICES
from finegates.methods import METHODS
from finegates.methods.method import LEARNED
from finegates.models.adapter_sizes import (
    adamix,
    adamix_lora,
    adapter_counts,
    loretta_adp,
    loretta_rep,
)
from finegates.models.architectures import architecture_of, layout_of_config
from finegates.models.dense_parameters import (
    dense_counts,
    ether,
    ether_plus,
    lorta,
    low_rank,
    melora,
    polar,
)
from finegates.models.printed import printed
from finegates.models.sparse_sizes import SPARTA_DENSITY, sara, sparse_counts, sparta
from finegates.spec import RunSpec

ATTENTION_ROLES = ("q", "k", "v", "o")
LORA_RANK = 8
LORA_XS_RANK = 25
VERA_RANK = 1024
VERA_RANK_OF_WIDE_MODELS = 256
_WIDE = 1024
COMPACTER_TERMS = 4
COMPACTER_REDUCTION = 32
"""Both in the authors' seq2seq/configs/compacter.json (github.com/rabeehk/compacter)."""
COMPACTER_REDUCTION_OF_WIDTH = {768: 24}
"""As `RunSpec.compacter_reduction` says."""
_TABLES = ("vocab_size", "max_position_embeddings", "type_vocab_size")
_EMBEDDING_TABLES = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "electra"), _TABLES),
    "distilbert": _TABLES[:2],
}
_POOLED = ("bert",)
"""Types whose classifier has a pooler below its head."""
_NUMBER_WORDS = {6: "six", 7: "seven"}


def parameter_table(config: Mapping[str, Any]) -> dict[str, Any]:
    """Counts for a model of this config.

    Args:
        config: The content of a config.json.

    Returns:
        ``num_gated_weights`` and ``rows``, each with ``configuration``, ``trainable_params`` and
        ``printed``: what the authors print and where (`finegates.models.printed`), None if the
        count is only computed.

    Raises:
        ModelError: If the model type is not supported.
    """
    both, own = layout_of_config(config, units=(MATRICES,)), layout_of_config(config)
    one = layout_of_config(config, sides="out")
    every = f"all {_NUMBER_WORDS[len(architecture_of(config['model_type']).roles)]}"
    attention = layout_of_config(config, ATTENTION_ROLES, sides="out")
    query_value = layout_of_config(config, ("q", "v"))
    norms = layer_norms(config)
    counts = {f"finegates: one gate for each of {', '.join(own.units)}": own.num_gates}
    counts = (counts if own.is_shared else {}) | {
        f"finegates: gates on inputs and outputs of {every} matrices": both.num_gates,
        "finegates w/o W_I, W_O: one gate vector on each of q, k, v, o": attention.num_gates,
        f"LoRA r=8 on {every} + one gate vector on each": (
            low_rank(one, LORA_RANK) + one.num_gates
        ),
        "LoRA r=8 on q, k, v, o + one gate vector on each": (
            low_rank(attention, LORA_RANK) + attention.num_gates
        ),
        "LoRA r=8 on q, v": low_rank(query_value, LORA_RANK),
        f"VeRA r={vera_rank(query_value)} on q, v": vera(query_value, vera_rank(query_value)),
        "LoRA-XS r=25 on q, v, attention output, FFN output": (
            lora_xs(layout_of_config(config, ("q", "v", "o", "output")), LORA_XS_RANK)
        ),
        "SpaRTA 1% of v, o": sparta(layout_of_config(config, ("v", "o")), SPARTA_DENSITY),
        "Compacter n=4, its biases and the layer norms counted, as its authors do": (
            compacter(layout_of_config(config, ("o", "output"))) + norms
        ),
        "Compacter++ n=4, its biases and the layer norms counted, as its authors do": (
            compacter(layout_of_config(config, ("output",))) + norms
        ),
        **dense_counts(config, every),
        **adapter_counts(config),
        **sparse_counts(config, every),
        **({} if own.is_decoder else _counts_of_rivals(config)),
    }
    rows = [
        {"configuration": name, "trainable_params": count, "printed": printed(name, config)}
        for name, count in counts.items()
    ]
    return {"num_gated_weights": both.num_gated_weights, "rows": rows}


def _counts_of_rivals(config: Mapping[str, Any]) -> dict[str, int]:
    """Gates of CoFi; its code has 37,800 for a BERT-base (arXiv 2204.00408, commit da855a8)."""
    units = METHODS["cofi"].settings["gate_units"]
    of_cofi = layout_of_config(config, units=units).num_gates
    return {"CoFi: gates on heads, neurons, sublayers and dimensions, beside all weights": of_cofi}


def method_params(spec: RunSpec, config: Mapping[str, Any]) -> int:
    """How many parameters a run trains: gates, low-rank updates and adapters.

    Head, biases of gated matrices and layer norms are not counted, but in full fine-tuning, where
    everything below the head is.

    Args:
        spec: The run.
        config: The content of the model's config.json.

    Raises:
        ModelError: If the model type is not supported, or the config lacks a size that is needed:
            full fine-tuning asks for those of the embeddings.
    """
    method = METHODS[spec.method]
    layout = layout_of_config(config, spec.target_modules, spec.gate_sides, spec.gate_units)
    gates = layout.num_gates if method.gates == LEARNED else 0
    inside = low_rank(layout, spec.lora_rank) if method.removes else 0
    adapter = _ADAPTER_PARAMS[method.adapter](spec, layout, config) if method.adapter else 0
    aids = _HOOK_PARAMS[method.hooks](spec, config) if method.hooks else 0
    return gates + inside + adapter + aids


def layer_map(spec: RunSpec, config: Mapping[str, Any]) -> int:
    """Parameters of CoFi's map of hidden states, ``H^2 + H``, where a teacher's are imitated."""
    hidden = architecture_of(str(config["model_type"])).size(config, "hidden")
    return hidden * (hidden + 1) if spec.hidden_distillation_weight else 0


def lora_fa(layout: GateLayout, rank: int) -> int:
    """Parameters of LoRA-FA, whose first factor is frozen: ``r out`` for each matrix."""
    return sum(rank * m.out_features for m in layout.matrices)


def vera(layout: GateLayout, rank: int) -> int:
    """Parameters of VeRA: one vector of the outputs and one of the rank for each matrix."""
    return sum(m.out_features + rank for m in layout.matrices)


def vera_rank(layout: GateLayout) -> int:
    """The authors' rank: 1024 for RoBERTa-base, 256 for RoBERTa-large."""
    wide = layout.matrices[0].in_features >= _WIDE
    return VERA_RANK_OF_WIDE_MODELS if wide else VERA_RANK


def lora_xs(layout: GateLayout, rank: int) -> int:
    """Parameters of LoRA-XS: ``r x r`` for each matrix."""
    return sum(lora_xs_rank(rank, m.in_features, m.out_features) ** 2 for m in layout.matrices)


def lora_xs_rank(rank: int, in_features: int, out_features: int) -> int:
    """The rank, cut to the number of singular values of a matrix."""
    return min(rank, in_features, out_features)


def compacter(
    layout: GateLayout, terms: int = COMPACTER_TERMS, reduction: int | None = None
) -> int:
    """Parameters of Compacter: the shared ``n x n x n`` A, and an adapter after each matrix.

    An adapter of width H and bottleneck d has a weight down and one up, of ``H + d`` each as their
    terms are of rank 1, and biases of ``d + H``.
    """
    widths = [m.out_features for m in layout.matrices]
    return terms**3 + sum(3 * (w + compacter_bottleneck(w, terms, reduction)) for w in widths)


def compacter_bottleneck(width: int, terms: int, reduction: int | None = None) -> int:
    """Width of a Compacter adapter: ``width // reduction``, up to the next multiple of n.

    Args:
        width: Width of the model where the adapter is.
        terms: Kronecker terms n.
        reduction: 24 for a width of 768, else 32, if not given.

    Raises:
        ModelError: If n does not divide the width.
    """
    if width % terms:
        allowed = ", ".join(str(n) for n in range(1, width + 1) if width % n == 0)
        raise ModelError(
            f"compacter_terms is {terms}, which does not divide the model's width of {width}; "
            f"choose one of: {allowed}."
        )
    reduction = reduction or COMPACTER_REDUCTION_OF_WIDTH.get(width, COMPACTER_REDUCTION)
    return max(1, -(-(width // reduction) // terms)) * terms


def layer_norms(config: Mapping[str, Any]) -> int:
    """Parameters of the layers' norms; that of the embeddings and a last one are not among them.

    An encoder's have a gain and a bias, a decoder's a gain.
    """
    architecture = architecture_of(str(config["model_type"]))
    vectors = len(architecture.norms) * (1 if architecture.is_decoder else 2)
    return architecture.size(config, "layers") * vectors * architecture.size(config, "hidden")


def full(config: Mapping[str, Any]) -> int:
    """All parameters below the head: embeddings, layers with biases and norms, pooler, last norm.

    Raises:
        ModelError: If this is not known for the model type, or the config lacks a size.
    """
    model_type = str(config.get("model_type", ""))
    layout, architecture = layout_of_config(config), architecture_of(model_type)
    biases = sum(m.out_features for m in layout.matrices if architecture.has_bias(config, m.role))
    layers = layout.num_gated_weights + biases + layer_norms(config)
    hidden = architecture.size(config, "hidden")
    if architecture.is_decoder:
        of_scores = 2 * architecture.size(config, "head_width") * architecture.normed_scores
        last_norm = hidden
        embeddings = _size(config, "vocab_size") * hidden
        return embeddings + layers + layout.num_layers * of_scores + last_norm
    if model_type not in _EMBEDDING_TABLES:
        raise ModelError(unknown_name("model type to count in full", model_type, _EMBEDDING_TABLES))
    width, projection = hidden, 0
    if model_type == "electra":
        width = _size(config, "embedding_size")
        projection = 0 if width == hidden else width * hidden + hidden
    rows = sum(_size(config, name) for name in _EMBEDDING_TABLES[model_type])
    embeddings = rows * width + 2 * width + projection  # 2 * width: their layer norm
    pooler = hidden * hidden + hidden if model_type in _POOLED else 0
    return embeddings + layers + pooler


def _size(config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    if not isinstance(value, int):
        raise ModelError(
            f"The config has {name} = {value!r}; to count full fine-tuning it has to be a whole "
            "number."
        )
    return value


_ADAPTER_PARAMS: dict[str, Callable[[RunSpec, GateLayout, Mapping[str, Any]], int]] = {
    "full": lambda spec, layout, config: full(config),
    "lora": lambda spec, layout, config: low_rank(layout, spec.lora_rank),
    "lora-fa": lambda spec, layout, config: lora_fa(layout, spec.lora_rank),
    "vera": lambda spec, layout, config: vera(layout, spec.lora_rank),
    "lora-xs": lambda spec, layout, config: lora_xs(layout, spec.lora_rank),
    "sparta": lambda spec, layout, config: sparta(layout, spec.sparta_density),
    "compacter": lambda spec, layout, config: compacter(
        layout, spec.compacter_terms, spec.compacter_reduction
    ),
    "ether": lambda spec, layout, config: ether(layout),
    "ether+": lambda spec, layout, config: ether_plus(layout),
    "melora": lambda spec, layout, config: melora(layout, spec.lora_rank, spec.melora_blocks),
    "polar": lambda spec, layout, config: polar(layout, spec.lora_rank),
    "lorta": lambda spec, layout, config: lorta(layout, spec.lora_rank),
    "loretta-adp": lambda spec, layout, config: loretta_adp(
        layout, spec.bottleneck_width, spec.tensor_train_rank
    ),
    "loretta-rep": lambda spec, layout, config: loretta_rep(
        layout, spec.lora_rank, spec.tensor_train_rank
    ),
    "adamix": lambda spec, layout, config: adamix(layout, spec.bottleneck_width, spec.num_experts),
    "adamix-lora": lambda spec, layout, config: adamix_lora(
        layout, spec.lora_rank, spec.num_experts
    ),
    "sara": lambda spec, layout, config: sara(layout, spec.sparta_density),
    "dynamic-subset": lambda spec, layout, config: sparta(layout, spec.sparta_density),
    "shears": lambda spec, layout, config: low_rank(layout, spec.lora_rank),
}
_HOOK_PARAMS: dict[str, Callable[[RunSpec, Mapping[str, Any]], int]] = {"layerwise": layer_map}
"""`Method.hooks` -> what of it is trained."""
