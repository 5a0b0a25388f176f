"""How scores of each metric are compared, written and drawn: its direction is known here alone.

Of most metrics more is better and 1 is the best. Perplexity is lower for the better, 1 is its
best and it has no worst, so it is compared by ratios: 1% more of it is lost as one point of
accuracy is. Where texts are cut into blocks a metric's name holds their length, as in
``perplexity@128``: the same model scores otherwise on blocks of another one, so the two are never
compared.
"""

import math

PERPLEXITY, TOKEN_ACCURACY = "perplexity", "token_accuracy"
CORRELATIONS = ("matthews", "pearson", "spearman")
"""Metrics that are undefined, and given as 0, where one side is constant."""
_LOWER_IS_BETTER = (PERPLEXITY,)
_BLOCKS = "@"
_ONE_DECIMAL = 100.0
"""From here on a perplexity is written with one decimal, below with two."""


def over_blocks(metric: str, length: int) -> str:
    """The name of a metric that is computed on blocks of so many tokens."""
    return f"{metric}{_BLOCKS}{length}"


def base_metric(metric: str) -> str:
    """A metric's name without the length of its blocks."""
    return metric.partition(_BLOCKS)[0]


def block_length(metric: str) -> int | None:
    """Tokens in a block that the metric is computed on; None if it is not."""
    length = metric.partition(_BLOCKS)[2]
    return int(length) if length else None


def is_lower_better(metric: str) -> bool:
    """Whether the lower of two scores is the better one."""
    return base_metric(metric) in _LOWER_IS_BETTER


def direction_words(metric: str) -> str:
    """The direction as a sentence."""
    return "Lower is better." if is_lower_better(metric) else "Higher is better."


def goodness(metric: str, score: float) -> float:
    """A number that is higher for the better score, whatever the metric."""
    return -math.log(score) if is_lower_better(metric) else score


def loss_of(metric: str, reference: float, score: float) -> float:
    """How much worse a score is than a reference; below 0 if it is better.

    A difference, where 0.01 is one point; of a perplexity the share that it grew by.
    """
    return score / reference - 1 if is_lower_better(metric) else reference - score


def score_after(metric: str, reference: float, loss: float) -> float:
    """The score that has lost so much against a reference, as `loss_of` has it."""
    return reference * (1 + loss) if is_lower_better(metric) else reference - loss


def loss_unit(metric: str) -> str:
    """What a hundredth of `loss_of` is called, as in ``1.3 points``."""
    return "% of perplexity" if is_lower_better(metric) else "points"


def loss_words(metric: str, loss: float) -> str:
    """A loss, as `loss_of` has it: ``a drop of 1.3 points``, ``a rise by 1.3% of perplexity``."""
    if not is_lower_better(metric):
        return f"a drop of {100 * loss:.1f} points"
    return f"{'a rise' if loss >= 0 else 'a fall'} by {abs(100 * loss):.1f}{loss_unit(metric)}"


def percent_of(metric: str, score: float, whole: float) -> float:
    """How much of another score's quality is kept: 100 for the same, less for a worse one."""
    return 100 * whole / score if is_lower_better(metric) else 100 * score / whole


def bounds(metric: str) -> tuple[float, float]:
    """The lowest and the highest score that can be."""
    if is_lower_better(metric):
        return 1.0, math.inf
    return (-1.0 if base_metric(metric) in CORRELATIONS else 0.0), 1.0


def score_text(score: float, metric: str) -> str:
    """The one way in which a score is written: three decimals; of a perplexity two, or one."""
    return f"{score:.{_decimals(score, metric)}f}"


def change_text(before: float, after: float, metric: str) -> str:
    """The difference of two scores, with its sign and as many decimals as they have."""
    return f"{after - before:+.{_decimals(max(before, after), metric)}f}"


def scaled_text(score: float, metric: str) -> str:
    """A score as tables and logs have it: times 100, with one decimal; a perplexity as it is."""
    return score_text(score, metric) if is_lower_better(metric) else f"{100 * score:.1f}"


def scaled_name(metric: str) -> str:
    """What `scaled_text` writes: ``accuracy x 100``, or ``perplexity@128``."""
    return metric if is_lower_better(metric) else f"{metric} x 100"


def baseline_name(metric: str) -> str:
    """What stands in a run's ``majority_score``: what a model has to beat, or to stay close to."""
    return "dense model, not trained" if is_lower_better(metric) else "majority baseline"


def _decimals(score: float, metric: str) -> int:
    if not is_lower_better(metric):
        return 3
    return 2 if score < _ONE_DECIMAL else 1
