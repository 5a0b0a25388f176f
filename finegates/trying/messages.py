"""What a page asks a tried model and what it answers, as files in a run's folder ``tasks/try``.

    <id>.question.json   written by the client, removed by the process that answers
    <id>.answer.json     the other way round
    ready.json           that process: pid and creation time; ``ending`` once it no longer answers

Files need no port, work wherever a run's folder is, and can't be reached from a network. Loads no
torch.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finegates.data.glue import TASKS
from finegates.errors import RunError, SpecError
from finegates.gates.cuts import Cut
from finegates.jobs.tasks import TASKS_FOLDER
from finegates.runs.folder import Run
from finegates.spec import FILE_TASK, RunSpec

TRY_TASK = "try"
READY_FILE = "ready.json"
QUESTION, ANSWER = ".question.json", ".answer.json"
MOST_CHARACTERS = 2_000
"""Of a text; models read at most 512 tokens, which is about as much."""
IDLE_S = 600.0
POLL_S = 0.03


@dataclass(frozen=True)
class Question:
    """One or two texts, and where the gates of the pruned model are cut off.

    Raises:
        SpecError: If a text is empty or too long, or there are more than two.
    """

    texts: tuple[str, ...]
    cut: Cut

    def __post_init__(self) -> None:
        if not 1 <= len(self.texts) <= 2:
            raise SpecError(f"{len(self.texts)} texts were given; a model reads one or two.")
        for text in self.texts:
            if not isinstance(text, str) or not text.strip():
                raise SpecError("A text is empty; write a sentence.")
            if len(text) > MOST_CHARACTERS:
                raise SpecError(
                    f"A text has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read."
                )

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"texts": list(self.texts), **asdict(self.cut)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Question":
        """The inverse of `to_dict`; checks what it reads."""
        texts, cut = content.get("texts"), [content.get(n) for n in ("threshold", "remove")]
        numbers = [value for value in cut if value is not None]
        if not isinstance(texts, list) or not all(type(n) in (int, float) for n in numbers):
            raise SpecError("A question has a list 'texts' and a number 'remove' or 'threshold'.")
        return cls(tuple(texts), Cut(*cut))


@dataclass(frozen=True)
class Opinion:
    """What one model says.

    Attributes:
        values: The probability of each class, or the one number of a regression.
    """

    values: tuple[float, ...]

    @property
    def choice(self) -> int:
        """The class of the highest probability."""
        return max(range(len(self.values)), key=self.values.__getitem__)


@dataclass(frozen=True)
class Reply:
    """What both models say.

    Attributes:
        labels: Class names in id order; empty for a regression.
        dense: Of the model with nothing removed.
        pruned: Of the smaller model.
        removed_weights_fraction: What the smaller one lacks, in [0, 1].
        tokens: Of the question.
        read_tokens: How many of them the models read; the rest is cut off, as in training.
    """

    labels: tuple[str, ...]
    dense: Opinion
    pruned: Opinion
    removed_weights_fraction: float
    tokens: int
    read_tokens: int

    @property
    def agree(self) -> bool:
        """Whether both choose the same class; always so for a regression."""
        return not self.labels or self.dense.choice == self.pruned.choice

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Reply":
        """The inverse of `dataclasses.asdict`.

        Raises:
            RunError: If it is an error, or not an answer.
        """
        if "error" in content:
            raise RunError(str(content["error"]))
        try:
            sides = {side: Opinion(tuple(content[side]["values"])) for side in ("dense", "pruned")}
            return cls(**{**content, "labels": tuple(content["labels"]), **sides})
        except (KeyError, TypeError) as error:
            raise RunError(f"The answer can't be read: {error!r}.") from error


def try_folder(run: Run) -> Path:
    """Where questions and answers are."""
    return run.path / TASKS_FOLDER / TRY_TASK


def text_counts(spec: RunSpec) -> tuple[int, ...]:
    """How many texts a question to a run's model may have; both where its file decides."""
    if spec.task in TASKS:
        return (len(TASKS[spec.task].texts),)
    if spec.task != FILE_TASK:
        return (1,)
    if spec.pair_column:
        return (2,)
    return (1,) if spec.text_column else (1, 2)
