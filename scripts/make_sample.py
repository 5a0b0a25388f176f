"""Writes the bundled sample: ``python -m scripts.make_sample`` from the repository root.

Is an English sentence well formed? Made from the word lists below only.

Sentences come in pairs, one right and one broken by a fault. The faults are such that counting
words does not help: a word is as common in right as in broken sentences, and only the way the words
go together is wrong.
"""

import csv
import io
import random
from collections.abc import Callable

import pandas as pd

from finegates.data.sample import LABELS, SAMPLE_PATH

SAMPLE_SEED = 20
TRAIN_ROWS, VALIDATION_ROWS = 2000, 400
NO_FAULT = "none"

PEOPLE, THINGS, ADJECTIVES, PREPOSITIONS, INTRANSITIVE, TRANSITIVE = (
    line.split()
    for line in (
        "farmer teacher pilot nurse singer painter driver baker doctor guard student sailor",
        "lamp letter basket bottle boat ladder coat blanket",
        "old young tall quiet tired cheerful",
        "near behind beside",
        "sneeze shiver giggle arrive stumble yawn snore hesitate",
        "repair lift damage inspect polish borrow discover select",
    )
)
TIMES = ("today", "again", "tonight", "after lunch", "every day", "in the garden", "at home")

Pair = tuple[str, str]
"""A right sentence and its broken twin, as lower-case words."""


def plural(noun: str, number: int) -> str:
    """The noun itself for ``number`` 0, its plural for 1."""
    return noun + "s" * number


def verb_present(verb: str, number: int) -> str:
    """The third person of the present: "lifts" for ``number`` 0, "lift" for 1."""
    return verb if number else verb + ("es" if verb.endswith("sh") else "s")


def subject(rng: random.Random, number: int) -> str:
    """A noun phrase with "the", half of the time with an adjective."""
    adjective = rng.choice(ADJECTIVES) + " " if rng.random() < 0.5 else ""
    return f"the {adjective}{plural(rng.choice(PEOPLE), number)}"


def predicate(rng: random.Random, number: int) -> str:
    """A verb that agrees with ``number``, with an object if it takes one."""
    if rng.random() < 0.5:
        return verb_present(rng.choice(INTRANSITIVE), number)
    return f"{verb_present(rng.choice(TRANSITIVE), number)} the {rng.choice(THINGS)}"


def agreement(rng: random.Random) -> Pair:
    """The verb has the wrong number: "the farmers sneezes"."""
    number, state = rng.randrange(2), rng.getstate()
    right = f"{subject(rng, number)} {predicate(rng, number)}"
    rng.setstate(state)
    return right, f"{subject(rng, number)} {predicate(rng, 1 - number)}"


def agreement_across(rng: random.Random) -> Pair:
    """The verb agrees with a nearer noun phrase: "the farmers near the judge sneezes"."""
    number = rng.randrange(2)
    start = f"{subject(rng, number)} {rng.choice(PREPOSITIONS)} {subject(rng, 1 - number)}"
    state = rng.getstate()
    right = f"{start} {predicate(rng, number)}"
    rng.setstate(state)
    return right, f"{start} {predicate(rng, 1 - number)}"


def word_order(rng: random.Random) -> Pair:
    """Two words have changed places: "sneezes farmer the", "the lifts farmer the lamp".

    Never two nouns, which may well do so: "the lamp lifts the farmer".
    """
    number = rng.randrange(2)
    right = f"{subject(rng, number)} {predicate(rng, number)}".split()
    nouns = {right.index(w) for w in right if w in THINGS or w.rstrip("s") in PEOPLE}
    broken = right.copy()
    while broken == right:
        first, second = rng.sample(range(len(right)), 2)
        if not {first, second} <= nouns:
            broken[first], broken[second] = broken[second], broken[first]
    return " ".join(right), " ".join(broken)


FAULTS: tuple[Callable[[random.Random], Pair], ...] = (
    word_order,
    agreement,
    word_order,
    agreement_across,
    word_order,
)
"""In turn: three in five are a matter of order, which is learned first, one each of agreement."""


def make_sample(seed: int = SAMPLE_SEED) -> pd.DataFrame:
    """The sample as a frame of text, label, fault and split; the same for the same seed.

    Half of each split is acceptable, no sentence occurs twice, and twins share a split.
    """
    rng = random.Random(seed)
    pairs = _unique_pairs(rng, (TRAIN_ROWS + VALIDATION_ROWS) // 2)
    train_pairs = TRAIN_ROWS // 2
    rows = _rows(rng, pairs[:train_pairs], "train")
    rows += _rows(rng, pairs[train_pairs:], "validation")
    return pd.DataFrame(rows, columns=["text", "label", "fault", "split"])


def _unique_pairs(rng: random.Random, count: int) -> list[tuple[str, str, str]]:
    seen: set[str] = set()
    pairs: list[tuple[str, str, str]] = []
    while len(pairs) < count:
        fault = FAULTS[len(pairs) % len(FAULTS)]
        right, broken = fault(rng)
        ending = " " + rng.choice(TIMES) if rng.random() < 0.5 else ""
        right, broken = _as_sentence(right + ending), _as_sentence(broken + ending)
        if seen.isdisjoint((right, broken)):
            seen.update((right, broken))
            pairs.append((right, broken, fault.__name__))
    return pairs


def _as_sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."


def _rows(rng: random.Random, pairs: list[tuple[str, str, str]], split: str) -> list[tuple]:
    rows = [(right, LABELS[1], NO_FAULT, split) for right, _, _ in pairs]
    rows += [(broken, LABELS[0], fault, split) for _, broken, fault in pairs]
    rng.shuffle(rows)  # so that the first N rows hold every fault and both labels
    return rows


def sample_csv(seed: int = SAMPLE_SEED) -> str:
    """The text of the bundled file."""
    frame, buffer = make_sample(seed), io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(frame.itertuples(index=False))
    return buffer.getvalue()


def main() -> None:
    """Overwrites ``finegates/data/sample_data/acceptability.csv``."""
    SAMPLE_PATH.parent.mkdir(exist_ok=True)
    SAMPLE_PATH.write_bytes(sample_csv().encode())
    print(f"Wrote {SAMPLE_PATH}")


if __name__ == "__main__":
    main()
