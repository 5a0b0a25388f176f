"""What a report shows of one run: settings, results, curves, gates, cuts, machine."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from finegates.errors import FineGatesError
from finegates.gates.counting import COUNT_WORDS
from finegates.methods import METHODS
from finegates.reports import figures, gates, words
from finegates.reports.html import Figure, Html, joined, section, table, tag
from finegates.reports.html import figures as side_by_side
from finegates.reports.measured import cuts, made_with, timings, writing
from finegates.reports.words import TERMS
from finegates.runs.folder import Run, current_rows
from finegates.runs.label_errors import ERRORS, error_words
from finegates.runs.names import data_name, describe, file_name
from finegates.runs.notes import read_notes
from finegates.runs.provenance import chosen_settings
from finegates.runs.status import Status

_TRAIN = ("step", "task_loss", *(column for _, column, _, _ in figures.SPARSITY_LINES))
_EVAL = ("step", "score")
_ZEROS = "Share of the target matrices that the method holds at 0; they keep their place and cost."


def whole_run(run: Run) -> Html:
    """Everything that is known of a run; a part that can't be read says why.

    Raises:
        RunError: If its spec or status can't be read.
    """
    status = run.status()
    parts = [
        heading(run, status, "h1"),
        attempt(lambda: notes(run)),
        section("What was asked", asked(run)),
        section("What came out", reached(run, status)),
        section("Training", attempt(lambda: curves(run, status))),
    ]
    if run.snapshot_steps():
        parts.append(attempt(lambda: _gates(run)))
    elif METHODS[run.spec.method].removes:
        parts.append(tag("p", "This run's folder holds no gates.", class_="faint"))
    parts += [attempt(lambda: cuts(run, status)), attempt(lambda: timings(run))]
    parts.append(attempt(lambda: writing(run)))
    return joined([*filter(None, parts), section("Made with", made_with(run, status))])


def short_run(run: Run) -> Html:
    """A run among others: what it is, its numbers and its curves.

    Raises:
        RunError: If its spec or status can't be read.
    """
    status = run.status()
    parts = [
        heading(run, status, "h3"),
        attempt(lambda: notes(run)),
        tag("pre", run.record["command"]),
        reached(run, status, defined=False),
        attempt(lambda: curves(run, status, short=True)),
    ]
    return tag("section", *filter(None, parts), id=f"run-{run.id}")


def attempt(make: Callable[[], Html]) -> Html:
    """A part, or a sentence that says why it can't be made."""
    try:
        return make()
    except (FineGatesError, ValueError, KeyError, TypeError, AttributeError) as error:
        told = str(error) if isinstance(error, FineGatesError) else f"It is damaged: {error!r}."
        return tag("p", "A part of this run can't be shown. ", told, class_="problem")


def heading(run: Run, status: Status, name: str) -> Html:
    """What the run is called and is, its id, and where it stands."""
    model, row = run.spec.model, run.row()
    what = "" if row["name"] == describe(row) else f" {describe(row)} ·"
    parts = [tag(name, row["name"])]
    line = [tag("span", status.state, class_="state"), f"{what} {model} · {run.id}"]
    parts.append(tag("p", *line, class_="faint"))
    if status.reason:
        parts.append(tag("p", status.reason, class_="problem"))
    if status.has_learned_nothing:
        parts.append(tag("p", words.learned_nothing(status.only_answer), class_="problem"))
    return joined(parts)


def notes(run: Run) -> Html:
    """The user's notes on the run; nothing if there are none."""
    told = read_notes(run.path)
    parts = [tag("p", "Tags: ", ", ".join(told.tags))] if told.tags else []
    parts += [tag("p", told.notes, class_="notes")] if told.notes else []
    return joined(parts)


def asked(run: Run) -> Html:
    """Settings that differ from the method's own, the data, and the command that repeats it."""
    spec, data = run.spec, run.record["data"]
    own = {"method": spec.method, **chosen_settings(spec)}
    if spec.validation_data:
        own["validation_data"] = file_name(spec.validation_data)
    facts = {"data": data_name(spec.task, data.get("source")),
             "training rows": data.get("num_train"),
             "validation rows": data.get("num_validation"), "fingerprint": data.get("fingerprint"),
             "labels": ", ".join(map(str, data.get("labels") or ())),
             "mended before": " ".join(map(str, data.get("cleaned") or ()))}  # fmt: skip
    rows = [
        (name, _shown(value)) for name, value in (own | facts).items() if value not in (None, "")
    ]
    return joined(
        [
            tag("p", METHODS[spec.method].summary, class_="faint"),
            table(["setting", "chosen; all others are the method's own"], rows),
            tag("pre", run.record["command"]),
        ]
    )


def reached(run: Run, status: Status, defined: bool = True) -> Html:
    """The numbers that count, each with its definition."""
    metric = status.metric
    baseline, meaning = words.baseline(metric)
    rows = [
        (words.metric_name(metric), words.score(status.score, metric), TERMS["score"]),
        (baseline, words.score(status.majority_score, metric), meaning),
    ]
    if METHODS[run.spec.method].removes:
        of_weights = f"{words.percent(status.removed_weights_fraction)} of "
        of_weights += words.count(status.num_gated_weights)
        of_gates = f"{words.percent(status.closed_gates_fraction)} of "
        of_gates += words.count(status.num_gates)
        meaning = f"{TERMS['target']} Here: {run.spec.target_meaning}."
        rows += [
            ("Weights removed", of_weights, TERMS["removed"]),
            ("Gates closed", of_gates, TERMS["closed"]),
            ("Target", words.percent(run.spec.target_sparsity), meaning),
        ]
        if status.counted_removed_fraction is not None:
            removed = words.percent(status.counted_removed_fraction)
            of_what = COUNT_WORDS[run.spec.budget_counts]
            rows.append(("Removed as counted", f"{removed} {of_what}", TERMS["counted"]))
    if status.zero_weights_fraction is not None:
        zeros = words.percent(status.zero_weights_fraction)
        rows.append(("Weights held at 0", zeros, _ZEROS))
    if errors := error_words(status.metrics):
        rows.append(("Error in the label's own unit", errors, TERMS["rmse"]))
    apart = (metric, *ERRORS)
    others = [(k, words.score(v, k), "") for k, v in status.metrics.items() if k not in apart]
    rows += [(words.metric_name(name), value, "An additional metric.") for name, value, _ in others]
    if defined:
        return tag("div", table(["", "value", "what it is"], rows), class_="numbers")
    return table([name for name, _, _ in rows], [[value for _, value, _ in rows]])


def curves(run: Run, status: Status, short: bool = False) -> Html:
    """Loss, score and sparsity over the steps."""
    rows = current_rows(run.metrics_reader().read_new())
    train, evaluations = _frame(rows, "train", _TRAIN), _frame(rows, "eval", _EVAL)
    if not len(train):
        return tag("p", "Nothing has been logged yet.", class_="faint")
    shown: list[Figure | None] = [
        figures.loss(train),
        figures.score(evaluations, status.metric, status.majority_score),
    ]
    gated = METHODS[run.spec.method].removes
    if gated and not short:
        shown += [figures.sparsity(train), gates.closing(run)]
    elif gated and run.snapshot_steps():
        shown.append(gates.removed(run.snapshot()))
    return side_by_side(*shown)


def _frame(rows: Sequence[Mapping[str, Any]], kind: str, columns: Sequence[str]) -> pd.DataFrame:
    kept = [[row.get(column) for column in columns] for row in rows if row.get("kind") == kind]
    return pd.DataFrame(kept, columns=[*columns]).apply(pd.to_numeric, errors="coerce")


def _gates(run: Run) -> Html:
    snapshot = run.snapshot()
    return section(
        "Gates",
        side_by_side(gates.removed(snapshot), gates.values_of_layers(snapshot)),
        tag("p", tag("strong", "Open gates"), ": columns and rows of each matrix that are left in "
            "each layer."),
        gates.survivors(snapshot),
    )  # fmt: skip


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
