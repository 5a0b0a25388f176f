"""What a method does around a training step, beyond what its layers compute."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from transformers import PreTrainedModel

from finegates.nn.imitation import hidden_loss
from finegates.spec import RunSpec


@dataclass(frozen=True)
class Moment:
    """Where a training is.

    Attributes:
        step: The optimizer step that is taken now, from 1.
        total_steps: Of the whole training.
    """

    step: int
    total_steps: int


class Hooks:
    """Does nothing: a method overrides what it needs, and the loop calls all of them at their time.

    What hooks remember is in the model's ``state_dict``, so that a training that is resumed goes on
    as it was. What they draw comes from torch's global generator, which is seeded for each step.

    Args:
        model: The adapted model, as it is before the accelerator prepares it.

    Attributes:
        reads_twice: Whether each batch is read a second time, see `agreement`.
    """

    reads_twice = False

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model

    @classmethod
    def attach(cls, model: PreTrainedModel, spec: RunSpec) -> list[nn.Parameter]:
        """Puts on a model what its training needs besides (`finegates.adapters.aids.Aid`).

        Returns:
            What of it is trained, at the adapter's rate.
        """
        return []

    def before_training(self, batches: Iterable[Mapping[str, Tensor]]) -> None:
        """Before the first step, not where a training goes on.

        Args:
            batches: The first training rows, on the model's device, with their labels.
        """

    def before_step(self, moment: Moment, optimizer: Optimizer) -> None:
        """Before a batch is read; the optimizer's state may be changed."""

    def extra_loss(self, moment: Moment, batch: Mapping[str, Tensor], output: Any) -> Tensor | None:
        """What the loss has besides, a scalar; None for nothing.

        Args:
            moment: Where the training is.
            batch: What was read, with its labels.
            output: What the model answered.
        """

    def agreement(self, first: Tensor, second: Tensor) -> Tensor:
        """How far two readings of a batch are apart, a scalar, where `reads_twice`.

        Args:
            first: Logits of the reading whose loss is the task's, shape ``(rows, classes)``.
            second: The same of the other.
        """
        raise NotImplementedError

    def hidden_loss(
        self, student: Sequence[Tensor], teacher: Sequence[Tensor], mask: Tensor | None
    ) -> Tensor:
        """How far hidden states are from a teacher's, where a run imitates them: a scalar.

        Args:
            student: After the embeddings and each layer, each of shape ``(rows, tokens, width)``.
            teacher: The same of the teacher, without gradients.
            mask: True for tokens that are no padding, as `finegates.nn.imitation.hidden_loss`.
        """
        return hidden_loss(student, teacher, mask)

    def after_backward(self, moment: Moment) -> None:
        """Gradients are there and clipped; what is changed in them is what the optimizer sees."""

    def after_step(self, moment: Moment) -> None:
        """The optimizer has moved what is trained."""
