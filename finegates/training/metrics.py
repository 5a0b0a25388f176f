"""Scores of predictions as GLUE defines them; never NaN, and never a warning."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from finegates.data.metric_kinds import CORRELATIONS, PERPLEXITY, TOKEN_ACCURACY, base_metric
from finegates.errors import unknown_name
from finegates.runs.label_errors import RMSE, RMSE_OF_MEAN

MOST_LOSS = 50.0
"""Nats a token: what a model that answers no number, or a larger loss, is counted with."""


def compute_metrics(
    names: Sequence[str], predictions: ArrayLike, references: ArrayLike
) -> dict[str, float]:
    """The named scores, in the order of ``names``; each is a finite number.

    Args:
        names: Any of ``METRICS``; a length of blocks after them changes nothing.
        predictions: Class ids, or numbers for a regression; of text each row's sum over its
            tokens, of losses in nats for the perplexity and of right answers for the accuracy.
            Shape (rows,).
        references: The true ids or numbers; of text each row's number of tokens. Shape (rows,).

    Raises:
        ValueError: For an unknown metric, no rows, or sides of different length.
    """
    given, true = np.asarray(predictions), np.asarray(references)
    if given.shape != true.shape or given.ndim != 1 or not given.size:
        raise ValueError(f"Predictions {given.shape} and references {true.shape} don't match.")
    return {name: _score(name, given, true) for name in names}


def majority_score(
    main_metric: str, train_labels: ArrayLike, validation_labels: ArrayLike
) -> float:
    """The score of always answering the most common label of the training rows.

    It is 0 for the correlations, whose definition leaves a constant answer open.
    """
    answer = Counter(np.asarray(train_labels).tolist()).most_common(1)[0][0]
    asked = np.asarray(validation_labels)
    return compute_metrics((main_metric,), np.full(len(asked), answer), asked)[main_metric]


def only_answer(answers: np.ndarray, labels: Sequence[str]) -> str:
    """What every row is answered; empty where rows are told apart.

    Args:
        answers: Class ids, or numbers for a regression. Shape (rows,).
        labels: Class names in id order; empty for a regression.
    """
    if len(answers) < 2 or not _has_no_spread(answers):
        return ""
    return str(labels[int(answers[0])]) if labels else f"{float(answers[0]):.4g}"


def label_errors(
    predictions: ArrayLike, references: ArrayLike, mean_of_training: float
) -> dict[str, float]:
    """How far numbers are off, in the label's unit: root mean squared errors.

    Args:
        predictions: Shape (rows,). The model's error is left out if one is not a finite number.
        references: The true numbers, shape (rows,).
        mean_of_training: Mean of the training rows' labels.

    Returns:
        Under the names of `finegates.runs.label_errors.ERRORS` the model's error, and that of
        always answering the mean.
    """
    given, true = (np.asarray(side, dtype=np.float64) for side in (predictions, references))
    found = {
        RMSE: _rmse(given, true),
        RMSE_OF_MEAN: _rmse(np.full_like(true, mean_of_training), true),
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _rmse(given: np.ndarray, true: np.ndarray) -> float:
    return float(np.sqrt(((given - true) ** 2).mean()))


def _score(name: str, given: np.ndarray, true: np.ndarray) -> float:
    name = base_metric(name)
    if name not in METRICS:
        raise ValueError(unknown_name("metric", name, METRICS))
    if name in CORRELATIONS and (_has_no_spread(given) or _has_no_spread(true)):
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's "nearly constant"; the answer is 0 below
        return float(np.nan_to_num(METRICS[name](given, true), nan=0.0))


def _has_no_spread(values: np.ndarray) -> bool:
    # A diverged model predicts NaN or inf; its correlation is as undefined as a constant's.
    return bool(not np.isfinite(values).all() or values.min() == values.max())


def _accuracy(given: np.ndarray, true: np.ndarray) -> float:
    return float((given == true).mean())


def _f1(given: np.ndarray, true: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(true == 1, given == 1, zero_division=0))


def _macro_f1(given: np.ndarray, true: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(true, given, average="macro", zero_division=0))


def _matthews(given: np.ndarray, true: np.ndarray) -> float:
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(true, given))


def _pearson(given: np.ndarray, true: np.ndarray) -> float:
    from scipy.stats import pearsonr

    return float(pearsonr(given, true).statistic)


def _spearman(given: np.ndarray, true: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(given, true).statistic)


def _perplexity(losses: np.ndarray, tokens: np.ndarray) -> float:
    mean = float(losses.sum()) / max(float(tokens.sum()), 1.0)
    return float(np.exp(min(mean, MOST_LOSS) if np.isfinite(mean) else MOST_LOSS))


def _token_accuracy(right: np.ndarray, tokens: np.ndarray) -> float:
    return float(right.sum()) / max(float(tokens.sum()), 1.0)


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": _accuracy,
    "f1": _f1,
    "macro_f1": _macro_f1,
    "matthews": _matthews,
    "pearson": _pearson,
    "spearman": _spearman,
    PERPLEXITY: _perplexity,
    TOKEN_ACCURACY: _token_accuracy,
}
"""Every metric by name. ``f1`` is that of class id 1, as in GLUE."""
