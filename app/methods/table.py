"""The table of methods: how its columns are shown, and its ticks."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app.words import NOTHING, TERMS

ROW_HEIGHT, MOST_ROWS = 32, 14
_config = st.column_config
CONFIG: dict[str, Any] = {
    "method": _config.TextColumn("Method", width=190, pinned=True),
    "family": _config.TextColumn("Family", width=178),
    "trained": _config.NumberColumn(
        "Trained", format="compact", width=80,
        help="Trained parameters of the model that is counted, without the head.",
    ),
    "score": _config.NumberColumn(
        "Score", format="%.3f", width=70, help="Median over seeds, of the comparison."
    ),
    "removed": _config.NumberColumn("Removed", format="%.1f %%", width=80, help=TERMS["removed"]),
    "speedup": _config.NumberColumn(
        "Faster", format="%.2f ×", width=76,
        help="Time of the whole model over that of the smaller one, in the comparison: float32, "
        "32 rows of 128 tokens.",
    ),
    "ratio": _config.NumberColumn(
        "Step", format="%.2f ×", width=70,
        help="Time of a training step over one of LoRA's on the same matrices: 2 is twice as long.",
    ),
    "merges": _config.CheckboxColumn(
        "Merges", width=66, help="Can be folded into the model's own matrices."
    ),
    "removes": _config.CheckboxColumn("Removes", width=74, help="The model gets smaller."),
    "runs": _config.NumberColumn(
        "Runs", width=60, help="Finished runs of it, yours and those that came with the program."
    ),
    "link": _config.LinkColumn(
        "Paper", width=176, display_text=r"https://(?:arxiv\.org/abs/)?(.+)",
        help="The first one on arXiv that its source names, or the code's repository.",
    ),
    "summary": _config.TextColumn("What it does", width=420),
    "source": _config.TextColumn("Where its settings come from", width=380),
    "failed": _config.TextColumn("What failed", width=300),
}  # fmt: skip
COLUMNS = {name: config["label"] for name, config in CONFIG.items()}
"""Column -> its name, in the order in which they stand."""


def draw_table(
    frame: pd.DataFrame, picked: Sequence[str], version: int, ticked: Callable[..., None]
) -> None:
    """The methods to be seen, those that are picked ticked.

    Args:
        frame: Rows of `app.methods.frames.methods_frame`; columns without any value are left out.
        picked: Methods that are ticked.
        version: Another one draws the table anew.
        ticked: Called with the key of the table and its methods when ticks change.
    """
    names = list(frame["method"])
    shown = [name for name in CONFIG if name in frame and frame[name].notna().any()]
    key = f"methods_table_{version}_{hash((*names, *shown))}"
    st.dataframe(
        frame[shown], key=key, hide_index=True, placeholder=NOTHING, row_height=ROW_HEIGHT,
        height="content" if len(names) < MOST_ROWS else ROW_HEIGHT * MOST_ROWS,
        column_config=CONFIG, on_select=partial(ticked, key, names), selection_mode="multi-row",
        selection_default={"selection": {"rows": [names.index(n) for n in picked if n in names]}},
        alt=f"{len(names)} methods",
    )  # fmt: skip
