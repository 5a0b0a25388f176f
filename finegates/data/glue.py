"""The eight GLUE tasks: what their files hold, and reading them from a folder or from the hub."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from finegates.errors import DataError

HUB_NAME = "nyu-mll/glue"
GLUE_DIR_VARIABLE = "FINEGATES_GLUE_DIR"
TRAIN_FILE = "train.tsv"
_WITHOUT_HUB = (
    "use task=sample (bundled), glue_dir set to a glue_data folder (or "
    f"{GLUE_DIR_VARIABLE}), or data set to a file of your own."
)


@dataclass(frozen=True)
class GlueTask:
    """One task as the GLUE download (``glue_data``) and the hub hold it.

    Attributes:
        folder: Its folder in ``glue_data``.
        texts: Header names of the one or two texts in the local files.
        hub_texts: Their names on the hub.
        label: Header name of the label in the local files.
        labels: Class names in the hub's id order; empty for a regression.
        metrics: The main one first.
        header: The column names of a file that has no header line.
        dev_file: The local validation file.
        hub_validation: The hub's validation split.
        skips_short_rows: Whether rows that lack a needed column are left out, see `_parse_rows`.
    """

    folder: str
    texts: tuple[str, ...]
    hub_texts: tuple[str, ...]
    label: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...] = ("accuracy",)
    header: tuple[str, ...] = ()
    dev_file: str = "dev.tsv"
    hub_validation: str = "validation"
    skips_short_rows: bool = False

    @property
    def problem(self) -> str:
        """Whether a class or a number is predicted."""
        return "classification" if self.labels else "regression"


_SENTENCES = ("sentence1", "sentence2")
_QUESTIONS = ("question1", "question2")
_ENTAILMENT = ("entailment", "not_entailment")

TASKS: dict[str, GlueTask] = {
    "cola": GlueTask(
        "CoLA",
        ("sentence",),
        ("sentence",),
        "label",
        ("unacceptable", "acceptable"),
        ("matthews",),
        header=("source", "label", "authors_mark", "sentence"),
    ),
    "stsb": GlueTask("STS-B", _SENTENCES, _SENTENCES, "score", (), ("pearson", "spearman")),
    "mrpc": GlueTask(
        "MRPC",
        ("#1 String", "#2 String"),
        _SENTENCES,
        "Quality",
        ("not_equivalent", "equivalent"),
        ("accuracy", "f1"),
    ),
    "rte": GlueTask("RTE", _SENTENCES, _SENTENCES, "label", _ENTAILMENT),
    "sst2": GlueTask("SST-2", ("sentence",), ("sentence",), "label", ("negative", "positive")),
    "mnli": GlueTask(
        "MNLI",
        _SENTENCES,
        ("premise", "hypothesis"),
        "gold_label",
        ("entailment", "neutral", "contradiction"),
        dev_file="dev_matched.tsv",
        hub_validation="validation_matched",
    ),
    "qnli": GlueTask(
        "QNLI", ("question", "sentence"), ("question", "sentence"), "label", _ENTAILMENT
    ),
    "qqp": GlueTask(
        "QQP",
        _QUESTIONS,
        _QUESTIONS,
        "is_duplicate",
        ("not_duplicate", "duplicate"),
        ("accuracy", "f1"),
        skips_short_rows=True,
    ),
}
"""By the hub's config name. Label ids: the ``ClassLabel`` names of nyu-mll/glue."""


def read_glue(
    name: str, glue_dir: str | None = None, max_train_rows: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Train and validation rows of a task, and where they are from.

    The first of these that is set is used: ``glue_dir``, the environment's FINEGATES_GLUE_DIR,
    the hub.

    Args:
        name: A key of ``TASKS``.
        glue_dir: A folder in the ``glue_data`` layout.
        max_train_rows: Stop after this many training rows.

    Returns:
        Two frames of ``text``, ``pair`` (if the task has one) and ``label`` (id or number), and the
        source without a path.

    Raises:
        DataError: If the data is missing, damaged or out of reach.
    """
    root = glue_dir or os.environ.get(GLUE_DIR_VARIABLE)
    if root:
        train, validation = _read_local(name, Path(root).expanduser(), max_train_rows)
        return train, validation, f"glue:{name} (local folder)"
    train, validation = _read_hub(name, max_train_rows)
    return train, validation, f"glue:{name} (hub {HUB_NAME})"


def _read_local(name: str, root: Path, limit: int | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    task = TASKS[name]
    folder = _find_folder(root, name)
    for file in (TRAIN_FILE, task.dev_file):
        if not (folder / file).is_file():
            raise DataError(
                f"The folder {folder} has no file '{file}', so '{name}' is a task without data. "
                f"It needs {TRAIN_FILE} and {task.dev_file}, as the GLUE download names them."
            )
    return (
        read_task_file(task, folder / TRAIN_FILE, limit),
        read_task_file(task, folder / task.dev_file),
    )


def _find_folder(root: Path, name: str) -> Path:
    """The task's folder, whatever the case of its name."""
    wanted = TASKS[name].folder
    if not root.is_dir():
        raise DataError(
            f"The GLUE folder {root} does not exist. Set glue_dir (or {GLUE_DIR_VARIABLE}) to a "
            "folder in the glue_data layout, or leave both empty to use the hub."
        )
    found = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    for folder in found:
        if folder.lower() == wanted.lower():
            return root / folder
    raise DataError(
        f"'{name}' is a task without data: the GLUE folder {root} has no folder '{wanted}' with "
        f"{TRAIN_FILE} and {TASKS[name].dev_file}. Folders found: {', '.join(found) or 'none'}. "
        "Add it, choose one of these tasks, or leave glue_dir empty to use the hub."
    )


def read_task_file(task: GlueTask, path: Path, limit: int | None = None) -> pd.DataFrame:
    """The rows of one local file, in its order, at most ``limit`` of them.

    Raises:
        DataError: With file and line for a row that can't be read.
    """
    names = [*["text", "pair"][: len(task.texts)], "label"]
    rows: list[tuple] = []
    for row in _parse_rows(task, path):
        rows.append(row)
        if limit is not None and len(rows) >= limit:
            break
    if not rows:
        raise DataError(f"{path} holds no rows. Download the task again.")
    return pd.DataFrame(rows, columns=names)


def _parse_rows(task: GlueTask, path: Path) -> Iterator[tuple]:
    """Texts and label of each line.

    A tab within a text makes a line too long, and a break within one makes two lines too short.
    The original QQP has three such lines, which the hub's copy leaves out; we leave them out too.
    In any other task a line whose number of fields is not the header's is refused unless all
    needed columns are there and the label is a valid one.
    """
    lines = _lines(path)
    header = list(task.header) or next(lines, (0, [""]))[1]
    places = [_place(header, column, path) for column in (*task.texts, task.label)]
    for number, fields in lines:
        if len(fields) <= max(places):
            if task.skips_short_rows:
                continue
            raise DataError(
                f"{path}, line {number}: {len(fields)} fields were found and {len(header)} were "
                "expected. Download the file again, or mend the line."
            )
        *texts, label = (fields[place] for place in places)
        yield (*texts, _label(task, label, f"{path}, line {number}"))


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line. Quotes mean nothing, and only "\\n" ends a line.

    ``str.splitlines`` and the csv module would also break at characters that texts hold.
    """
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                content = line.rstrip("\r\n")
                if content:
                    yield number, content.split("\t")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 after line {number}. Download it again, or save it as UTF-8."
        ) from error
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.") from error


def _place(header: list[str], column: str, path: Path) -> int:
    if column not in header:
        raise DataError(
            f"{path}, line 1: the header has no column '{column}'. It has: {', '.join(header)}."
        )
    return header.index(column)


def _label(task: GlueTask, label: str, where: str) -> int | float:
    """The id of a class that is given by name or by id, or the score."""
    if label in task.labels:
        return task.labels.index(label)
    try:
        value = float(label)
    except ValueError:
        value = float("nan")
    if not task.labels and 0.0 <= value <= 5.0:
        return value
    if task.labels and value in range(len(task.labels)):
        return int(value)
    raise DataError(f"{where}: the label is '{label}'; allowed is {_allowed_labels(task)}.")


def _allowed_labels(task: GlueTask) -> str:
    if not task.labels:
        return "a number from 0 to 5"
    return f"{', '.join(task.labels)}, or 0 to {len(task.labels) - 1}"


def _read_hub(name: str, limit: int | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    task, splits = TASKS[name], _load_from_hub(name)
    try:
        train, validation = splits["train"], splits[task.hub_validation]
    except KeyError as error:
        raise DataError(f"{HUB_NAME} has no split {error} for '{name}'.") from error
    if limit is not None:
        train = train.select(range(min(limit, len(train))))
    return _from_hub(task, train), _from_hub(task, validation)


def _load_from_hub(name: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"The package datasets is not installed, so {HUB_NAME} '{name}' can't be read from "
            f"the hub: install it, or {_WITHOUT_HUB}"
        ) from error
    try:
        return datasets.load_dataset(HUB_NAME, name)
    except Exception as error:  # the hub's clients raise a dozen unrelated types
        raise DataError(
            f"The hub can't be reached for {HUB_NAME} '{name}' ({type(error).__name__}: {error}). "
            f"Without network, {_WITHOUT_HUB}"
        ) from error


def _from_hub(task: GlueTask, split: Any) -> pd.DataFrame:
    frame = split.to_pandas()
    columns = dict(zip((*task.hub_texts, "label"), ("text", "pair", "label"), strict=False))
    if len(task.hub_texts) == 1:
        columns = {task.hub_texts[0]: "text", "label": "label"}
    frame = frame[list(columns)].rename(columns=columns)
    if task.labels and not frame["label"].isin(range(len(task.labels))).all():
        raise DataError(f"{HUB_NAME} has rows without a label for {task.folder}.")
    return frame
