"""A training session: model, gates, optimizer and batches of a run, ready to take steps."""

import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from accelerate import Accelerator, DataLoaderConfiguration, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from finegates.adapters import Hooks, Moment, hooks_of
from finegates.data.blocks import check_length
from finegates.data.splits import TextSplits
from finegates.errors import ModelError, SpecError
from finegates.gates.budget import BudgetPlan
from finegates.gates.counting import TIME, WEIGHTS, Counting, LayerTimes
from finegates.gates.laws import PROJECTED
from finegates.gates.layout import GateLayout
from finegates.gates.removal import check_removable
from finegates.machine.accelerate import was_launched
from finegates.machine.devices import gpu_numbering
from finegates.methods import METHODS
from finegates.methods.method import LEARNED
from finegates.models.architectures import is_decoder_type
from finegates.models.short_runs import FINAL_STRETCH, closes_once
from finegates.nn.gates import Gates
from finegates.nn.kurtosis import gate_weights
from finegates.nn.magnitude import hold_open, magnitudes
from finegates.nn.model_parts import answering_linear
from finegates.nn.penalty import make_penalty, weigh_gates
from finegates.nn.pretrained import load_pretrained, longest_input
from finegates.nn.projection import project
from finegates.nn.sensitivity import over_kinds, sensitivities, start_in_order
from finegates.shrinking.counted import counting_of
from finegates.spec import (
    AUTO,
    BFLOAT16,
    BUDGET,
    FITTED,
    SENSITIVE,
    RunSpec,
)
from finegates.training.adapt import Adapted, adapt
from finegates.training.attention import choose_attention
from finegates.training.batches import (
    TEACHER_KEY,
    Rows,
    batches_in_order,
    by_length,
    evaluation_batches,
    labels_of,
    num_tokens,
    on_device,
    rows_of,
)
from finegates.training.distributed import Processes
from finegates.training.head_start import fit_head
from finegates.training.label_scale import LabelScale
from finegates.training.optimizer import make_optimizer, make_schedule
from finegates.training.token_loss import BaseTeacher

LOG_STEPS = 5
HISTOGRAMS = 40
"""A run has about so many, however long: one of RoBERTa-large has 20 kB."""
_MULTIPLE_OF_BATCH_FOR_EVALUATION = 4
_LOOKED_AT_BATCHES = 8
MOST_LOGITS = 2**27
"""Numbers in a scored batch's logits, half a gigabyte in float32, unless one row has more."""


@dataclass
class Session:
    """Everything that training changes or reads.

    Attributes:
        accelerator: Device and precision.
        processes: Those that train this run together.
        model: The adapted model, prepared by the accelerator.
        adapted: What the method made of the model.
        hooks: What its adapter does around a step.
        penalty: Open probabilities and target -> scalar; None for a dense method, and for gates
            that are projected on their budget.
        optimizer: AdamW over gates, adapters and the rest.
        schedule: Learning rates over the steps.
        train_rows: Tokenised training rows.
        validation: Batches of the validation rows.
        validation_labels: What `finegates.training.batches.labels_of` says of them, in the data's
            order.
        validation_order: Which of the data's validation rows they hold, one after the other.
        evaluation_steps: Steps from one evaluation to the next.
        splits: The data as text.
        label_scale: Of the labels that the model is trained on; None where it answers in their own
            unit, as a finished one does, and for classes.
        language_teacher: What a language model imitates; None for nothing.
        hidden_teacher: A frozen model whose hidden states are imitated; None if none are.
        counting: What the budget counts; None for the gated weights.
        closes_once: Whether gates that a method learns are held open and closed once, early, as the
            training is too short to learn them (`finegates.models.short_runs`).
    """

    spec: RunSpec
    accelerator: Accelerator
    processes: Processes
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    adapted: Adapted
    hooks: Hooks
    penalty: nn.Module | None
    optimizer: Optimizer
    schedule: LambdaLR
    train_rows: Rows
    validation: DataLoader
    validation_labels: np.ndarray
    validation_order: np.ndarray
    evaluation_steps: int
    splits: TextSplits
    label_scale: LabelScale | None
    language_teacher: BaseTeacher | None = None
    hidden_teacher: PreTrainedModel | None = None
    counting: Counting | None = None
    closes_once: bool = False

    @property
    def gates(self) -> Gates | None:
        """The model's gates; None for a dense method."""
        return self.adapted.gates

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
        return step % self.evaluation_steps == 0 or step == self.total_steps

    @property
    def plan(self) -> BudgetPlan:
        """When the target rises, and when the gates are rounded to it."""
        spec = self.spec
        return BudgetPlan(
            spec.target_sparsity,
            spec.target_delay_fraction if spec.penalty == BUDGET else 0.0,
            spec.target_warmup_fraction,
            FINAL_STRETCH if self.closes_once else spec.final_stretch_fraction,
            spec.target_schedule,
        )

    @property
    def rounding_step(self) -> int | None:
        """After which step the gates are rounded to the budget; None if the recipe does not."""
        return self.plan.rounding_step(self.total_steps) if self.spec.rounds_to_budget else None

    def is_rounded_at(self, step: int) -> bool:
        """Whether the gates are rounded to the budget after this step."""
        return self.rounding_step is not None and step >= self.rounding_step

    def target_at(self, step: int) -> float:
        """The target that the penalty aims at: raised from 0 where there is one budget."""
        if self.spec.penalty != BUDGET or self.spec.gate_law == PROJECTED:
            return self.spec.target_sparsity
        if self.closes_once:
            return self.spec.target_sparsity * self.is_rounded_at(step)
        return self.plan.target_at(step, self.total_steps)

    def moment(self, step: int) -> Moment:
        """Where the training is at a step."""
        return Moment(step, self.total_steps)

    def penalises_at(self, step: int) -> bool:
        """Whether a penalty is part of the loss: a budget waits for its beginning."""
        return self.plan.pushes_at(step, self.total_steps)


def open_session(
    spec: RunSpec,
    splits: TextSplits,
    device: str,
    base_model: Mapping[str, str] | None = None,
    *,
    begins: bool = True,
    start: Mapping[str, Tensor] | None = None,
    times: LayerTimes | None = None,
) -> Session:
    """Loads the model, adapts it and prepares everything for the first step.

    Args:
        spec: What to do.
        splits: The run's data.
        device: As torch names it.
        base_model: What the run has recorded of its model, where there is a run.
        begins: Whether a training begins; else its weights are loaded afterwards, and no head has
            to be fitted.
        start: State of the model that the run starts from, from `finegates.training.start`.
        times: What a budget of time counts with; needed only where a training goes on.

    Raises:
        ModelError: If the model can't be loaded, or is no longer the recorded one.
        DataError: If a regression's labels are too large, small or close for a model.
        SpecError: If the budget is more than all gates together remove of what it counts.
    """
    torch.manual_seed(spec.seed)
    model, tokenizer = load_pretrained(
        spec.model, splits.labels, splits.problem, recorded=base_model, paired=splits.has_pairs,
        base_dtype=spec.base_dtype,
    )  # fmt: skip
    scale = _label_scale(splits, model)
    train_rows, validation_rows = _rows(spec, splits, tokenizer, model)
    accelerator = make_accelerator(device, precision_of(spec))
    if start is not None:
        model.load_state_dict(start)
        if scale is not None:
            model.load_state_dict(scale.unfolded(model), strict=False)
    elif begins and spec.head_start == FITTED and not splits.is_language:
        fit_head(
            model, train_rows, tokenizer, batch_size=evaluation_batch_size(spec), seed=spec.seed,
            device=accelerator.device, label_scale=scale,
        )  # fmt: skip
    adapted = adapt(model, spec)
    once = closes_once(spec, model.config.to_dict(), len(train_rows))
    hooks = hooks_of(model, spec)
    teacher = _language_teacher(spec, splits, model, adapted)
    if spec.gradient_checkpointing:
        checkpoint_layers(model, adapted.gates)
    penalty = counting = None
    if adapted.gates is not None:
        if once:
            hold_open(adapted.gates)
        counting = _counting(model, adapted.gates.layout, spec, times)
        penalty = _driven(model, adapted.gates, spec, counting)
        penalty = penalty and penalty.to(accelerator.device)
    optimizer = make_optimizer(model, spec, adapted)
    schedule = make_schedule(
        optimizer, spec.lr_schedule, spec.total_steps(len(train_rows)), spec.lr_warmup_fraction
    )
    batch_size = scored_batch_size(spec, splits, model.config)
    validation = evaluation_batches(validation_rows, tokenizer, batch_size)
    choose_attention(model, accelerator)
    model, optimizer, validation = accelerator.prepare(model, optimizer, validation)
    session = Session(
        spec, accelerator, Processes(accelerator), model, tokenizer, adapted, hooks, penalty,
        optimizer, schedule, train_rows, validation, labels_of(splits, validation_rows),
        by_length(validation_rows),
        _evaluation_steps(spec, train_rows, validation_rows), splits, scale, teacher,
        counting=counting, closes_once=once,
    )  # fmt: skip
    if adapted.gates is not None and session.processes.count > 1:
        adapted.gates.generator = torch.Generator(accelerator.device)
    if spec.kurtosis_weighting:
        _weigh_by_kurtosis(session)
    if begins and adapted.gates is not None and _starts_in_order(session):
        start_in_order(adapted.gates, sensitivities_of(session))
    return session


def _rows(
    spec: RunSpec,
    splits: TextSplits,
    tokenizer: PreTrainedTokenizerBase,
    model: PreTrainedModel,
) -> tuple[Rows, Rows]:
    """Training and validation rows; blocks of a language model have the length asked for."""
    longest = longest_input(model.config)
    if splits.is_language:
        check_length(spec, longest)
    return rows_of(tokenizer, splits, min(spec.max_length, longest))


def _language_teacher(
    spec: RunSpec, splits: TextSplits, model: PreTrainedModel, adapted: Adapted
) -> BaseTeacher | None:
    """What a language model imitates: itself as it is before its first step."""
    if spec.teacher is None or not splits.is_language:
        return None
    return BaseTeacher(model, adapted.gates)


def _label_scale(splits: TextSplits, model: PreTrainedModel) -> LabelScale | None:
    if splits.problem != "regression":
        return None
    has_bias = answering_linear(model)[1].bias is not None
    return LabelScale.of(splits.train["label"], centred=has_bias)


def _counting(
    model: PreTrainedModel, layout: GateLayout, spec: RunSpec, times: LayerTimes | None
) -> Counting | None:
    if spec.budget_counts == TIME and times is None:
        return None
    counting = counting_of(
        model.config, layout, spec.budget_counts, length=spec.budget_length, times=times,
        language_model=spec.is_language,
    )  # fmt: skip
    if spec.penalty == BUDGET and spec.rounds_to_budget:
        check_removable(layout, spec.target_sparsity, counting)
    return None if spec.budget_counts == WEIGHTS else counting


def _driven(
    model: PreTrainedModel, gates: Gates, spec: RunSpec, counting: Counting | None
) -> nn.Module | None:
    """The penalty that drives gates to their target; None for gates that are projected on it."""
    if spec.gate_law != PROJECTED:
        return make_penalty(spec.penalty, gates.layout, counting)
    project(gates, spec.target_sparsity, counting, magnitudes(model, gates))
    return None


def _evaluation_steps(spec: RunSpec, train_rows: Rows, validation_rows: Rows) -> int:
    """Steps between evaluations; to read a token forward costs half of training on it."""
    tokens_of_a_step = num_tokens(train_rows) / spec.steps_per_epoch(len(train_rows))
    in_steps = num_tokens(validation_rows) / 2 / tokens_of_a_step
    return spec.steps_between_evaluations(len(train_rows), in_steps)


def _starts_in_order(session: Session) -> bool:
    """Whether gates begin in the order of their sensitivity; by default those of decoders do."""
    if session.gates is None or METHODS[session.spec.method].gates != LEARNED:
        return False
    start, config = session.spec.gate_start, session.accelerator.unwrap_model(session.model).config
    learned = is_decoder_type(config.model_type) and not session.closes_once
    learned = learned and session.spec.gate_law != PROJECTED  # smallest weights first
    return start == SENSITIVE or (start == AUTO and learned)


def _weigh_by_kurtosis(session: Session) -> None:
    if session.gates is None or session.penalty is None:
        return
    model = session.accelerator.unwrap_model(session.model)
    weigh_gates(session.penalty, gate_weights(model, session.gates, looked_at(session)))


def sensitivities_of(session: Session) -> np.ndarray:
    """How much the loss feels each gate, over some training rows, shape ``(num_gates,)``."""
    assert session.gates is not None
    model = session.accelerator.unwrap_model(session.model)
    found = sensitivities(model, session.gates, looked_at(session))
    return over_kinds(session.gates.layout, found)


def standardised(session: Session, batch: dict) -> dict:
    """A batch whose numbers, the teacher's too, are those that a regression is trained on."""
    if session.label_scale is None:
        return batch
    numbers = ("labels", TEACHER_KEY)
    return {
        name: session.label_scale.standardised(value) if name in numbers else value
        for name, value in batch.items()
    }


def looked_at(session: Session) -> Iterator[dict]:
    """The first training rows as they are trained on, without a teacher, on the device."""
    rows = session.train_rows[: _LOOKED_AT_BATCHES * session.spec.batch_size]
    batches = batches_in_order(rows, session.tokenizer, session.spec.batch_size)
    for batch in on_device(batches, session.accelerator.device):
        yield {k: v for k, v in standardised(session, batch).items() if k != TEACHER_KEY}


def evaluation_batch_size(spec: RunSpec) -> int:
    """Rows in a batch that needs no gradients."""
    return spec.batch_size * _MULTIPLE_OF_BATCH_FOR_EVALUATION


def scored_batch_size(spec: RunSpec, splits: TextSplits, config: PretrainedConfig) -> int:
    """Rows in a batch that is scored: of text so few that their logits take little memory."""
    size = evaluation_batch_size(spec)
    if not splits.is_language:
        return size
    return max(1, min(size, MOST_LOGITS // (spec.max_length * config.vocab_size)))


def precision_of(spec: RunSpec) -> str:
    """What a run computes in: bf16 where its weights are held in it."""
    return "bf16" if spec.base_dtype == BFLOAT16 else spec.precision


def checkpoint_layers(model: PreTrainedModel, gates: Gates | None) -> None:
    """Lets a model keep the inputs of its layers alone, and compute them again in the backward.

    Gates are drawn before the first layer, so that it does the same when it is computed again.

    Raises:
        ModelError: If transformers can't do it for this type.
    """
    if not model.supports_gradient_checkpointing:
        raise ModelError(
            f"A {model.config.model_type} model can't compute its layers again "
            "(gradient_checkpointing); leave it out."
        )
    with warnings.catch_warnings():  # a newer name of it is not in all versions yet
        warnings.simplefilter("ignore", FutureWarning)
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if gates is not None:
        gates.hooks.append(model.base_model.register_forward_pre_hook(partial(_draw, gates)))


def _draw(gates: Gates, module: nn.Module, inputs: tuple) -> None:
    gates.part(0)


def make_accelerator(device: str, precision: str) -> Accelerator:
    """An accelerator on this very device; bfloat16 where the hardware computes in it.

    One of several processes takes its own of the GPUs that they were given. Gates that are held
    have no gradient, which DistributedDataParallel looks for only if asked. A GPU gets its
    batches while it computes.

    Raises:
        SpecError: If torch can't use the device.
    """
    check_usable(device)
    AcceleratorState._reset_state(reset_partial_state=True)
    if device == "cpu" or was_launched():
        os.environ.pop("ACCELERATE_TORCH_DEVICE", None)
    else:
        os.environ["ACCELERATE_TORCH_DEVICE"] = device
    return Accelerator(
        cpu=device == "cpu",
        mixed_precision=resolve_precision(device, precision),
        dataloader_config=DataLoaderConfiguration(
            split_batches=True, non_blocking=device.startswith("cuda")
        ),
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )


def check_usable(device: str) -> None:
    """Raises SpecError unless torch can compute on a GPU, or on each of several.

    Accelerate does not ask: it takes a GPU unseen, and for several processes without one the CPU.
    CUDA numbers the GPUs as `finegates.machine.devices` does from here on.
    """
    if not device.startswith("cuda"):
        return
    os.environ.update(gpu_numbering(device))  # CUDA reads it when it is first used
    numbers = [int(name.partition(":")[2] or 0) for name in device.split(",")]
    needed = len(numbers) if was_launched() else max(numbers) + 1  # launched ones see only theirs
    if torch.version.cuda is None and torch.version.hip is None:
        why = f"this torch ({torch.__version__}) is built without CUDA: install a CUDA build of it"
    elif not torch.cuda.is_available():
        why = "torch finds no GPU: install an NVIDIA driver that fits torch's CUDA "
        why += f"{torch.version.cuda}, or a torch that fits the driver"
    elif (found := torch.cuda.device_count()) < needed:
        why = f"torch sees {found} of the {needed} GPUs that it takes: check CUDA_VISIBLE_DEVICES"
    else:
        return
    raise SpecError(f"torch can't compute on {device}; {why}, or take device cpu.")


def resolve_precision(device: str, precision: str) -> str:
    """``bf16`` or ``no``, in accelerate's words."""
    if precision == "auto":
        has_bf16 = {
            "cpu": torch.cpu._is_avx512_bf16_supported,
            "cuda": torch.cuda.is_bf16_supported,
        }.get(device.split(":")[0], bool)
        precision = "bf16" if has_bf16() else "fp32"
    return "bf16" if precision == "bf16" else "no"
