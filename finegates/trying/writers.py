"""A finished run's language model twice, dense and pruned, both going on from one prompt.

They take turns, token by token, so both grow together and are timed under the same load.
"""

import copy
import time
from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.errors import SpecError
from finegates.nn.pretrained import longest_input
from finegates.runs.folder import Run
from finegates.runs.measurements import NOTHING_REMOVED
from finegates.shrinking.fold import fold_into
from finegates.shrinking.shrink import prune
from finegates.spec import INSTRUCTIONS_TASK
from finegates.training.token_rows import prompt_ids
from finegates.trying.continuations import (
    ENDED,
    FULL,
    LENGTH,
    STOPPED,
    Continuation,
    Prompt,
    Writing,
)
from finegates.trying.models import Gated

TELL_EVERY_S = 0.15
_UNFINISHED = "\N{REPLACEMENT CHARACTER}"
"""What a character is shown as whose last bytes are in a token to come."""


class DenseAndPrunedWriters:
    """A run's language model twice.

    The dense one is of the type's own class at its full size, every gate open; those that training
    had closed are just above closing, as in `finegates.measuring.evaluation.dense_and_cut`.

    Args:
        run: A finished run of a language task, with gates.

    Raises:
        RunError: If it is not finished, or its weights are gone.
        ModelError: If it has no gates, or its base model can't be loaded.
    """

    def __init__(self, run: Run) -> None:
        self._gated, self._asks = Gated(run), run.spec.task == INSTRUCTIONS_TASK
        self._tokenizer = self._gated.tokenizer
        self._dense = copy.deepcopy(self._gated.model)
        prune(self._dense, NOTHING_REMOVED)
        fold_into(self._dense)
        self._longest = longest_input(self._dense.config)
        self._ends = _ends_of_text(self._dense, self._tokenizer)

    @torch.inference_mode()
    def write(
        self, prompt: Prompt, tell: Callable[[Writing], None], stopped: Callable[[], bool]
    ) -> Writing:
        """Has both go on from a prompt.

        Args:
            prompt: What they go on from.
            tell: Is given what is written so far, now and then.
            stopped: Is asked before each token, and before the comparison, whether that is all.

        Returns:
            What was written, done; not compared if it was stopped.

        Raises:
            SpecError: If the prompt leaves no room in the model's context.
            DataError: If the chat template refuses the prompt.
        """
        ids = prompt_ids(self._tokenizer, prompt.text, asks=self._asks)
        room = self._room(ids)
        small, removed = self._gated.pruned(prompt.cut)
        sides = [self._side(model, ids, prompt, room) for model in (self._dense, small)]
        dense, pruned = sides

        def so_far(**more: object) -> Writing:
            told = (side.told() for side in sides)
            return Writing(prompt, len(ids), removed, *told, **more)  # type: ignore[arg-type]

        told_at = 0.0
        while not all(side.over for side in sides):
            for side in sides:
                side.go_on(stopped)
            if time.monotonic() - told_at > TELL_EVERY_S:
                tell(so_far())
                told_at = time.monotonic()
        tell(so_far())
        if stopped() or STOPPED in (dense.over, pruned.over):
            return so_far(done=True)
        chosen = _likeliest(small, [*ids, *dense.ids[:-1]], len(dense.ids))
        same = sum(a == b for a, b in zip(dense.likeliest, chosen, strict=True))
        return so_far(compared=len(chosen), same=same, done=True)

    def _room(self, ids: list[int]) -> int:
        """Tokens that can be written."""
        room = self._longest - len(ids)
        if room < 1:
            raise SpecError(
                f"The prompt has {len(ids):,} tokens, and this model reads at most "
                f"{self._longest:,}: shorten it, so that there is room to go on."
            )
        return room

    def _side(self, model: PreTrainedModel, ids: list[int], prompt: Prompt, room: int) -> "_Side":
        most, why = min((prompt.new_tokens, LENGTH), (room, FULL))
        return _Side(model, self._tokenizer, ids, prompt, most, why, self._ends)


class _Side:
    """One model at work: its tokens, its cache, and what they took."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, before: list[int],
        prompt: Prompt, most: int, why_most: str, ends: set[int],
    ) -> None:  # fmt: skip
        self._model, self._tokenizer, self._before = model, tokenizer, before
        self._temperature, self._most, self._why_most = prompt.temperature, most, why_most
        self._generator = torch.Generator().manual_seed(prompt.seed)
        self._ends = ends
        self._next, self._cache = torch.tensor([before]), None
        self._seconds: list[float] = []
        self.ids: list[int] = []
        self.likeliest: list[int] = []
        self.over = ""

    def go_on(self, stopped: Callable[[], bool]) -> None:
        """Writes one token, unless it is over."""
        if self.over:
            return
        if stopped():
            self.over = STOPPED
            return
        start = time.perf_counter()
        told = self._model(
            input_ids=self._next, past_key_values=self._cache, use_cache=True, logits_to_keep=1
        )
        token = self._chosen(told.logits[0, -1].float())
        self._cache, self._next = told.past_key_values, torch.tensor([[token]])
        self._seconds.append(time.perf_counter() - start)
        self.ids.append(token)
        if token in self._ends:
            self.over = ENDED
        elif len(self.ids) == self._most:
            self.over = self._why_most

    def told(self) -> Continuation:
        """What is written so far."""
        first, *others = self._seconds or [0.0]
        return Continuation(self._text(), len(self.ids), first, sum(others), self.over)

    def _chosen(self, logits: Tensor) -> int:
        likeliest = int(logits.argmax())
        self.likeliest.append(likeliest)
        if not self._temperature:
            return likeliest
        shares = (logits / self._temperature).softmax(-1)
        return int(torch.multinomial(shares, 1, generator=self._generator))

    def _text(self) -> str:
        """What comes after the prompt; some tokenizers write a token otherwise where a text begins.

        The last character waits for all of its bytes.
        """
        before, whole = (
            self._tokenizer.decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
            for ids in (self._before, [*self._before, *self.ids])
        )
        text = str(whole)[len(before) :]
        return text if self.over else text.rstrip(_UNFINISHED)


def _likeliest(model: PreTrainedModel, ids: list[int], last: int) -> list[int]:
    """The likeliest token after each of the last ones, by one pass."""
    logits = model(input_ids=torch.tensor([ids]), logits_to_keep=last).logits[0]
    return [int(token) for token in logits.argmax(-1)]


def _ends_of_text(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    named = getattr(model.generation_config, "eos_token_id", None)
    ends = {*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id}
    return {int(end) for end in ends if end is not None}
