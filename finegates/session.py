"""A training session: model, gates, optimizer and batches of a run, ready to take steps."""

import os
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.attach import LowRank, attach_gates
from finegates.batches import Rows, evaluation_batches, tokenise
from finegates.data import TextSplits
from finegates.gates import Gates
from finegates.laws import make_law
from finegates.penalty import PENALTIES
from finegates.pretrained import load_pretrained, longest_input
from finegates.spec import RunSpec

LOG_STEPS = 5
HISTOGRAMS = 40
"""A run has about so many, however long: one of RoBERTa-large has 20 kB."""
_MULTIPLE_OF_BATCH_FOR_EVALUATION = 4


@dataclass
class Session:
    """Everything that training changes or reads.

    Attributes:
        accelerator: Device, precision and processes.
        model: The gated model, prepared by the accelerator.
        gates: Its gates.
        penalty: Open probabilities and target -> scalar.
        optimizer: AdamW over gates, low-rank matrices and the rest.
        schedule: Learning rates over the steps.
        train_rows: Tokenised training rows.
        validation: Batches of the validation rows.
        splits: The data as text.
    """

    spec: RunSpec
    accelerator: Accelerator
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    gates: Gates
    penalty: nn.Module
    optimizer: Optimizer
    schedule: LambdaLR
    train_rows: Rows
    validation: DataLoader
    splits: TextSplits

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of one pass over the training rows."""
        return self.spec.steps_per_epoch(len(self.train_rows))

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.spec.total_steps(len(self.train_rows))

    @property
    def histogram_steps(self) -> int:
        """Steps between histograms: a multiple of `LOG_STEPS`, about `HISTOGRAMS` in a run."""
        return max(LOG_STEPS, round(self.total_steps / HISTOGRAMS / LOG_STEPS) * LOG_STEPS)

    def evaluates_at(self, step: int) -> bool:
        """Whether the model is evaluated and saved after this step."""
        interval = self.spec.steps_between_evaluations(len(self.train_rows))
        return step % interval == 0 or step == self.total_steps

    @property
    def rounding_step(self) -> int | None:
        """After which step the gates are rounded to the budget; None if the recipe does not."""
        if not self.spec.rounds_to_budget:
            return None
        return max(1, round(self.total_steps * (1 - self.spec.final_stretch_fraction)))

    def target_at(self, step: int) -> float:
        """The target that the penalty aims at: raised from 0 where there is one budget."""
        spec = self.spec
        warmup = spec.target_warmup_fraction * self.total_steps if spec.rounds_to_budget else 0
        return spec.target_sparsity * (min(1.0, step / warmup) if warmup else 1.0)


def open_session(spec: RunSpec, splits: TextSplits, device: str) -> Session:
    """Loads the model, attaches gates and prepares everything for the first step.

    Raises:
        ModelError: If the model can't be loaded.
    """
    torch.manual_seed(spec.seed)
    model, tokenizer = load_pretrained(spec.model, splits.labels, splits.problem)
    gates = attach_gates(
        model,
        make_law(spec.gate_law, spec.gate_sampling_sigma),
        target_modules=spec.target_modules,
        sides=spec.gate_sides,
        train_biases=spec.train_biases,
        lora_rank=spec.lora_rank,
        lora_alpha=spec.lora_alpha,
    )
    max_length = min(spec.max_length, longest_input(model.config))
    train_rows = tokenise(tokenizer, splits.train, max_length)
    validation_rows = tokenise(tokenizer, splits.validation, max_length)
    accelerator = make_accelerator(device, spec.precision)
    penalty = PENALTIES[spec.penalty](gates.layout).to(accelerator.device)
    optimizer = AdamW(parameter_groups(model, gates, spec))
    total_steps = spec.total_steps(len(train_rows))
    schedule = LambdaLR(optimizer, rate_factors(optimizer, spec.lr_schedule, total_steps))
    eval_batch_size = spec.batch_size * _MULTIPLE_OF_BATCH_FOR_EVALUATION
    validation = evaluation_batches(validation_rows, tokenizer, eval_batch_size)
    model, optimizer, validation = accelerator.prepare(model, optimizer, validation)
    return Session(
        spec, accelerator, model, tokenizer, gates, penalty, optimizer, schedule,
        train_rows, validation, splits,
    )  # fmt: skip


def make_accelerator(device: str, precision: str) -> Accelerator:
    """An accelerator on this very device; bfloat16 where the hardware computes in it."""
    AcceleratorState._reset_state(reset_partial_state=True)
    if device == "cpu":
        os.environ.pop("ACCELERATE_TORCH_DEVICE", None)
    else:
        os.environ["ACCELERATE_TORCH_DEVICE"] = device
    return Accelerator(cpu=device == "cpu", mixed_precision=resolve_precision(device, precision))


def resolve_precision(device: str, precision: str) -> str:
    """``bf16`` or ``no``, in accelerate's words."""
    if precision == "auto":
        has_bf16 = {
            "cpu": torch.cpu._is_avx512_bf16_supported,
            "cuda": torch.cuda.is_bf16_supported,
        }.get(device.split(":")[0], bool)
        precision = "bf16" if has_bf16() else "fp32"
    return "bf16" if precision == "bf16" else "no"


def parameter_groups(model: PreTrainedModel, gates: Gates, spec: RunSpec) -> list[dict]:
    """Trained parameters in groups, each with its rate."""
    low_rank = [p for m in model.modules() if isinstance(m, LowRank) for p in m.parameters()]
    special = {id(p) for p in (*low_rank, gates.parameter)}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in special]
    matrices = [p for p in rest if p.ndim > 1]
    vectors = [p for p in rest if p.ndim <= 1]
    decay = spec.weight_decay
    groups = [
        {"name": "gates", "params": [gates.parameter], "lr": spec.gate_learning_rate},
        {"name": "low_rank", "params": low_rank, "lr": spec.lora_learning_rate},
        {"name": "matrices", "params": matrices, "lr": spec.learning_rate},
        {"name": "vectors", "params": vectors, "lr": spec.learning_rate},
    ]
    for group in groups:
        group["weight_decay"] = decay if group["name"] in ("low_rank", "matrices") else 0.0
    return [group for group in groups if group["params"]]


def rate_factors(optimizer: Optimizer, schedule: str, total_steps: int) -> list:
    """For each group the factor on its rate at a step; gates keep theirs."""

    def falling(step: int) -> float:
        return max(0.0, 1 - step / total_steps)

    def constant(step: int) -> float:
        return 1.0

    return [
        falling if schedule == "linear" and group["name"] != "gates" else constant
        for group in optimizer.param_groups
    ]
