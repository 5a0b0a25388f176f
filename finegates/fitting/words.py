"""The answer of a search as a reviewer would accept it."""

from finegates.data.metric_kinds import loss_unit, scaled_text
from finegates.fitting.file import Fit
from finegates.fitting.fit import Answer


def sentence(fit: Fit, answer: Answer) -> str:
    """What can go, what it costs with which certainty, on rows that nothing was chosen on."""
    unit = loss_unit(answer.metric)
    if answer.paired is None:
        least = min((t.target for t in answer.tried), default=None)
        if least is None:
            return "Nothing was tried yet."
        return (
            f"No target that was tried is within {100 * fit.max_drop:g} {unit}; the smallest was "
            f"{_percent(least)}. Allow more, or train longer."
        )
    paired = answer.paired
    few = "" if paired.tells_one_point else (
        f" {paired.rows} rows can't tell one point; about {paired.rows_for_one_point:,} would."
    )  # fmt: skip
    return (
        f"{_percent(answer.removed_weights_fraction)} of the gated weights can go: "
        f"{scaled_text(paired.score, answer.metric)} against "
        f"{scaled_text(paired.reference, answer.metric)}, a drop of "
        f"{100 * paired.drop:.1f} {unit} (95% interval {100 * paired.low:.1f} to "
        f"{100 * paired.high:.1f}) on {paired.rows} rows that nothing was chosen on.{few}"
    )


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}%"
