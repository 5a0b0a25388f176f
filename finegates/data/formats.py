"""What a user's file was read as: separator, encoding, decimals, header, and how sure that is."""

import re
from dataclasses import dataclass, field

from finegates.spec import TEXT_TASK, RunSpec

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "blank": " "}
"""Character of each separator by its name in `RunSpec.separator`."""
ENCODINGS = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "iso8859-15",
    "cp1250", "iso8859-2", "cp1251", "koi8-r", "cp866", "iso8859-5", "cp1253", "cp1254", "cp1255",
    "cp1256", "cp1257", "cp874", "cp932", "shift_jis", "euc_jp", "gb18030", "big5", "cp949",
    "mac-roman", "cp437", "cp850",
)  # fmt: skip
"""Offered where another than the one found is chosen; any other codec of Python may be named."""
POINT, COMMA = "point", "comma"
_TABLE_ENDING = re.compile(r"\.(csv|tsv|tab|json|jsonl|ndjson|parquet)(\.gz)?$", re.IGNORECASE)
"""Of a file of the task 'text' that has columns; any other is plain text."""


@dataclass(frozen=True)
class Reading:
    """How a file is to be read; what is left open is found. Each is as in `RunSpec`.

    Attributes:
        separator: ``"auto"``, or a key of `SEPARATORS`.
        encoding: A codec of Python; None to find it.
        decimal: ``"auto"``, ``"point"`` or ``"comma"``.
        header: ``"auto"``, ``"yes"`` or ``"no"``.
        plain: Whether it is plain text, whose documents are the rows.
    """

    separator: str = "auto"
    encoding: str | None = None
    decimal: str = "auto"
    header: str = "auto"
    plain: bool = False

    @classmethod
    def of(cls, spec: RunSpec) -> "Reading":
        """What a spec says of it."""
        plain = spec.task == TEXT_TASK and spec.text_column is None and spec.separator == "auto"
        plain = plain and not _TABLE_ENDING.search(str(spec.data))
        return cls(spec.separator, spec.encoding, spec.decimal, spec.header, plain)


@dataclass(frozen=True)
class FileFormat:
    """What a file was read as.

    Attributes:
        kind: ``"table"`` (as text), ``"jsonl"``, ``"json"``, ``"parquet"``, or ``"text"`` for
            plain text.
        separator: Key of `SEPARATORS`; None where the kind is no table.
        encoding: A codec of Python; None for Parquet.
        decimal: What stands before a number's fraction, ``"point"`` or ``"comma"``.
        header: Whether the first row holds names. None: not decided, as it looks like data.
        compressed: Whether the file was packed with gzip.
        certainty: Name of an attribute to one sentence: why, and how sure.
    """

    kind: str
    separator: str | None = None
    encoding: str | None = None
    decimal: str = POINT
    header: bool | None = True
    compressed: bool = False
    certainty: dict[str, str] = field(default_factory=dict)
