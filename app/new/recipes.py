"""Questions about a method: how lists show it, and which settings matter to it."""

from collections.abc import Callable, Iterable

from finegates.gates.laws import PROJECTED
from finegates.methods import DEFAULT_METHOD, METHODS
from finegates.methods.method import (
    IMPORTANCE,
    LEARNED,
    LORA_IMPORTANCE,
    MAGNITUDE,
    NO_GATES,
    SENSITIVITY,
    Method,
)
from finegates.spec import FIELDS

KINDS = {
    LEARNED: ("Gates", "learns which rows and columns to close"),
    MAGNITUDE: ("Magnitude", "closes the smallest rows and columns"),
    SENSITIVITY: ("Sensitivity", "closes what the loss feels least"),
    IMPORTANCE: ("Importance", "closes what has the least of weight times gradient"),
    LORA_IMPORTANCE: ("LoRA importance", "the same, by the gradients of LoRA's factors"),
    NO_GATES: ("Dense", "removes nothing; a baseline to compare with"),
}
"""Where the order of rows and columns comes from -> name of the group, and what it does."""

SUMMARY_OF_KINDS = "  \n".join(f"**{name}**: {meaning}." for name, meaning in KINDS.values())


def ordered() -> list[str]:
    """Every method: the default first, then group by group."""
    groups = list(KINDS)
    places = {name: place for place, name in enumerate(METHODS)}
    return sorted(
        METHODS,
        key=lambda m: (m != DEFAULT_METHOD, groups.index(METHODS[m].gates), places[m]),
    )


def with_summary(name: str) -> str:
    """``"full"`` -> ``"Dense · full: Full fine-tuning; removes nothing."``"""
    return f"{KINDS[METHODS[name].gates][0]} · {name}: {METHODS[name].summary}"


def explained(names: list[str]) -> str:
    """One line for each method, for help on hover."""
    return "  \n".join(f"**{name}**: {METHODS[name].summary}" for name in names)


_VERA = "vera"


def _removes(method: Method) -> bool:
    return method.removes


def _learns_gates(method: Method) -> bool:
    return method.gates == LEARNED


def _is_pushed(method: Method) -> bool:
    """Projected gates are at their budget in every step."""
    return _learns_gates(method) and method.settings.get("gate_law") != PROJECTED


def _has_low_rank(method: Method) -> bool:
    """Gates take an update of any rank; of the others, those that come with a rank."""
    return "lora_rank" in method.settings or (method.removes and not method.adapter)


def _gates_frozen_weights(method: Method) -> bool:
    return method.removes and not method.adapter


def _freezes(method: Method) -> bool:
    return not method.trains_all


def _is(*adapters: str) -> Callable[[Method], bool]:
    return lambda method: method.adapter in adapters


MATTERS_IF: dict[str, Callable[[Method], bool]] = {
    **dict.fromkeys(
        (
            "target_sparsity", "gate_units", "gate_shape", "gate_multiple", "gate_sides",
            "final_stretch_fraction", "rounding", "budget_counts", "budget_length",
            "budget_batch_size",
        ),
        _removes,
    ),
    **dict.fromkeys(
        (
            "gate_sampling_sigma", "penalty", "penalty_weight", "target_warmup_fraction",
            "target_delay_fraction", "target_schedule", "kurtosis_weighting",
        ),
        _is_pushed,
    ),
    **dict.fromkeys(("gate_law", "gate_learning_rate", "gate_start"), _learns_gates),
    "target_modules": lambda method: method.removes or _freezes(method),
    "train_biases": _gates_frozen_weights,
    "train_layer_norms": _freezes,
    "adapter_learning_rate": _freezes,
    "encoder_learning_rate": lambda method: method.trains_all,
    "lora_rank": _has_low_rank,
    "lora_alpha": lambda method: _has_low_rank(method) and method.adapter != _VERA,
    "lora_place": _gates_frozen_weights,
    "sparta_density": _is("sparta", "sara", "dynamic-subset"),
    "sara_rank_penalty": _is("sara"),
    "shears_sparsity": _is("shears"),
    "compacter_reduction": _is("compacter"),
    "compacter_terms": _is("compacter"),
    "melora_blocks": _is("melora"),
    "polar_penalty": _is("polar"),
    "bottleneck_width": _is("adamix", "loretta-adp"),
    "tensor_train_rank": _is("loretta-adp", "loretta-rep"),
    "num_experts": _is("adamix", "adamix-lora"),
}  # fmt: skip
"""What is not named here matters to every method."""

TEACHER = "teacher"
ONLY_WITH_A_TEACHER = (
    "distillation_weight", "distillation_temperature", "hidden_distillation_weight",
)  # fmt: skip


def matters(name: str, methods: Iterable[str], has_teacher: bool = True) -> bool:
    """Whether a setting changes anything in at least one of these methods."""
    if name in ONLY_WITH_A_TEACHER and not has_teacher:
        return False
    rule = MATTERS_IF.get(name)
    return rule is None or any(rule(METHODS[method]) for method in methods)


def settings_of(
    methods: Iterable[str], has_teacher: bool = True, without: Iterable[str] = ()
) -> list[str]:
    """The settings to show for these methods, in the order of `RunSpec`."""
    methods, without = tuple(methods), set(without)
    return [n for n in FIELDS if n not in without and matters(n, methods, has_teacher)]
