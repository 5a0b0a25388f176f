"""What a language model is asked to go on from, and what it wrote, as files in ``tasks/try``.

    prompt.json    written by the client
    taken.json     the same, taken by the process, which removes it as soon as it writes
    writing.json   what it wrote so far: replaced as tokens come, removed when the process ends
    stop           left by the client: what is being written ends at its next token

A run has one of each, so every page that looks at the run sees the same. Loads no torch.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from finegates.errors import RunError, SpecError
from finegates.gates.cuts import Cut
from finegates.spec import MAX_SEED

PROMPT_FILE, TAKEN_FILE = "prompt.json", "taken.json"
WRITING_FILE, STOP_FILE = "writing.json", "stop"
MOST_PROMPT_CHARACTERS = 20_000
MOST_NEW_TOKENS = 256
HIGHEST_TEMPERATURE = 2.0
"""Above it words come nearly as if drawn by lot."""
ENDED, FULL, LENGTH, STOPPED = "ended", "full", "length", "stopped"
"""Why a continuation is over: the model ended its text, its context is full, there are as many
tokens as were asked for, somebody stopped it."""


@dataclass(frozen=True)
class Prompt:
    """What both models go on from.

    Attributes:
        text: As it was typed.
        cut: Where the gates of the pruned model are cut off.
        new_tokens: The most that each writes.
        temperature: 0 takes the likeliest token each time; above it they are drawn, and the higher
            the more freely.
        seed: Of the draws; both models have the same.

    Raises:
        SpecError: If one of them is out of range.
    """

    text: str
    cut: Cut
    new_tokens: int = 64
    temperature: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise SpecError("The prompt is empty; write how a text begins.")
        if len(self.text) > MOST_PROMPT_CHARACTERS:
            raise SpecError(
                f"The prompt has {len(self.text):,} characters; at most "
                f"{MOST_PROMPT_CHARACTERS:,} are read."
            )
        for name, low, high in (("new_tokens", 1, MOST_NEW_TOKENS), ("seed", 0, MAX_SEED)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise SpecError(f"{name} is {value}; allowed is a whole number, {low} to {high}.")
        heat = self.temperature
        if type(heat) not in (int, float) or not 0 <= heat <= HIGHEST_TEMPERATURE:
            raise SpecError(f"temperature is {heat}; allowed is 0 to {HIGHEST_TEMPERATURE:g}.")

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        content = asdict(self)
        return content | content.pop("cut")

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Prompt":
        """The inverse of `to_dict`; checks what it reads."""
        cut = [content.get(name) for name in ("threshold", "remove")]
        if not all(type(value) in (int, float) for value in cut if value is not None):
            raise SpecError("A prompt has a number 'remove' or 'threshold'.")
        others = ("text", "new_tokens", "temperature", "seed")
        if missing := [name for name in others if name not in content]:
            raise SpecError(f"A prompt has '{missing[0]}', and this has none.")
        return cls(cut=Cut(*cut), **{name: content[name] for name in others})


@dataclass(frozen=True)
class Continuation:
    """What one model wrote so far.

    Attributes:
        text: Without the prompt.
        tokens: Of it; the one that ends a text counts.
        prompt_s: What reading the prompt took, which gives the first token.
        decode_s: What the other tokens took.
        over: Why nothing more comes; empty while something does.
    """

    text: str = ""
    tokens: int = 0
    prompt_s: float = 0.0
    decode_s: float = 0.0
    over: str = ""

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens a second after the first; None before there are two."""
        return (self.tokens - 1) / self.decode_s if self.tokens > 1 and self.decode_s else None


@dataclass(frozen=True)
class Writing:
    """Where both stand.

    Attributes:
        prompt: What they go on from.
        prompt_tokens: Of it, as the models read it; 0 before it was read.
        removed_weights_fraction: What the pruned model lacks, in [0, 1].
        dense: Of the model with nothing removed.
        pruned: Of the smaller model.
        compared: Positions of the dense continuation at which the likeliest tokens of both models
            were compared; 0 until it is written.
        same: At how many of them it is the same token.
        done: Whether nothing more comes.
        error: Why nothing could be written; empty if it could.
    """

    prompt: Prompt
    prompt_tokens: int = 0
    removed_weights_fraction: float = 0.0
    dense: Continuation = field(default_factory=Continuation)
    pruned: Continuation = field(default_factory=Continuation)
    compared: int = 0
    same: int = 0
    done: bool = False
    error: str = ""

    @property
    def agreement(self) -> float | None:
        """The share of positions with the same likeliest token, in [0, 1]; None if unknown."""
        return self.same / self.compared if self.compared else None

    @property
    def was_stopped(self) -> bool:
        """Whether somebody stopped it."""
        return STOPPED in (self.dense.over, self.pruned.over)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {**asdict(self), "prompt": self.prompt.to_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Writing":
        """The inverse of `to_dict`.

        Raises:
            RunError: If it is no writing.
        """
        try:
            sides = {side: Continuation(**content[side]) for side in ("dense", "pruned")}
            return cls(**{**content, "prompt": Prompt.from_dict(content["prompt"]), **sides})
        except (KeyError, TypeError, SpecError) as error:
            raise RunError(f"What was written can't be read: {error!r}.") from error
