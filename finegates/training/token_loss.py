"""The loss of a language model's step, and what it imitates: the pretrained model in itself."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from finegates.nn.gates import Gates
from finegates.spec import RunSpec
from finegates.training.distributed import Processes
from finegates.training.token_rows import predicted


class BaseTeacher:
    """The dense model that a model begins as, pretrained or fine-tuned: in itself, all undone.

    For a pass its gates are open and what is trained has the values that it began with. Where that
    is adapters alone, no second model is in memory.

    Args:
        model: Adapted, before its first step; what is trained of it makes no difference yet.
        gates: Its gates, if it has any.
    """

    def __init__(self, model: PreTrainedModel, gates: Gates | None) -> None:
        self._model, self._gates = model, gates
        own = None if gates is None else gates.parameter
        trained = (p for p in model.parameters() if p.requires_grad and p is not own)
        self._began = [(p, p.detach().clone()) for p in trained]

    @torch.no_grad()
    def logits(self, batch: dict[str, Tensor]) -> Tensor:
        """What it predicts, shape ``(rows, tokens, vocabulary)``; the model is as before then."""
        model, gates, was_training = self._model, self._gates, self._model.training
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        now = [parameter.data for parameter, _ in self._began]
        try:
            for parameter, value in self._began:
                parameter.data = value.to(parameter.device)
            with all_open(gates):
                return model.eval()(**inputs, use_cache=False).logits
        finally:
            for (parameter, _), value in zip(self._began, now, strict=True):
                parameter.data = value
            model.train(was_training)


@contextlib.contextmanager
def all_open(gates: Gates | None) -> Iterator[None]:
    """Gates that are all open, whatever they are otherwise; nothing where there are none."""
    if gates is None:
        yield
        return
    gates.probe = torch.ones_like(gates.parameter)
    try:
        yield
    finally:
        gates.probe = None
        gates.forget_draw()


def language_losses(
    spec: RunSpec,
    model: nn.Module,
    batch: dict[str, Tensor],
    processes: Processes,
    teacher: BaseTeacher | None,
) -> tuple[Tensor, Tensor, CausalLMOutput]:
    """The mean loss of a batch's tokens, what is trained on, with the imitation, and the output.

    Sums over tokens are divided by the number of tokens of the whole batch, so that several
    processes weigh each token alike, however many each of them has.

    Args:
        spec: How much is imitated.
        model: As the accelerator has prepared it.
        batch: Of `finegates.training.token_rows.TokenPadding`, this process's share.
        processes: Those that train together; their gradients are averaged.
        teacher: What is imitated.
    """
    number = predicted(batch["labels"]).sum().clamp(min=1)
    if processes.count > 1:
        mean = processes.mean({"tokens": float(number)})["tokens"]
        number = torch.as_tensor(mean, device=number.device)
    taught = None if teacher is None else teacher.logits(batch)
    output = model(**batch, use_cache=False, num_items_in_batch=number)
    if taught is None:
        return output.loss, output.loss, output
    divergence = token_divergence(
        output.logits, taught, batch["labels"], spec.distillation_temperature
    )
    loss = torch.lerp(output.loss.float(), divergence / number, spec.distillation_weight)
    return output.loss, loss, output


def token_divergence(
    student: Tensor, teacher: Tensor, labels: Tensor, temperature: float
) -> Tensor:
    """The sum over predicted tokens of how far a student's next token is from its teacher's.

    Args:
        student: Logits, shape ``(rows, tokens, vocabulary)``.
        teacher: The same of the teacher.
        labels: Shape ``(rows, tokens)``.
        temperature: As `finegates.training.distillation.distillation_loss`.

    Returns:
        Kullback-Leibler divergences, a scalar.
    """
    kept = predicted(labels)
    ours, theirs = (
        functional.log_softmax(logits[:, :-1][kept].float() / temperature, -1)
        for logits in (student, teacher)
    )
    return functional.kl_div(ours, theirs, reduction="sum", log_target=True) * temperature**2
