"""A user's own file: saving an upload, reading it, finding its columns, checking its rows.

Every file is untrusted: its extension is compared with its content, its size is checked before it
is read, and whatever is wrong in it is named by line or row. Rows count from 1 below the header.
"""

import csv
import hashlib
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finegates.errors import DataError, unknown_name

MAX_FILE_BYTES = 200 * 1024**2
MAX_UNPACKED_BYTES = 4 * 1024**3
"""Of a Parquet file's columns: a small file may unpack to more than the memory holds."""
MAX_ROWS = 2_000_000
MAX_COLUMNS = 500
MAX_CLASSES = 200
MIN_REGRESSION_ROWS = 4
MANY_VALUES = 20
"""More distinct fractional numbers than this are a score, not classes."""
MOSTLY = 0.9
"""Share of a column's cells that decides what it holds; the rest are then errors in it."""
GUESS_ROWS = 20_000
"""At most this many rows are looked at to guess what a column holds."""
ROWS_SHOWN = 5
NESTED = (list, tuple, dict, bytes, np.ndarray)
"""Cells of JSONL and Parquet that are no text."""
NAME_CHARACTERS = 80
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PARQUET_MARK = b"PAR1"
FOREIGN_MARKS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    PARQUET_MARK: "a Parquet file",
}
TEXT_NAMES = (
    "text sentence sentence1 review content message comment body document premise question "
    "question1 text1 text_a query title"
)
PAIR_NAMES = {
    "sentence1": "sentence2",
    "premise": "hypothesis",
    "question1": "question2",
    "question": "sentence passage context answer",
    "text1": "text2",
    "text_a": "text_b",
    "query": "document passage",
}
LABEL_NAMES = (
    "label labels gold_label class category target score rating stars sentiment is_duplicate "
    "similarity y"
)
"""As above: names separated by blanks, the likeliest first."""


@dataclass(frozen=True)
class Columns:
    """Which columns are learned from, and whether the label is a class or a number."""

    text: str
    pair: str | None
    label: str
    problem: str


@dataclass(frozen=True)
class Description:
    """What a page shows of a file before a run. Class counts or label figures, never both."""

    rows: int
    rows_without_text: int
    rows_without_label: int
    duplicate_texts: int
    class_counts: dict[str, int] | None
    label_mean: float | None
    label_std: float | None
    label_min: float | None
    label_max: float | None
    median_characters: float
    max_characters: int
    median_words: float
    max_words: int


# Uploads


def save_upload(name: str, content: bytes, folder: Path) -> Path:
    """Keeps an upload in ``folder`` under a safe name that its content decides.

    The same content under the same name is the same file; nothing else is ever overwritten.

    Args:
        name: The name that the browser sent; a path in it is dropped.
        content: The file.
        folder: Made if it does not exist.

    Raises:
        DataError: If the kind of file is not allowed, or it is empty or too large.
    """
    base = re.split(r"[/\\]", name)[-1]
    extension = _extension(base)
    _check_size(base, len(content))
    stem = re.sub(r"[^\w.-]+", "_", base[: -len(extension)]).strip("._")[:NAME_CHARACTERS]
    digest = hashlib.sha256(content).hexdigest()[:16]
    target = folder / f"{digest}-{stem or 'upload'}{extension}"
    folder.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        _write_atomically(target, content)
    return target


def _write_atomically(target: Path, content: bytes) -> None:
    handle, part = tempfile.mkstemp(dir=target.parent, prefix=".upload-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(part, target)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _extension(name: str) -> str:
    extension = Path(name).suffix.lower()
    if extension not in READERS:
        raise DataError(
            f"'{name}': {unknown_name('file type', extension or 'none', READERS)} "
            "Save the file as one of these."
        )
    return extension


def _check_size(name: str, size: int) -> None:
    if size == 0:
        raise DataError(f"'{name}' is empty. Choose a file with a header and rows.")
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"'{name}' has {size / 1024**2:,.0f} MB; at most {MAX_FILE_BYTES / 1024**2:,.0f} MB "
            "are allowed. Keep fewer rows, or only the columns that are needed."
        )


# Reading


def read_frame(path: Path | str) -> pd.DataFrame:
    """The file's rows. Cells of CSV and TSV stay text as written; the others keep their types.

    Args:
        path: A ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` file.

    Raises:
        DataError: If it is missing, too large, not what its extension says, or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no file {path}. Check the path, or upload the file again.")
    extension = _extension(path.name)
    try:
        _check_size(path.name, path.stat().st_size)
        frame = READERS[extension](path)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from error
    if frame.empty:
        raise DataError(
            f"'{path.name}' has no rows, at most a header. Add rows with a text and a label."
        )
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    return _table(path.name, csv.reader(_text_lines(path), strict=True))


def _read_tsv(path: Path) -> pd.DataFrame:
    """With quotes as spreadsheets write them; where those don't fit, quotes are plain characters.

    Raises:
        DataError: If neither way gives a table.
    """
    lines = _text_lines(path)
    try:
        return _table(path.name, csv.reader(lines, delimiter="\t", strict=True))
    except DataError as error:
        if '"' not in lines.getvalue():
            raise
        lines.seek(0)
        try:
            plain = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            return _table(path.name, plain)
        except DataError:
            raise error from None


def _table(name: str, reader: Any) -> pd.DataFrame:
    csv.field_size_limit(MAX_FILE_BYTES)
    header: list[str] = []
    rows: list[list[str]] = []
    try:
        for fields in reader:
            if not fields:
                continue
            if header:
                _check_row(name, reader.line_num, len(rows), len(header), len(fields))
                rows.append(fields)
            else:
                header = _checked_header(name, fields)
    except csv.Error as error:
        raise DataError(
            f"'{name}', line {reader.line_num}: {error}. A quoted field that is not closed is "
            'the usual cause; write a quote within quotes as "".'
        ) from error
    if not header:
        raise DataError(f"'{name}' has no header line. Add one with the column names.")
    return pd.DataFrame(rows, columns=header, dtype="str")


def _check_row(name: str, line: int, rows: int, expected: int, found: int) -> None:
    if found != expected:
        raise DataError(
            f"'{name}', line {line}: {found} fields were found and the header has {expected}. "
            "Put a field that holds the separator in double quotes, or mend the line."
        )
    _check_row_count(name, rows + 1)


def _check_row_count(name: str, rows: int) -> None:
    if rows > MAX_ROWS:
        raise DataError(
            f"'{name}' has more than {MAX_ROWS:,} rows, which is the limit. Keep fewer rows."
        )


def _checked_header(name: str, names: Iterable[str]) -> list[str]:
    """The column names without outer blanks; an unnamed one gets a name."""
    header = [column.strip() or f"unnamed_{i}" for i, column in enumerate(names, start=1)]
    if len(header) > MAX_COLUMNS:
        raise DataError(
            f"'{name}' has {len(header)} columns; at most {MAX_COLUMNS} are allowed. Keep only "
            "the text and the label."
        )
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise DataError(
            f"'{name}' has more than one column '{twice[0]}'. Give each column a name of its own."
        )
    return header


def _text_lines(path: Path) -> io.StringIO:
    """The whole file as text, with its line ends as they are."""
    content = path.read_bytes()
    _check_is_text(path.name, content)
    text = content.removeprefix(BYTE_ORDER_MARK)
    try:
        return io.StringIO(text.decode("utf-8"), newline="")
    except UnicodeDecodeError as error:
        offset = error.start + len(content) - len(text)
        line = text.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"'{path.name}' is not UTF-8: byte {offset:,} (line {line}) is no valid character. "
            "Save it as UTF-8 and try again."
        ) from error


def _check_is_text(name: str, content: bytes) -> None:
    found = next((what for mark, what in FOREIGN_MARKS.items() if content.startswith(mark)), "")
    if not found and b"\0" in content:
        found = "binary data or text in UTF-16"
    if found:
        raise DataError(
            f"'{name}' is named as text but holds {found}. Rename it if its ending is wrong, or "
            "save it as UTF-8 text."
        )


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows: list[dict] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(_text_lines(path), start=1):
        if not line.strip():
            continue
        row = _json_row(path.name, number, line)
        rows.append(row)
        columns.update(dict.fromkeys(row))
        _check_row_count(path.name, len(rows))
    header = _checked_header(path.name, columns)
    return pd.DataFrame({n: [r.get(c) for r in rows] for n, c in zip(header, columns, strict=True)})


def _json_row(name: str, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=_without_repeats)
        if "\\u" in line:
            json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        problem = "it holds half of a character (a lone surrogate)"
    except (ValueError, RecursionError) as error:
        problem = f"it is not valid JSON ({error})"
    else:
        if isinstance(row, dict):
            return row
        problem = f"it is a {type(row).__name__} and not an object"
    raise DataError(
        f"'{name}', line {number}: {problem}. Each line has to be one object such as "
        '{"text": "...", "label": "..."}.'
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("an object names one of its keys twice")
    return row


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        start = file.read(len(PARQUET_MARK))
    if start != PARQUET_MARK:
        raise DataError(
            f"'{path.name}' is named as Parquet but holds something else, perhaps text. Rename it "
            "to .csv, .tsv or .jsonl if it is that, or save it as Parquet."
        )
    try:
        with pq.ParquetFile(path) as file:
            header = _checked_parquet(path.name, file)
            frame = file.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"'{path.name}' is a damaged Parquet file ({error}).") from error
    return frame.set_axis(header, axis="columns")


def _checked_parquet(name: str, file: Any) -> list[str]:
    """The column names, after the sizes were checked and before any row is read."""
    footer = file.metadata
    _check_row_count(name, footer.num_rows)
    groups = (footer.row_group(i) for i in range(footer.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked > MAX_UNPACKED_BYTES:
        raise DataError(
            f"'{name}' unpacks to {unpacked / 1024**3:.1f} GB; at most "
            f"{MAX_UNPACKED_BYTES / 1024**3:.0f} GB are allowed. Keep fewer rows or columns."
        )
    return _checked_header(name, file.schema_arrow.names)


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}
"""By extension: the kinds of file that are read."""


# Columns


def guess_columns(frame: pd.DataFrame) -> Columns:
    """The columns that look like text, second text and label: by name first, then by content.

    A second text is only ever guessed by name.

    Raises:
        DataError: If no column looks like text, or none like a label.
    """
    return resolve_columns(frame)


def resolve_columns(
    frame: pd.DataFrame,
    text: str | None = None,
    pair: str | None = None,
    label: str | None = None,
    problem: str = "auto",
) -> Columns:
    """What the user named, with the rest guessed. Who names the text names the pair too.

    Args:
        frame: A file's rows.
        text: Column of the text.
        pair: Column of the second text. Guessed only if ``text`` is not given either.
        label: Column of the label.
        problem: ``"auto"``, ``"classification"`` or ``"regression"``.

    Raises:
        DataError: If a named column does not exist or is named twice, or none can be guessed.
    """
    named = [column for column in (text, pair, label) if column]
    for column in named:
        if column not in frame.columns:
            raise DataError(unknown_name("column", column, map(str, frame.columns)))
        if named.count(column) > 1:
            raise DataError(f"Column '{column}' was named twice. Name a column for each of them.")
    free = [column for column in frame.columns if column not in named]
    # Neither the first rows (files are often sorted) nor each n-th one (or alternate).
    some = frame.sample(min(len(frame), GUESS_ROWS), random_state=0)
    if not label:
        label = _guess_label(some, free, needs_text=not text)
        free.remove(label)
    if not text:
        text, guessed_pair = _guess_text(some, free)
        pair = pair or guessed_pair
    chosen = problem if problem != "auto" else _guess_problem(frame[label])
    return Columns(text, pair or None, label, chosen)


def _guess_label(frame: pd.DataFrame, free: list[str], needs_text: bool) -> str:
    by_name = _first_named(free, LABEL_NAMES.split())
    if by_name:
        return by_name
    texts = {_guess_text(frame, free)[0]} if needs_text and free else set()
    names = {column.lower() for column in free}
    texts |= {
        c for c in free if c.lower() in TEXT_NAMES.split() or _is_second_text(c.lower(), names)
    }
    counts = {c: _cells(frame[c]).nunique() for c in free if c not in texts}
    classes = {c: n for c, n in counts.items() if 2 <= n <= min(MAX_CLASSES, len(frame) / 2)}
    if classes:
        return min(classes, key=lambda column: classes[column])
    for column in counts:
        if _guess_problem(frame[column]) == "regression":
            return column
    raise DataError(
        "No column looks like a label. Name it with label_column; the columns are "
        f"{', '.join(map(str, frame.columns))}."
    )


def _is_second_text(column: str, names: set[str]) -> bool:
    return any(
        first in names and column in seconds.split() for first, seconds in PAIR_NAMES.items()
    )


def _guess_text(frame: pd.DataFrame, free: list[str]) -> tuple[str, str | None]:
    for first, seconds in PAIR_NAMES.items():
        text, pair = _first_named(free, [first]), _first_named(free, seconds.split())
        if text and pair:
            return text, pair
    by_name = _first_named(free, TEXT_NAMES.split())
    if by_name:
        return by_name, None
    lengths = {c: _cells(frame[c]).str.len().median() for c in free if not _is_number(frame[c])}
    if not lengths:
        raise DataError(
            "No column looks like text. Name it with text_column; the columns are "
            f"{', '.join(map(str, frame.columns))}."
        )
    return max(lengths, key=lambda column: lengths[column]), None


def _first_named(free: list[str], names: Iterable[str]) -> str | None:
    lower = {str(column).lower(): column for column in reversed(free)}
    return next((lower[name] for name in names if name in lower), None)


def _guess_problem(label: pd.Series) -> str:
    """A number to predict if most cells are numbers, with many fractional values."""
    numbers = _numbers(label)
    numbers = numbers[np.isfinite(numbers)]
    fractions = numbers[numbers % 1 != 0]
    values = numbers.nunique()
    many = values > MANY_VALUES or values > len(label) / 2
    return "regression" if _is_number(label) and len(fractions) and many else "classification"


def _is_number(column: pd.Series) -> bool:
    return bool(_numbers(column).notna().mean() >= MOSTLY)


def _numbers(column: pd.Series) -> pd.Series:
    """The column as floats, NaN where a cell is no number."""
    return pd.Series([_number(value) for value in column], index=column.index, dtype="float64")


def _number(value: Any) -> float:
    if isinstance(value, NESTED) or (isinstance(value, str) and "_" in value):
        return np.nan  # Python reads "1_0" as 10; an export that writes this means a name
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _cells(column: pd.Series) -> pd.Series:
    """The column as text without outer blanks; missing cells are empty, whole floats plain."""
    return pd.Series([_cell(value) for value in column], index=column.index, dtype="str")


def _cell(value: Any) -> str:
    if isinstance(value, NESTED):
        return str(value)
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # NaN is not itself
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


# Rows


def labelled_rows(frame: pd.DataFrame, columns: Columns) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows to learn from, all checked: ``text``, ``pair`` if there is one, and ``label``.

    Returns:
        The frame, in the file's order, and the class names in id order. A label is a class id
        (int), or a float and no names for a regression.

    Raises:
        DataError: With the first rows for a text or label that is missing or can't be used.
    """
    rows = pd.DataFrame({"text": _texts(frame[columns.text])})
    if columns.pair:
        rows["pair"] = _texts(frame[columns.pair])
    if columns.problem == "regression":
        rows["label"] = _scores(frame[columns.label])
        return rows, ()
    names = _class_names(frame[columns.label])
    cells = _cells(frame[columns.label])
    rows["label"] = cells.map({name: i for i, name in enumerate(names)}).astype("int64")
    return rows, names


def _texts(column: pd.Series) -> pd.Series:
    """The column as text, untouched but for numbers, which are written out."""
    cells = column.astype(object)
    _refuse(
        _is_nested(cells), f"The text column '{column.name}' holds no text", "Choose another column"
    )
    _refuse(
        _cells(cells) == "",
        f"The text column '{column.name}' is empty",
        "Fill the cells or remove the rows",
    )
    return cells.map(lambda value: value if isinstance(value, str) else _cell(value)).astype("str")


def _is_nested(column: pd.Series) -> pd.Series:
    return pd.Series([isinstance(value, NESTED) for value in column], dtype=bool)


def _scores(column: pd.Series) -> pd.Series:
    numbers = _numbers(column)
    _refuse(
        ~np.isfinite(numbers),
        f"The label column '{column.name}' is not a finite number",
        "Mend the cells, remove the rows, or set problem=classification",
    )
    if len(numbers) < MIN_REGRESSION_ROWS or numbers.nunique() < 2:
        raise DataError(
            f"The label column '{column.name}' has {len(numbers)} rows and {numbers.nunique()} "
            f"different values; at least {MIN_REGRESSION_ROWS} rows and 2 values are needed."
        )
    return numbers


def _class_names(column: pd.Series) -> tuple[str, ...]:
    """The classes, numbers in order of size and words by alphabet."""
    what = f"The label column '{column.name}'"
    _refuse(_is_nested(column), f"{what} holds a list or bytes", "Choose another column")
    cells = _cells(column)
    _refuse(cells == "", f"{what} is empty", "Fill the cells or remove the rows")
    counts = cells.value_counts()
    _check_classes(str(column.name), counts)
    names = sorted(counts.index)
    if all(re.fullmatch(r"-?\d{1,18}", name) for name in names):
        names.sort(key=int)
    return tuple(names)


def _check_classes(name: str, counts: pd.Series) -> None:
    if len(counts) > MAX_CLASSES:
        raise DataError(
            f"The label column '{name}' has {len(counts):,} different values; at most "
            f"{MAX_CLASSES} classes are allowed. Set problem=regression if it is a number to "
            "predict, or choose another label column."
        )
    if len(counts) == 1:
        raise DataError(
            f"The label column '{name}' has one class only, '{counts.index[0]}'. At least 2 are "
            "needed; choose another label column."
        )
    single = sorted(counts.index[counts == 1])
    if single:
        shown = ", ".join(f"'{label}'" for label in single[:ROWS_SHOWN])
        raise DataError(
            f"In the label column '{name}' these classes have one row only: {shown}. Each needs "
            "at least 2, one for training and one for validation; add rows or remove the class."
        )


def _refuse(bad: pd.Series, what: str, advice: str) -> None:
    """Raises with the first rows, from 1, where ``bad`` is true."""
    places = np.flatnonzero(bad.to_numpy(dtype=bool)) + 1
    if len(places):
        shown = ", ".join(f"{place:,}" for place in places[:ROWS_SHOWN])
        more = f" and {len(places) - ROWS_SHOWN:,} more" if len(places) > ROWS_SHOWN else ""
        rows = "row" if len(places) == 1 else "rows"
        raise DataError(f"{what} in {rows} {shown}{more} (from 1, below the header). {advice}.")


def describe(frame: pd.DataFrame, columns: Columns) -> Description:
    """Figures for a preview. Bad rows are counted here and refused by `labelled_rows`."""
    texts, labels = _cells(frame[columns.text]), _cells(frame[columns.label])
    both = [texts, _cells(frame[columns.pair])] if columns.pair else [texts]
    return Description(
        rows=len(frame),
        rows_without_text=int((texts == "").sum()),
        rows_without_label=int((labels == "").sum()),
        duplicate_texts=int(pd.concat(both, axis="columns").duplicated().sum()),
        **_label_figures(frame[columns.label], labels, columns.problem),
        **_lengths("characters", texts.str.len()),
        **_lengths("words", texts.map(lambda text: len(text.split()))),
    )


def _label_figures(column: pd.Series, cells: pd.Series, problem: str) -> dict[str, Any]:
    names = ("label_mean", "label_std", "label_min", "label_max")
    if problem == "classification":
        counts = cells[cells != ""].value_counts()
        return {"class_counts": {str(k): int(v) for k, v in counts.items()}} | dict.fromkeys(names)
    numbers = _numbers(column)
    numbers = numbers[np.isfinite(numbers)]
    if numbers.empty:
        return {"class_counts": None} | dict.fromkeys(names)
    with np.errstate(over="ignore"):
        figures = (numbers.mean(), numbers.std(ddof=0), numbers.min(), numbers.max())
    return {"class_counts": None} | dict(zip(names, map(float, figures), strict=True))


def _lengths(unit: str, lengths: pd.Series) -> dict[str, Any]:
    return {f"median_{unit}": float(lengths.median()), f"max_{unit}": int(lengths.max())}
