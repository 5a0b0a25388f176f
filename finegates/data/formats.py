"""What a user's file was read as: separator, encoding, decimals, header, and how sure that is."""

from dataclasses import dataclass, field

from finegates.spec import RunSpec

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


@dataclass(frozen=True)
class Reading:
    """How a file is to be read; what is left open is found. Each is as in `RunSpec`.

    Attributes:
        separator: ``"auto"``, or a key of `SEPARATORS`.
        encoding: A codec of Python; None to find it.
        decimal: ``"auto"``, ``"point"`` or ``"comma"``.
        header: ``"auto"``, ``"yes"`` or ``"no"``.
    """

    separator: str = "auto"
    encoding: str | None = None
    decimal: str = "auto"
    header: str = "auto"

    @classmethod
    def of(cls, spec: RunSpec) -> "Reading":
        """What a spec says of it."""
        return cls(spec.separator, spec.encoding, spec.decimal, spec.header)


@dataclass(frozen=True)
class FileFormat:
    """What a file was read as.

    Attributes:
        kind: ``"table"`` (as text), ``"jsonl"``, ``"json"`` or ``"parquet"``.
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
