"""How a kept file is read, in one line: what was found, how sure it is, and boxes to change it."""

from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.fields import ask, help_of
from app.reading.data import FileLook, look_at
from app.text import escape_markdown
from finegates.data.formats import COMMA, ENCODINGS, SEPARATORS, FileFormat
from finegates.data.user_files import Reading
from finegates.errors import DataError, shortened
from finegates.spec import FIELDS

AUTO, YES, NO = "auto", "yes", "no"
TABLE = "table"
KINDS = {
    TABLE: "Text table",
    "jsonl": "JSON lines",
    "json": "JSON",
    "parquet": "Parquet",
    "text": "Plain text",
}
SIGNS = {"comma": "comma ( , )", "semicolon": "semicolon ( ; )", "tab": "tab", "pipe": "pipe ( | )",
         "blank": "blank, label first"}  # fmt: skip
DECIMALS = {"point": "1.5", "comma": "1,5"}
HEADERS = {YES: "the first row", NO: "none, all rows are data"}
WORDS = {AUTO: "as found", "": "as found", **SIGNS, **DECIMALS, **HEADERS}
CELLS_SHOWN, CELL_CHARACTERS = 4, 40
FORMAT = ("separator", "encoding", "decimal", "header")


def choose_format(path: Path, plain: bool = False) -> tuple[dict[str, Any], FileLook]:
    """Draws the line, and asks for the header where it can't be known.

    Args:
        path: A kept file.
        plain: Whether it is read as plain text.

    Returns:
        Settings of a spec, and what the file is read as with them.

    Raises:
        DataError: If it can't be read so; the boxes are drawn all the same.
    """
    chosen = chosen_format(path.name)
    look, problem = None, ""
    try:
        look = look_at(path, Reading(**chosen, plain=plain))
    except DataError as error:
        problem = str(error)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if look:
            st.markdown(_in_words(look.format), width="content")
        if look is None or look.format.encoding:
            with st.popover("Adjust", icon=":material/tune:", type="tertiary"):
                draw_boxes(path.name, look.format if look else None)
    if look is None:
        raise DataError(problem)
    why = look.format.certainty
    sure = [why.get("separator", ""), why.get("encoding", "")]
    sure += (
        [f"decimal {why['decimal']}"] if look.format.decimal == COMMA and "decimal" in why else []
    )
    if words := " ".join(filter(None, (*sure, *look.notes))):
        st.caption(escape_markdown(words))
    if look.format.header is None:
        cells = [f"'{shortened(cell, CELL_CHARACTERS)}'" for cell in look.first[:CELLS_SHOWN]]
        ask(
            "The first row looks like data. Is it?", " · ".join(cells), "header", path.name,
            {NO: "It is data", YES: "It holds the columns' names"},
        )  # fmt: skip
    return chosen, look


def chosen_format(file: str) -> dict[str, Any]:
    """What the session holds of each setting for a file of this name, else as found."""
    held = {name: st.session_state.get(keys.of_file(name, file)) for name in FORMAT}
    return {name: value or FIELDS[name].default for name, value in held.items()}


def _in_words(found: FileFormat) -> str:
    """``"Read as **Text table** · semicolon ( ; ) · cp1252 · numbers as 1,5 · no header"``."""
    parts = [f"**{KINDS[found.kind]}**" + (", gzip" if found.compressed else "")]
    if found.separator:
        parts.append(SIGNS[found.separator])
    if found.encoding:
        parts.append(found.encoding)
    if found.kind == TABLE:
        parts.append(f"numbers as {DECIMALS[found.decimal]}")
        names = "names in the first row" if found.header else "no row of names"
        parts.append("**row of names?**" if found.header is None else names)
    return "Read as " + " · ".join(parts)


def draw_boxes(file: str, found: FileFormat | None = None) -> None:
    """A box for each setting of the format, with the reason for what was found.

    Args:
        file: The file's name.
        found: What it was read as, if it could be read.
    """
    is_table = found is None or found.kind == TABLE
    shown = FORMAT if is_table else ("encoding",)
    options = {
        "separator": (AUTO, *SEPARATORS),
        "encoding": ("", *ENCODINGS),
        "decimal": (AUTO, *DECIMALS),
        "header": (AUTO, *HEADERS),
    }
    for name in shown:
        key = keys.of_file(name, file)
        st.session_state.setdefault(key, options[name][0])
        offered = dict.fromkeys((*options[name], st.session_state[key]))
        why = found.certainty.get(name, "") if found else ""
        st.selectbox(
            name.capitalize(), list(offered), key=key, persist_state="session",
            format_func=lambda value: str(WORDS.get(value, value)),
            help=help_of(name) + (f"  \n{escape_markdown(why)}" if why else ""),
        )  # fmt: skip
