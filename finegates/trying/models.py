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


class DenseAndPruned:
    """Holds a run's model; makes the smaller one of a cut when it is asked for, and keeps the last.

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
        self._model, self._tokenizer = restore_model(run)
        if not hasattr(self._model, GATES_NAME):
            raise ModelError(f"{run.id} was trained without gates; it has no pruned model.")
        self._spec = run.spec
        regression = run.record["data"]["problem"] == "regression"
        self._labels = () if regression else tuple(map(str, run.record["data"]["labels"]))
        self._max_length = min(run.spec.max_length, longest_input(self._model.config))
        self._dense: Shrunk = shrink(self._model, remove=0.0)
        self._made: tuple[Cut, Shrunk, float] | None = None
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
        pruned, removed = self._pruned(question.cut)
        tokens = len(self._tokenizer(*question.texts)["input_ids"])
        encoded = dict(
            self._tokenizer(
                *question.texts, truncation=True, max_length=self._max_length, return_tensors="pt"
            )
        )
        classes, read = bool(self._labels), encoded["input_ids"].shape[1]
        dense, small = (_opinion(model, encoded, classes) for model in (self._dense, pruned))
        return Reply(self._labels, dense, small, removed, tokens, read)

    def _pruned(self, cut: Cut) -> tuple[Shrunk, float]:
        if self._made is None or self._made[0] != cut:
            gates = gates_of(self._model)
            closed = gates_to_prune(gates.layout, gates.law, gates.means_array(), cut)
            removed = removal(gates.layout, closed).removed_weights_fraction
            small = shrink(self._model, threshold=cut.threshold, remove=cut.remove)
            self._made = (cut, small, removed)
        return self._made[1:]


@torch.inference_mode()
def _opinion(model: PreTrainedModel, encoded: dict[str, Tensor], classes: bool) -> Opinion:
    logits = model(**encoded).logits[0].float()
    return Opinion(tuple((logits.softmax(-1) if classes else logits).tolist()))
