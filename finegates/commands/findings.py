"""Prints what is found in a user's file, and what is done to its rows before they are learned."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from finegates.data.blocks import first_block
from finegates.data.formats import POINT, FileFormat, Reading
from finegates.data.report import DataReport, report_on
from finegates.data.splits import data_path
from finegates.data.user_files import ReadFile, read_file
from finegates.errors import ModelError, shortened
from finegates.jobs.estimate import num_rows
from finegates.models.short_runs import told_of_closing_once
from finegates.models.teaching import told_of_no_teacher
from finegates.models.tokens import unknown_share
from finegates.spec import OWN_FILE_TASKS, TEXT_TASK, RunSpec

MUCH_UNKNOWN = 0.1
"""Share of unknown tokens from which on a model can hardly read a text."""
TOKEN_ROWS = 1_000
ROWS_SHOWN = 5
BLOCK_SHOWN = 200
"""Characters."""


def print_findings(spec: RunSpec) -> None:
    """Prints to stderr what the rows of the spec's file are read as, and what is wrong with them.

    Raises:
        DataError: If they can't be read.
    """
    if spec.task not in OWN_FILE_TASKS:
        return
    read = read_file(data_path(spec), Reading.of(spec))
    report = report_on(read, spec)
    for line in [*_told(read, report), *_block(read, report, spec), *_unknown(read, report, spec)]:
        print(line, file=sys.stderr)


def print_warnings(spec: RunSpec, data: Mapping[str, Any]) -> None:
    """Prints to stderr if a run is too short for its gates to be learned, or lacks its teacher.

    Args:
        spec: The run.
        data: What it records of its data.
    """
    rows = num_rows(spec, data["num_train"], data.get("mean_words") or 0.0)
    for told in filter(None, (told_of_closing_once(spec, rows), told_of_no_teacher(spec))):
        print(f"warning: {told}", file=sys.stderr)


def _told(read: ReadFile, report: DataReport) -> Iterator[str]:
    yield from (f"data: {why}" for why in _read_as(read.format))
    yield from (f"data: {why}" for why in report.columns.reasons.values())
    yield from (f"data: {done}" for done in (*report.notes, *report.cleaned))
    if report.columns.question:
        yield f"question: {report.columns.question}"
    for fault in report.faults:
        rows = ", ".join(f"{row:,}" for row in fault.rows[:ROWS_SHOWN])
        number = len(fault.rows)
        more = f" and {number - ROWS_SHOWN:,} more" if number > ROWS_SHOWN else ""
        help = (
            f" To have it done: --cleaning {' or '.join(fault.remedies)}." if fault.remedies else ""
        )
        what = "row" if len(fault.rows) == 1 else "rows"
        yield f"warning: {fault.text} ({what} {rows}{more}){help}"


def _read_as(found: FileFormat) -> Iterator[str]:
    """What was found and is not what most files have."""
    usual = {"separator": ("comma", None), "encoding": ("utf-8", None), "decimal": (POINT,)}
    for name, values in usual.items():
        if getattr(found, name) not in values:
            why = found.certainty.get(name, getattr(found, name))
            yield f"{name} {why.rstrip('.')}."


def _block(read: ReadFile, report: DataReport, spec: RunSpec) -> Iterator[str]:
    """How a block of a language model's text begins."""
    if spec.task != TEXT_TASK or report.refusal:
        return
    texts = read.frame[report.columns.text].astype(str).head(TOKEN_ROWS)
    try:
        block = first_block(spec.model, texts, spec.max_length)
    except ModelError:
        return
    yield f"data: a block has {spec.max_length} tokens, such as '{shortened(block, BLOCK_SHOWN)}'."


def _unknown(read: ReadFile, report: DataReport, spec: RunSpec) -> Iterator[str]:
    some = read.frame.sample(min(len(read.frame), TOKEN_ROWS), random_state=0)
    columns = (report.columns.text, report.columns.pair)
    texts = [some[name].astype(str).tolist() for name in columns if name]
    try:
        share = unknown_share(spec.model, *texts)
    except ModelError:
        return
    if share >= MUCH_UNKNOWN:
        yield (
            f"warning: {share:.0%} of the tokens are unknown to the model '{spec.model}', so it "
            "can hardly learn from these texts. Choose a model of their language."
        )
