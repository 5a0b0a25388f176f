"""What is missing to fill cells of the paper, and how to start it: on the page or in a terminal."""

import shlex
from collections.abc import Sequence

import streamlit as st

from app import places
from app.new.fields import label_of
from app.new.sweep import free_name
from app.paper.frames import missing_table
from app.text import seed_list
from app.widgets.plain_code import plain_code
from app.words import NOTHING
from finegates.methods import METHODS
from finegates.results.paper import BACKBONES, NUM_SEEDS
from finegates.results.paper_runs import Comparison, Fill, fills


def draw_start(comparisons: Sequence[Comparison], taken: Sequence[str]) -> None:
    """What each row still needs, and the sweeps that fill the chosen ones.

    Args:
        comparisons: Of one task of a table, on one model.
        taken: Names of groups that are there.
    """
    possible = [c for c in comparisons if c.cell.method]
    config = st.column_config
    st.dataframe(
        missing_table(possible), key="missing", hide_index=True, row_height=30, placeholder=NOTHING,
        alt="Seeds that are done and that are missing, for each row of the table",
        column_config={
            "row": config.TextColumn("Row", width=150),
            "method": config.TextColumn("Recipe here", width=130),
            "target": config.NumberColumn("Target", format="%.1f %%", width=60),
            "done": config.NumberColumn("Seeds", width=50, help=f"Of {NUM_SEEDS} in the paper."),
            "under_way": config.TextColumn("Under way", width=70),
            "missing": config.TextColumn("To run", width=80),
        },
    )  # fmt: skip
    names = [c.cell.row for c in possible]
    first = comparisons[0].cell
    chosen = st.multiselect(
        "Rows to fill", names, names, select_all=False, placeholder="none",
        key=f"fill_{first.table}_{first.backbone}_{first.task}",
        help="Opens the sweep's form with what these rows lack; nothing starts by itself.",
    )  # fmt: skip
    found = fills(c for c in possible if c.cell.row in chosen)
    names_taken = {*taken}
    for fill in found:
        name = free_name(f"paper-{fill.task}-{fill.backbone}", names_taken)
        names_taken.add(name)
        _draw_fill(fill, name)
    if not found:
        st.caption("Nothing is missing here." if chosen else "No row is chosen.")


def _draw_fill(fill: Fill, name: str) -> None:
    with st.container(border=True):
        st.markdown(f"**{fill.num_runs} runs**: {_in_words(fill)}")
        st.page_link(
            places.NEW_SWEEP, label="Start these runs …", icon=":material/grid_view:",
            query_params=query_of(fill, name),
            help="Opens New sweep with this filled in, what it will cost, and the button.",
        )  # fmt: skip
        plain_code(shlex.join(fill.command(name)), f"command-{name}")


def _in_words(fill: Fill) -> str:
    removing = [name for name in fill.methods if METHODS[name].removes]
    dense = [name for name in fill.methods if not METHODS[name].removes]
    targets = ", ".join(f"{100 * target:g}" for target in fill.targets)
    parts = [f"{', '.join(removing)} at {targets} %"] if removing else []
    parts += [", ".join(dense)] if dense else []
    parts += [f"seeds {seed_list(fill.seeds)}"]
    parts += [f"{label_of(name).lower()} {value:,}" for name, value in fill.settings.items()]
    return " · ".join(parts)


def query_of(fill: Fill, name: str) -> dict[str, str]:
    """The address of New sweep that `app.new.prefill` reads."""
    return {
        "name": name,
        "task": fill.task,
        "model": BACKBONES[fill.backbone],
        "methods": ",".join(fill.methods),
        "targets": ",".join(f"{target:g}" for target in fill.targets),
        "seeds": str(len(fill.seeds)),
        "first_seed": str(fill.seeds[0]),
        **{name: str(value) for name, value in fill.settings.items()},
    }
