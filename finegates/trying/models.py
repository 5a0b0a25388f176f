"""A finished run's model twice, with nothing removed and pruned, answering one text at a time."""

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.errors import ModelError, SpecError
from finegates.gates.cuts import AS_TRAINED, Cut, gates_to_prune
from finegates.gates.removal import removal
from finegates.nn.attach import GATES_NAME, gates_of
from finegates.nn.pretrained import longest_input
from finegates.runs.folder import Run
from finegates.shrinking.models import Shrunk
from finegates.shrinking.shrink import shrink
from finegates.training.restore import restore_model
from finegates.trying.messages import Opinion, Question, Reply, text_counts

_WARM_UP = "A few words to warm up."


class Gated:
    """A run's model with its gates; makes the smaller one of a cut when asked, and keeps the last.

    Args:
        run: A finished run with gates.

    Attributes:
        model: The model.
        tokenizer: Its tokenizer.

    Raises:
        RunError: If it is not finished, or its weights are gone.
        ModelError: If it has no gates, or its base model can't be loaded.
    """

    def __init__(self, run: Run) -> None:
        self.model, self.tokenizer = restore_model(run)
        if not hasattr(self.model, GATES_NAME):
            raise ModelError(f"{run.id} was trained without gates; it has no pruned model.")
        self._made: tuple[Cut, Shrunk, float] | None = None

    def pruned(self, cut: Cut) -> tuple[Shrunk, float]:
        """The smaller model at a cut, and the fraction of the weights that it lacks."""
        if self._made is None or self._made[0] != cut:
            gates = gates_of(self.model)
            closed = gates_to_prune(gates.layout, gates.law, gates.means_array(), cut)
            removed = removal(gates.layout, closed).removed_weights_fraction
            small = shrink(self.model, threshold=cut.threshold, remove=cut.remove)
            self._made = (cut, small, removed)
        return self._made[1:]


class DenseAndPruned:
    """A run's classifier twice.

    The dense one is the run's with every gate open, as
    `finegates.measuring.evaluation.dense_and_cut` has it: gates that training had closed are just
    above closing.

    Args:
        run: A finished run with gates.

    Raises:
        RunError: If it is not finished, or its weights are gone.
        ModelError: If it has no gates, or its base model can't be loaded.
    """

    def __init__(self, run: Run) -> None:
        self._gated, self._spec = Gated(run), run.spec
        model, self._tokenizer = self._gated.model, self._gated.tokenizer
        regression = run.record["data"]["problem"] == "regression"
        self._labels = () if regression else tuple(map(str, run.record["data"]["labels"]))
        self._max_length = min(run.spec.max_length, longest_input(model.config))
        self._dense: Shrunk = shrink(model, remove=0.0)
        texts = (_WARM_UP,) * text_counts(run.spec)[0]
        self.answer(Question(texts, AS_TRAINED))

    def answer(self, question: Question) -> Reply:
        """What both models say.

        Raises:
            SpecError: If the run's task takes another number of texts.
        """
        if len(question.texts) not in (allowed := text_counts(self._spec)):
            raise SpecError(
                f"{len(question.texts)} text{'s were' if len(question.texts) > 1 else ' was'} "
                f"given; {self._spec.task} takes {' or '.join(map(str, allowed))}."
            )
        pruned, removed = self._gated.pruned(question.cut)
        tokens = len(self._tokenizer(*question.texts)["input_ids"])
        encoded = dict(
            self._tokenizer(
                *question.texts, truncation=True, max_length=self._max_length, return_tensors="pt"
            )
        )
        classes, read = bool(self._labels), encoded["input_ids"].shape[1]
        dense, small = (_opinion(model, encoded, classes) for model in (self._dense, pruned))
        return Reply(self._labels, dense, small, removed, tokens, read)


@torch.inference_mode()
def _opinion(model: PreTrainedModel, encoded: dict[str, Tensor], classes: bool) -> Opinion:
    logits = model(**encoded).logits[0].float()
    return Opinion(tuple((logits.softmax(-1) if classes else logits).tolist()))
