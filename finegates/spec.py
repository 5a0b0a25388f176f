"""`RunSpec`: every setting of a run, its meaning, unit and range. Written here and nowhere else."""

import codecs
import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finegates.errors import SpecError, shortened, unknown_name
from finegates.gates.budget import LINEAR, SCHEDULES
from finegates.gates.counting import COUNTS, PRODUCTS, TIME, WEIGHTS
from finegates.gates.laws import LAWS, PROJECTED
from finegates.gates.layout import ROLES
from finegates.gates.units import AUTO, CHOICES, MATRICES, PLAIN, check_whole, chosen_units
from finegates.methods import DEFAULT_METHOD, METHODS
from finegates.methods.method import LORA_IMPORTANCE
from finegates.settings import check_settings, setting

SAMPLE_TASK = "sample"
FILE_TASK = "file"
TEXT_TASK, INSTRUCTIONS_TASK = "text", "instructions"
LANGUAGE_TASKS = (TEXT_TASK, INSTRUCTIONS_TASK)
"""Tasks of a causal language model: the next token of a file's texts, or of its answers."""
CAUSAL_LM = "causal-lm"
"""The problem of the language tasks, which have no labels."""
OWN_FILE_TASKS = (FILE_TASK, *LANGUAGE_TASKS)
"""Tasks whose data is a file of the user's."""
GLUE_TASKS = ("cola", "stsb", "mrpc", "rte", "sst2", "mnli", "qnli", "qqp")
FITTED, DRAWN = "fitted", "drawn"
EVEN, SENSITIVE = "even", "sensitivity"
FREE, UNIFORM = "free", "uniform"
START_TEACHER, BASE_TEACHER = "start", "base"
"""As ``teacher``: the model that the run starts from; the pretrained one, before any training."""
FLOAT32, BFLOAT16 = "float32", "bfloat16"
BUDGET = "budget"
PENALTIES = (BUDGET, "abs", "hinge")
SEPARATORS = ("auto", "comma", "semicolon", "tab", "pipe", "blank")
REMEDIES = (
    "drop_empty_texts", "drop_unlabelled", "unify_labels", "mend_slips", "drop_contradictions",
    "drop_repeats", "merge_rare_classes", "drop_rare_classes", "drop_leaks",
)  # fmt: skip
"""Carried out by `finegates.data.remedies`, in this order."""
NO_SPLIT = "(none)"
"""As ``split_column``: no column is one."""
OF_A_FILE = (
    "separator", "encoding", "decimal", "header", "text_column", "pair_column", "label_column",
    "prompt_column", "answer_column", "messages_column", "cleaning", "split_column",
    "validation_data",
)  # fmt: skip
"""Settings for a file alone."""
COLUMNS_OF_TASKS = {
    FILE_TASK: ("text_column", "pair_column", "label_column"),
    TEXT_TASK: ("text_column",),
    INSTRUCTIONS_TASK: ("prompt_column", "answer_column", "messages_column"),
}
"""The columns that a file is learned from, by its task."""
READ_TWICE = ("adamix", "adamix-lora")
"""Adapters that read each batch twice, by other parameters each time. DistributedDataParallel can't
do that: it looks for the parameters of one pass."""
REMEDIES_OF_TEXT = ("drop_empty_texts", "drop_repeats", "drop_leaks")
"""Those that need no labels."""

EVALUATIONS_PER_EPOCH = 2
EVALUATION_SHARE = 0.1
"""Of the training's time, at most, unless ``eval_steps`` asks for more."""
MAX_SEED = 2**32 - 1

_DATA, _MODEL, _METHOD = "Data", "Model", "Method"
_TRAINING, _HARDWARE = "Training", "Hardware"


@dataclass(frozen=True)
class RunSpec:
    """What a run is asked to do. Immutable; written to ``spec.json`` when the run is made.

    Raises:
        SpecError: If a setting is out of its range or two contradict each other.
    """

    # data
    task: str = setting(
        SAMPLE_TASK,
        "GLUE task, the bundled sample, or 'file' for a labelled file of yours (implied by data). "
        "Of causal language models: 'text' for a file of texts, 'instructions' for one of prompts "
        "and answers.",
        group=_DATA,
        choices=(SAMPLE_TASK, *GLUE_TASKS, *OWN_FILE_TASKS),
    )
    data: str | None = setting(
        None,
        "Your file: a table as text (CSV, TSV and the like), JSON or Parquet; its content decides. "
        "Of task 'text' also plain text, whose documents are parted by blank lines.",
        group=_DATA,
    )
    separator: str = setting(
        "auto",
        "What parts the columns of a table as text; found if auto. 'blank' is for lines such as "
        "'label the text'.",
        group=_DATA,
        choices=SEPARATORS,
    )
    encoding: str | None = setting(
        None, "Encoding of a text file, such as utf-8 or cp1252; found if empty.", group=_DATA
    )
    decimal: str = setting(
        "auto",
        "What stands before the fraction of a number; found if auto.",
        group=_DATA,
        choices=("auto", "point", "comma"),
    )
    header: str = setting(
        "auto",
        "Whether the first row holds the columns' names. With auto, a first row that looks like "
        "data is asked about.",
        group=_DATA,
        choices=("auto", "yes", "no"),
    )
    text_column: str | None = setting(None, "Column of the text; guessed if empty.", group=_DATA)
    pair_column: str | None = setting(
        None, "Column of the second text; guessed if no text column is named.", group=_DATA
    )
    label_column: str | None = setting(None, "Column of the label; guessed if empty.", group=_DATA)
    prompt_column: str | None = setting(
        None, "Column of the prompt, of task 'instructions'; guessed if empty.", group=_DATA
    )
    answer_column: str | None = setting(
        None, "Column of the answer that is learned; guessed if empty.", group=_DATA
    )
    messages_column: str | None = setting(
        None,
        "Column of whole chats, lists of messages with role and content, instead of prompt and "
        "answer; the model's chat template writes them. Guessed if empty.",
        group=_DATA,
    )
    problem: str = setting(
        "auto",
        "What the label is: classes, or a number to predict.",
        group=_DATA,
        choices=("auto", "classification", "regression"),
    )
    cleaning: tuple[str, ...] = setting(
        (), "What is mended in your file before it is learned from.", group=_DATA, choices=REMEDIES
    )
    split_column: str | None = setting(
        None,
        "Column that says train, validation or test; found by its name and values if empty, "
        f"'{NO_SPLIT}' for none. Rows for testing are left out.",
        group=_DATA,
    )
    validation_data: str | None = setting(
        None, "A second file, with the same columns, whose rows are for validation.", group=_DATA
    )
    glue_dir: str | None = setting(
        None, "Folder in the glue_data layout; the hub is used if empty.", group=_DATA
    )
    validation_fraction: float = setting(
        0.2,
        "Share of your file kept for validation, if it has no rows for it.",
        group=_DATA, minimum=0.05, maximum=0.5,
    )  # fmt: skip
    hold_out_fraction: float = setting(
        0.0,
        "Judge by this share of the training rows, put aside, and not by the validation rows: for "
        "choosing settings.",
        group=_DATA,
        minimum=0.0,
        maximum=0.5,
    )
    split_seed: int = setting(
        0, "Seed of the rows put aside.", group=_DATA, minimum=0, maximum=MAX_SEED
    )
    max_train_samples: int | None = setting(
        None,
        "Training rows at most: of a GLUE task the first, else drawn with split_seed, the same "
        "share of each class.",
        group=_DATA, minimum=2, unit="rows",
    )  # fmt: skip
    max_length: int = setting(
        128,
        "Longer rows are cut. Of task 'text' the length of the blocks that all texts, joined, are "
        "cut into; each is read on its own.",
        group=_DATA, minimum=4, maximum=8192, unit="tokens",
    )  # fmt: skip
    # model
    model: str = setting(
        "minilm",
        "'minilm' (embedded), 'smollm2' (converted at its first use), a hub id, or a local folder.",
        group=_MODEL,
    )
    start_from: str | None = setting(
        None,
        "Start from a fine-tuned classifier, its head kept: a folder, or the id of a finished "
        "dense run.",
        group=_MODEL,
    )
    start_labels: tuple[str, ...] = setting(
        (),
        "The data's class of each output of the model that it starts from, in its order; only "
        "where names do not tell.",
        group=_MODEL,
    )
    # method
    method: str = setting(DEFAULT_METHOD, "The recipe.", group=_METHOD, choices=tuple(METHODS))
    target_sparsity: float = setting(
        0.3,
        "How much to close; what it is a fraction of depends on the recipe.",
        group=_METHOD,
        minimum=0.0,
        maximum=0.95,
    )
    gate_law: str = setting(
        "gaussian",
        "Distribution of a gate during training; projected: none, the lowest gates are closed for "
        "the whole budget in every step.",
        group=_METHOD,
        choices=tuple(LAWS),
    )
    gate_sampling_sigma: float | None = setting(
        None,
        "Noise of a gaussian gate during training; the law's own if empty.",
        group=_METHOD,
        minimum=0.001,
        maximum=2.0,
    )
    gate_sides: str = setting(
        "both",
        "Gate the inputs (columns), the outputs (rows) or both of each matrix.",
        group=_METHOD,
        choices=("both", "in", "out"),
    )
    gate_units: tuple[str, ...] = setting(
        (AUTO,),
        "What a gate stands for: a row or column of one matrix (the paper), or structures that go "
        "as a whole: units, and presets of them. hidden: dimensions of the whole model. auto: "
        "matrices of an encoder; neurons, values and pairs (or heads) of a decoder.",
        group=_METHOD, choices=CHOICES,
    )  # fmt: skip
    gate_shape: str = setting(
        FREE,
        "Whether layers may keep different numbers of each kind of gate, or every layer keeps as "
        "many (uniform; the preset plain always is).",
        group=_METHOD, choices=(FREE, UNIFORM),
    )  # fmt: skip
    gate_multiple: int = setting(
        1,
        "So many rows or columns of one width close together when gates are rounded: widths stay "
        "multiples of it, as 8, 16 or 64 that hardware likes.",
        group=_METHOD, minimum=1, maximum=256,
    )  # fmt: skip
    gate_start: str = setting(
        AUTO,
        "Gates begin alike, or in the order in which the loss feels them for the weights that they "
        "free (one pass over a few batches), all open. auto: alike in an encoder, in order in a "
        "decoder.",
        group=_METHOD, choices=(AUTO, EVEN, SENSITIVE),
    )  # fmt: skip
    target_modules: tuple[str, ...] = setting(
        ROLES,
        "Which matrices of each layer carry gates or, in a dense method, its update.",
        group=_METHOD,
        choices=ROLES,
    )
    penalty: str = setting(
        BUDGET,
        "budget: one for the whole model; abs, hinge: a target for each gate vector.",
        group=_METHOD,
        choices=PENALTIES,
    )
    penalty_weight: float = setting(
        1.0,
        "Weight of the sparsity penalty (lambda); 'budget' learns its own.",
        group=_METHOD,
        minimum=0.0,
    )
    budget_counts: str = setting(
        WEIGHTS,
        "What 'budget' and rounding count: the gated weights, all parameters of the model, its "
        "multiply-accumulates for a row, or the time of a pass, measured before the training.",
        group=_METHOD, choices=COUNTS,
    )  # fmt: skip
    budget_length: int = setting(
        128, "Tokens of the rows whose multiply-accumulates or time a budget counts.",
        group=_METHOD, minimum=1, maximum=8192, unit="tokens",
    )  # fmt: skip
    budget_batch_size: int = setting(
        32, "Rows of the pass whose time a budget counts.", group=_METHOD, minimum=1,
        maximum=4096, unit="rows",
    )  # fmt: skip
    target_warmup_fraction: float = setting(
        0.6,
        "Share of the training over which 'budget' raises its target from 0.",
        group=_METHOD,
        minimum=0.0,
        maximum=1.0,
    )
    target_schedule: str = setting(
        LINEAR,
        "How 'budget' raises its target: evenly, or fast at first and ever slower (cubic).",
        group=_METHOD,
        choices=SCHEDULES,
    )
    target_delay_fraction: float = setting(
        0.0,
        "Share of the training before 'budget' begins: the task is learned first.",
        group=_METHOD,
        minimum=0.0,
        maximum=0.9,
    )
    final_stretch_fraction: float = setting(
        0.3,
        "Share of the training that is left once the gates are rounded to the budget.",
        group=_METHOD,
        minimum=0.0,
        maximum=0.9,
    )
    rounding: bool = setting(
        True,
        "At last close exactly the lowest gates that the target, as removed weights or what else "
        "the budget counts, asks for.",
        group=_METHOD,
    )
    kurtosis_weighting: bool = setting(
        False,
        "Weigh gates in the penalty by the kurtosis of what they gate (arXiv 2602.09169).",
        group=_METHOD,
    )
    train_biases: bool = setting(True, "Train the biases of gated matrices too.", group=_METHOD)
    train_layer_norms: bool = setting(
        False, "Train the layer norms of the encoder too.", group=_METHOD
    )
    lora_rank: int = setting(
        0,
        "Rank of the low-rank update (LoRA, LoRA-XS, VeRA, PoLAR, loretta-rep, adamix-lora; of "
        "LoRTA's tensor; of one block of MELoRA; the largest that Shears draws); 0 is none.",
        group=_METHOD,
        minimum=0,
        maximum=4096,
    )
    lora_alpha: float = setting(
        16.0, "The low-rank update is scaled by this over its rank.", group=_METHOD, minimum=0.0
    )
    lora_place: str = setting(
        "inside",
        "Low-rank update inside its matrix's gates, where it shrinks and merges with the matrix, "
        "or outside, where it keeps its full width.",
        group=_METHOD,
        choices=("inside", "outside"),
    )
    sparta_density: float = setting(
        0.01,
        "Share of the entries that are trained: of each matrix by SpaRTA and by dynamic subset "
        "tuning, of all target matrices together by SaRA.",
        group=_METHOD,
        minimum=1e-5,
        maximum=1.0,
    )
    sara_rank_penalty: float = setting(
        0.0,
        "Weight of the nuclear norm of SaRA's trained entries, of one matrix drawn at each step; "
        "its authors' 5e-4 costs a singular value decomposition a step.",
        group=_METHOD, minimum=0.0, maximum=1.0,
    )  # fmt: skip
    shears_sparsity: float = setting(
        0.5,
        "Share of each row's weights that Shears sets to 0 before training.",
        group=_METHOD, minimum=0.0, maximum=0.95,
    )  # fmt: skip
    compacter_reduction: int | None = setting(
        None,
        "Width of the model over the width of a Compacter adapter; 24 for 768 wide, else 32.",
        group=_METHOD,
        minimum=1,
        maximum=1024,
    )
    compacter_terms: int = setting(
        4, "Kronecker terms (n) of a Compacter weight.", group=_METHOD, minimum=1, maximum=64
    )
    melora_blocks: int = setting(
        2,
        "Low-rank updates on the diagonal of each matrix (MELoRA); it divides both sides of all.",
        group=_METHOD, minimum=1, maximum=4096,
    )  # fmt: skip
    polar_penalty: float = setting(
        1.0,
        "How strongly PoLAR's factors are drawn back to orthonormal ones (lambda).",
        group=_METHOD, minimum=0.0, maximum=1000.0,
    )  # fmt: skip
    bottleneck_width: int = setting(
        16,
        "Width between the two halves of an AdaMix or LoRETTA adapter.",
        group=_METHOD,
        minimum=1,
        maximum=4096,
    )
    tensor_train_rank: int = setting(
        5, "Rank between the cores of a LoRETTA weight.", group=_METHOD, minimum=1, maximum=256
    )
    num_experts: int = setting(
        4,
        "Experts of AdaMix, of which each training pass draws one; their mean is kept.",
        group=_METHOD,
        minimum=1,
        maximum=64,
    )
    head_start: str = setting(
        DRAWN,
        "How a head begins that no start_from gives: fitted to the training rows in one pass, or "
        "drawn at random.",
        group=_METHOD,
        choices=(FITTED, DRAWN),
    )
    teacher: str | None = setting(
        None,
        "To be imitated (self-distillation): the id of a finished dense run on the same data, "
        f"'{START_TEACHER}' for the model that start_from names, or '{BASE_TEACHER}' for a "
        "pretrained language model with every gate open: its weights are there already, unless "
        "the recipe trains them.",
        group=_METHOD,
    )
    distillation_weight: float = setting(
        0.5,
        "Share of the loss that imitates the teacher, if there is one.",
        group=_METHOD,
        minimum=0.0,
        maximum=1.0,
    )
    distillation_temperature: float = setting(
        2.0, "Softens teacher and student alike.", group=_METHOD, minimum=0.1, maximum=20.0
    )
    hidden_distillation_weight: float = setting(
        0.0,
        "Weight of imitating the teacher's hidden states too, after each layer; 0 is not to. The "
        "teacher then stays in memory, and reads every batch.",
        group=_METHOD, minimum=0.0, maximum=100.0,
    )  # fmt: skip
    dropout: float | None = setting(
        None, "Dropout of the encoder; the model's own if empty.", group=_METHOD,
        minimum=0.0, maximum=0.9,
    )  # fmt: skip
    # training
    epochs: int = setting(5, "Passes over the training rows.", group=_TRAINING, minimum=1)
    batch_size: int = setting(32, "Rows in a step.", group=_TRAINING, minimum=1, unit="rows")
    learning_rate: float = setting(
        3e-3, "Rate of the head and the biases.", group=_TRAINING, minimum=0.0, maximum=1.0
    )
    gate_learning_rate: float = setting(
        2e-2, "Rate of the gates.", group=_TRAINING, minimum=0.0, maximum=1.0
    )
    adapter_learning_rate: float = setting(
        1e-3,
        "Rate of low-rank matrices and adapters.",
        group=_TRAINING,
        minimum=0.0,
        maximum=1.0,
    )
    encoder_learning_rate: float = setting(
        1e-4,
        "Rate of the encoder's weights in full fine-tuning.",
        group=_TRAINING,
        minimum=0.0,
        maximum=1.0,
    )
    weight_decay: float = setting(
        0.0,
        "AdamW's decay of head, low-rank matrices and adapters.",
        group=_TRAINING,
        minimum=0.0,
        maximum=1.0,
    )
    lr_schedule: str = setting(
        "linear",
        "Rate over the training: falling to 0, or constant.",
        group=_TRAINING,
        choices=("linear", "constant"),
    )
    lr_warmup_fraction: float = setting(
        0.0, "Share of the training over which the rates rise from 0.", group=_TRAINING,
        minimum=0.0, maximum=0.9,
    )  # fmt: skip
    max_grad_norm: float = setting(
        1.0, "Gradients are clipped to this norm; 0 is never.", group=_TRAINING, minimum=0.0
    )
    eval_steps: int | None = setting(
        None,
        "Evaluate every this many steps; if empty, twice an epoch, or as often as a tenth of the "
        "training's time allows.",
        group=_TRAINING,
        minimum=1,
        unit="steps",
    )
    seed: int = setting(
        0, "Seed of head, order and noise.", group=_TRAINING, minimum=0, maximum=MAX_SEED
    )
    # hardware
    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps.", group=_HARDWARE)
    num_processes: int = setting(
        1,
        "Processes that train it together, a GPU for each; on the CPU they share its cores.",
        group=_HARDWARE, minimum=1, maximum=64,
    )  # fmt: skip
    base_dtype: str = setting(
        FLOAT32,
        "What the pretrained weights are held in. bfloat16 halves their memory; they are then not "
        "trained themselves, and products are computed in bf16.",
        group=_HARDWARE, choices=(FLOAT32, BFLOAT16),
    )  # fmt: skip
    gradient_checkpointing: bool = setting(
        False,
        "Keep each layer's input alone and compute the rest again in the backward pass: much less "
        "memory for about a third more time.",
        group=_HARDWARE,
    )
    precision: str = setting(
        "auto",
        "bf16 where the hardware computes in it, else fp32.",
        group=_HARDWARE,
        choices=("auto", "bf16", "fp32"),
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if self.task in OWN_FILE_TASKS and not self.data:
            raise SpecError(f"task is '{self.task}' but no file was given; set data to its path.")
        if self.data and self.task not in OWN_FILE_TASKS:
            raise SpecError(
                f"Both data='{self.data}' and task='{self.task}' were given; a file is its own "
                "task: leave task out, or leave data out."
            )
        given = [name for name in OF_A_FILE if getattr(self, name) != FIELDS[name].default]
        if given and self.task not in OWN_FILE_TASKS:
            what = "columns" if given[0].endswith("column") else "rows"
            raise SpecError(
                f"{given[0]} was given, but the task '{self.task}' has its own {what}; leave it "
                "out, or give a file with data."
            )
        _check_columns(self)
        _check_encoding(self.encoding)
        if {"merge_rare_classes", "drop_rare_classes"} <= {*self.cleaning}:
            raise SpecError(
                "cleaning has both merge_rare_classes and drop_rare_classes; choose one of them."
            )
        _check_processes(self)
        if not self.target_modules:
            raise SpecError(f"target_modules is empty; name at least one of {', '.join(ROLES)}.")
        _check_teaching(self)
        _check_map(self)
        _check_base(self)
        _check_units(self)
        _check_order(self)
        _check_law(self)
        _check_counting(self)
        if self.target_sparsity and not METHODS[self.method].removes:
            removing = ", ".join(name for name, method in METHODS.items() if method.removes)
            raise SpecError(
                f"target_sparsity is {self.target_sparsity}, but '{self.method}' removes nothing; "
                f"leave it out, or choose one of: {removing}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Every setting as JSON types."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}

    def steps_per_epoch(self, num_rows: int) -> int:
        """Optimizer steps of one pass over this many training rows."""
        return -(-num_rows // self.batch_size)

    def total_steps(self, num_rows: int) -> int:
        """Optimizer steps of the whole training on this many rows."""
        return self.steps_per_epoch(num_rows) * self.epochs

    def steps_between_evaluations(self, num_rows: int, evaluation_in_steps: float) -> int:
        """``eval_steps``, or what costs little and is at most twice an epoch of this many rows.

        Args:
            num_rows: Training rows.
            evaluation_in_steps: How long an evaluation takes, in training steps.
        """
        half_an_epoch = -(-self.steps_per_epoch(num_rows) // EVALUATIONS_PER_EPOCH)
        return self.eval_steps or max(
            half_an_epoch, math.ceil(evaluation_in_steps / EVALUATION_SHARE)
        )

    @property
    def starts_from_a_run(self) -> bool:
        """Whether ``start_from`` is a run: of a checked spec a folder is the model, too."""
        return self.start_from is not None and self.start_from != self.model

    @property
    def imitates_start(self) -> bool:
        """Whether the model that the run starts from is its teacher."""
        return self.teacher == START_TEACHER

    @property
    def imitates_run(self) -> bool:
        """Whether its teacher is a finished run."""
        return self.teacher not in (None, START_TEACHER, BASE_TEACHER)

    @property
    def is_language(self) -> bool:
        """Whether it trains a causal language model, not a classifier."""
        return self.task in LANGUAGE_TASKS

    @property
    def is_uniform(self) -> bool:
        """Whether every layer keeps as many gates of each kind."""
        return self.gate_shape == UNIFORM or PLAIN in self.gate_units

    @property
    def rounds_to_budget(self) -> bool:
        """Whether the gates are at last closed to exactly the target."""
        return self.rounding and METHODS[self.method].removes

    @property
    def target_meaning(self) -> str:
        """What ``target_sparsity`` asks of this recipe, in words."""
        return METHODS[self.method].target_meaning


def _check_columns(spec: RunSpec) -> None:
    """Raises SpecError if a file's task has no such column, problem or remedy."""
    own = COLUMNS_OF_TASKS.get(spec.task, ())
    for name in (column for columns in COLUMNS_OF_TASKS.values() for column in columns):
        if getattr(spec, name) and own and name not in own:
            raise SpecError(
                f"{name} was given, but the task '{spec.task}' learns from {', '.join(own)}; leave "
                f"{name} out, or choose another task."
            )
    if spec.messages_column and (spec.prompt_column or spec.answer_column):
        raise SpecError(
            "messages_column was given beside prompt_column or answer_column; a chat holds both, "
            "so leave one of them out."
        )
    if not spec.is_language:
        return
    if spec.problem != "auto":
        raise SpecError(
            f"problem is '{spec.problem}', but the task '{spec.task}' predicts tokens; leave "
            "problem out."
        )
    if labelled := [name for name in spec.cleaning if name not in REMEDIES_OF_TEXT]:
        raise SpecError(
            f"cleaning has '{labelled[0]}', which is about labels, and the task '{spec.task}' has "
            f"none; allowed are {', '.join(REMEDIES_OF_TEXT)}."
        )


def _check_processes(spec: RunSpec) -> None:
    """Raises SpecError if several processes can't share a batch, or the method."""
    if spec.batch_size % spec.num_processes:
        raise SpecError(
            f"batch_size is {spec.batch_size} and num_processes {spec.num_processes}; each "
            "process takes an equal share of a batch, so make batch_size a multiple of it."
        )
    if spec.num_processes > 1 and METHODS[spec.method].adapter in READ_TWICE:
        raise SpecError(
            f"num_processes is {spec.num_processes}, but '{spec.method}' reads each batch twice, "
            "by experts drawn anew, which several processes can't do; take num_processes 1."
        )


def _check_units(spec: RunSpec) -> None:
    """Raises SpecError if gates of structures are asked for what they can't do."""
    units = chosen_units(spec.gate_units)
    if units not in ((AUTO,), (MATRICES,)):
        check_whole(units, spec.gate_sides, spec.target_modules, ROLES)


def _check_order(spec: RunSpec) -> None:
    """Raises SpecError if gates are ordered by an update that there is none of."""
    if METHODS[spec.method].gates == LORA_IMPORTANCE and not spec.lora_rank:
        raise SpecError(
            f"lora_rank is 0, but '{spec.method}' orders gates by the gradients of a low-rank "
            "update; set it to 1 or more, or take the method 'importance'."
        )


def _check_law(spec: RunSpec) -> None:
    """Raises SpecError if gates that are always at the budget have a target of another kind."""
    if spec.gate_law == PROJECTED and spec.penalty != BUDGET:
        raise SpecError(
            f"gate_law is '{PROJECTED}', which closes gates for a budget, and penalty "
            f"'{spec.penalty}'; leave penalty out, or choose another law."
        )


def _check_counting(spec: RunSpec) -> None:
    """Raises SpecError if a budget of something else than weights can't be held."""
    if spec.budget_counts == WEIGHTS:
        return
    if spec.penalty != BUDGET:
        raise SpecError(
            f"budget_counts is '{spec.budget_counts}', but the penalty '{spec.penalty}' aims at "
            f"gates closed; take the penalty '{BUDGET}', or count '{WEIGHTS}'."
        )
    if spec.budget_counts == TIME and spec.num_processes > 1:
        raise SpecError(
            f"budget_counts is '{TIME}' and num_processes {spec.num_processes}; time is measured "
            f"by one process, so take '{PRODUCTS}', or train with one process."
        )


def _check_teaching(spec: RunSpec) -> None:
    """Raises SpecError if a setting is about a start or a teacher that is not given."""
    for name, needs in (("start_labels", spec.start_labels), ("teacher", spec.imitates_start)):
        if needs and not spec.start_from:
            raise SpecError(
                f"{name} is {getattr(spec, name)!r}, but the run starts from no fine-tuned "
                f"model; name one with start_from, or leave {name} out."
            )
    if spec.hidden_distillation_weight and not spec.teacher:
        raise SpecError(
            f"hidden_distillation_weight is {spec.hidden_distillation_weight:g}, but the run has "
            "no teacher; name one with teacher, or leave it out."
        )


def _check_map(spec: RunSpec) -> None:
    """Raises SpecError if a map is trained beside the model, whose gradients no process shares."""
    if METHODS[spec.method].hooks and spec.hidden_distillation_weight and spec.num_processes > 1:
        raise SpecError(
            f"num_processes is {spec.num_processes}, but '{spec.method}' trains a map of hidden "
            "states beside the model, which processes can't share; train with one, or set "
            "hidden_distillation_weight to 0."
        )


def _check_base(spec: RunSpec) -> None:
    """Raises SpecError if the base weights are to stay as they are and are trained nevertheless."""
    trains_weights = METHODS[spec.method].trains_all
    if spec.base_dtype == BFLOAT16 and trains_weights:
        raise SpecError(
            f"base_dtype is {BFLOAT16}, but '{spec.method}' trains these weights, and bfloat16 "
            f"loses small steps; take {FLOAT32}, or a method that trains gates or adapters."
        )
    if spec.base_dtype == BFLOAT16 and spec.precision == "fp32":
        raise SpecError(
            f"base_dtype is {BFLOAT16} and precision fp32; weights in bfloat16 are computed with "
            "in bf16, so leave precision out."
        )
    if spec.teacher is None or not spec.is_language:
        if spec.teacher == BASE_TEACHER:
            raise SpecError(
                f"teacher is '{BASE_TEACHER}', which predicts tokens; it is for the tasks "
                f"{' and '.join(LANGUAGE_TASKS)}."
            )
        return
    if spec.imitates_run:
        raise SpecError(
            f"teacher is '{spec.teacher}'; a language model imitates what it begins as: name "
            f"'{BASE_TEACHER}', or '{START_TEACHER}' with start_from."
        )
    if spec.hidden_distillation_weight:
        raise SpecError(
            f"hidden_distillation_weight is {spec.hidden_distillation_weight:g}, but a language "
            "model imitates what its teacher predicts; leave it out."
        )


def _check_encoding(name: str | None) -> None:
    """Raises SpecError if Python reads no text in an encoding of this name."""
    try:
        known = name is None or codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):
        known = False
    if not known:
        raise SpecError(
            f"encoding is '{shortened(str(name))}', which is none that Python knows; use a name "
            "such as utf-8, utf-16, cp1252, latin-1, cp1251, shift_jis or gb18030, or leave it out."
        )


FIELDS: dict[str, dataclasses.Field] = {f.name: f for f in dataclasses.fields(RunSpec)}


def make_spec(given: Mapping[str, Any]) -> RunSpec:
    """A spec from what the user gave: his values, then the method's, then the defaults.

    Args:
        given: Setting name to value. ``None`` counts as not given. ``data`` implies
            ``task="file"``.

    Raises:
        SpecError: For an unknown setting or method, or a value that is not allowed.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    for name in chosen:
        if name not in FIELDS:
            raise SpecError(unknown_name("setting", name, FIELDS))
    method = chosen.get("method", DEFAULT_METHOD)
    if method not in METHODS:
        raise SpecError(unknown_name("method", str(method), METHODS))
    if chosen.get("data"):
        chosen.setdefault("task", FILE_TASK)
    return RunSpec(**{**_settings_of(method, chosen), **chosen})


def _settings_of(method: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A method's own settings, without a noise that was meant for another gate law.

    With those that it has where it is taught, if there is a start or a teacher.
    """
    settings = dict(METHODS[method].settings)
    if chosen.get("start_from") or chosen.get("teacher"):
        settings |= METHODS[method].taught
    if chosen.get("gate_law", settings.get("gate_law")) != settings.get("gate_law"):
        settings.pop("gate_sampling_sigma", None)
    return settings
