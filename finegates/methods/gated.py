"""The recipes that remove rows and columns: ours, the paper's, the authors', and magnitude."""

from finegates.methods.method import (
    IMPORTANCE,
    LORA_IMPORTANCE,
    MAGNITUDE,
    SENSITIVITY,
    TARGET_IS_CLOSED_PROBABILITY,
    Method,
)

_GAUSSIAN = {"gate_law": "gaussian", "gate_sampling_sigma": 0.1}
_ON_ATTENTION = {"gate_sides": "out", "target_modules": ("q", "k", "v", "o")}
_TABLE_4 = "arXiv 2412.12951, Table 4"
_CUT_EARLY = {
    "gate_units": ("heads", "neurons"),
    "lora_rank": 8,
    "train_biases": False,
    "head_start": "fitted",
    "final_stretch_fraction": 0.9,
}
"""Heads and neurons are cut at once, by what a head says that was fitted; then LoRA recovers."""

WARM_METHOD = "finegates+full"
"""What a model is made smaller by that is fine-tuned already."""
WARM_SETTINGS = {
    "learning_rate": 3e-4,
    "lr_warmup_fraction": 0.08,
    "target_delay_fraction": 0.05,
    "target_warmup_fraction": 0.5,
    "final_stretch_fraction": 0.4,
}
"""Its settings there: the task is known, so gates may close at once and the head moves little."""

GATED = (
    Method(
        name="finegates",
        summary="Gates alone, one budget over the whole model; removes exactly what was asked for.",
        source="arXiv 2412.12951; Lagrangian after CoFi (arXiv 2204.00408), docs/LOG.md",
        settings=_GAUSSIAN,
    ),
    Method(  # the default: the update merges, and shrinks with its matrix
        name="finegates+lora",
        summary="Gates with a low-rank update (r = 8) inside; removes exactly what was asked for.",
        source="arXiv 2412.12951, equation 8 and Figure 1",
        settings={
            **_GAUSSIAN,
            "lora_rank": 8,
            "target_delay_fraction": 0.2,  # else gates may close before the task is learned
        },
    ),
    Method(
        name=WARM_METHOD,
        summary=(
            "Gates while all weights are trained too, at the memory of full fine-tuning; removes "
            "exactly what was asked for."
        ),
        source="arXiv 2412.12951; all weights trained as in CoFi (arXiv 2204.00408), docs/LOG.md",
        settings={
            **_GAUSSIAN,
            "head_start": "fitted",
            "dropout": 0.0,
            "learning_rate": 1e-3,
            "lr_warmup_fraction": 0.06,
            "target_delay_fraction": 0.4,
            "target_warmup_fraction": 0.65,
        },
        adapter="full",
    ),
    Method(
        name="finegates+lora-outside",
        summary="Low-rank update outside the gates: it adds to closed outputs too, so they stay.",
        source="arXiv 2412.12951, section 3 as it can be read",
        settings={**_GAUSSIAN, "lora_rank": 8, "lora_place": "outside"},
    ),
    Method(
        name="finegates-attention",
        summary="The paper's variant without W_I, W_O: one gate vector on each of q, k, v, o.",
        source=_TABLE_4,
        settings={**_GAUSSIAN, **_ON_ATTENTION},
    ),
    Method(
        name="finegates-one-vector",
        summary="The paper's variant with one gate vector a matrix, on its outputs.",
        source=_TABLE_4,
        settings={**_GAUSSIAN, "gate_sides": "out"},
    ),
    Method(
        name="finegates+lora-one-vector",
        summary="The paper's variant: LoRA r = 8 on all six matrices, one gate vector on each.",
        source=_TABLE_4,
        settings={**_GAUSSIAN, "lora_rank": 8, "gate_sides": "out"},
    ),
    Method(
        name="finegates+lora-attention",
        summary="The paper's variant: LoRA r = 8 and one gate vector on each of q, k, v, o.",
        source=_TABLE_4,
        settings={**_GAUSSIAN, "lora_rank": 8, **_ON_ATTENTION},
    ),
    Method(
        name="graspruned",
        summary="GRASPrune: at the budget in every step; closed gates learn, and may open again.",
        source="arXiv 2604.19398; biases, LoRA and the final stretch are ours",
        settings={
            "gate_law": "projected",
            "gate_units": ("heads", "neurons"),
            "gate_learning_rate": 1e-2,
            "lora_rank": 8,
        },
    ),
    Method(  # a common factor of 10 in its loss, which AdamW does not feel: 0.1 KL + 0.9 layers
        name="cofi",
        summary="CoFi: gates of heads, neurons, sublayers and dimensions; all weights are taught.",
        source="arXiv 2204.00408; the schedule, the rates and exact rounding are ours",
        settings={
            **WARM_SETTINGS,
            "gate_law": "hard-concrete",
            "gate_units": ("heads", "neurons", "sublayers", "hidden"),
            "gate_learning_rate": 0.1,
            "head_start": "fitted",
        },
        adapter="full",
        hooks="layerwise",
        taught={
            "teacher": "start",
            "distillation_weight": 1.0,
            "distillation_temperature": 2.0,
            "hidden_distillation_weight": 9.0,
            "penalty_weight": 10.0,
        },
    ),
    Method(
        name="finegates-hinge",
        summary="A target for each gate vector, pushed from above only.",
        source="the authors' earlier code; constants of the GLUE script but a faster gate rate",
        settings={
            "penalty": "hinge",
            "penalty_weight": 50.0,
            "final_stretch_fraction": 0.0,
            "rounding": False,
            "gate_learning_rate": 1e-2,
        },
        target_meaning=TARGET_IS_CLOSED_PROBABILITY,
    ),
    Method(  # kept as it is, for comparison: AdamW needs about 1,550 steps to close the first gate
        name="finegates-official",
        summary=(
            "The official code's law, penalty and constants; closes nothing in a short training."
        ),
        source="github.com/jsvir/FineGates, commit 5ab6421",
        settings={
            "gate_law": "tanh-gaussian",
            "penalty": "abs",
            "penalty_weight": 50.0,
            "gate_learning_rate": 1e-3,
            "learning_rate": 1e-3,
            "weight_decay": 0.0,
            "lr_schedule": "constant",
            "batch_size": 16,
            "max_length": 512,
            "final_stretch_fraction": 0.0,
            "rounding": False,
        },
        target_meaning=TARGET_IS_CLOSED_PROBABILITY,
    ),
    Method(  # what one would do without gates
        name="magnitude",
        summary="LoRA, then the rows and columns of smallest norm are closed; then recovery.",
        source="the usual practice; ranks as in LoRA",
        settings={"lora_rank": 8, "train_biases": False},
        gates=MAGNITUDE,
    ),
    Method(
        name="sensitivity",
        summary="LoRA, then what the loss feels least for its weights is closed; then recovery.",
        source="first order, as arXiv 2305.11627; one pass over a few batches",
        settings={"lora_rank": 8, "train_biases": False},
        gates=SENSITIVITY,
    ),
    Method(
        name="magnitude-full",
        summary="Full fine-tuning, then the smallest rows and columns are closed; then recovery.",
        source="the usual practice",
        settings={"learning_rate": 1e-3},
        gates=MAGNITUDE,
        adapter="full",
    ),
    Method(
        name="sensitivity-full",
        summary="Full fine-tuning; what the loss feels least is closed early, most of it recovers.",
        source="first order, as arXiv 1906.10771; one pass over a few batches",
        settings={"learning_rate": 1e-3, "final_stretch_fraction": 0.9},
        gates=SENSITIVITY,
        adapter="full",
    ),
    Method(
        name="importance",
        summary="LLM-Pruner: heads and neurons of least |weight gradient| go early; LoRA recovers.",
        source="arXiv 2305.11627, its first-order term of elements; the budget is ours",
        settings=_CUT_EARLY,
        gates=IMPORTANCE,
    ),
    Method(
        name="lora-importance",
        summary="LoRAPrune: the same by the gradients of LoRA's factors alone; closed once.",
        source="arXiv 2305.18403; closed once and under one budget, which is ours",
        settings=_CUT_EARLY,
        gates=LORA_IMPORTANCE,
    ),
)
