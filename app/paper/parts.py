"""The Paper page's parts: what to look at, the printed table, its chart, and the other runs."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.charts.paper import OWN, paper_chart
from app.paper import frames
from app.words import NOTHING
from finegates.results.paper import BACKBONES, NUM_SEEDS, TABLES, cells_of
from finegates.results.paper_runs import TARGET_TOLERANCE, Comparison
from finegates.results.points import Point

ROW_HEIGHT = 30
MAX_TABLE_HEIGHT = 640
HOW_TO_READ = (
    "Each line is a row of the table. Hollow: the paper. Filled: the median of your runs, with the "
    "range of your seeds. Further to the right is better."
)


def choose_table() -> tuple[int, str, str]:
    """Table, model of the paper, and whether scores are related to full fine-tuning."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = {f"Table {number}": number for number in TABLES}
        chosen = st.segmented_control(
            "Table", list(names), default="Table 2", key="table", bind="query-params",
            required=True, help="  \n".join(f"**{name}**: {TABLES[names[name]]}" for name in names),
        )  # fmt: skip
        table = names[chosen]
        models = [name for name in BACKBONES if cells_of(table, name)]
        backbone = st.segmented_control(
            "Model of the paper", models, default=models[0], key="backbone", bind="query-params",
            required=True, help="The paper's encoder tables are of these two models.",
        )  # fmt: skip
        view = st.segmented_control(
            "Shown as", frames.VIEWS, default=frames.SCORE, key="shown", bind="query-params",
            required=True, help="**Score**: the task's metric, the paper's divided by 100: "
            "Matthews correlation on CoLA, Pearson on STS-B, accuracy elsewhere.  \n"
            "**Percent of full fine-tuning**: of the score of the row *full* on the same task; "
            "yours of your own full fine-tuning on the same rows.",
        )  # fmt: skip
    return table, backbone if backbone in models else models[0], view


def draw_table(comparisons: Sequence[Comparison], view: str) -> None:
    """The table as printed, the user's medians and the difference below each row."""
    frame = frames.printed_table(comparisons, view)
    config = st.column_config
    number: dict[str, Any] = {"format": f"%.{frames.DIGITS[view]}f", "width": 76}
    tasks = {name: config.NumberColumn(name, **number) for name in frame.columns[3:]}
    st.dataframe(
        frame, key="printed", hide_index=True, placeholder=NOTHING, row_height=ROW_HEIGHT,
        height="content" if len(frame) <= MAX_TABLE_HEIGHT // ROW_HEIGHT else MAX_TABLE_HEIGHT,
        alt=f"Figures of the paper and of your runs, {len(frame)} rows",
        column_config={
            "row": config.TextColumn("Row", width=190, pinned=True),
            "trained": config.TextColumn(
                "Trained", width=76, help="Trained parameters as printed, without the head."
            ),
            "who": config.TextColumn("Whose", width=110),
            **tasks,
        },
    )  # fmt: skip
    done = sum(bool(c.own) for c in comparisons)
    full = sum(len(c.own[0].seeds) >= NUM_SEEDS for c in comparisons if c.own)
    st.markdown(
        f"**{done}** of {len(comparisons)} figures have a run of yours next to them, **{full}** "
        f"have {NUM_SEEDS} seeds."
    )


def choose_task(comparisons: Sequence[Comparison]) -> str:
    """The task that is looked at closely, as printed."""
    tasks = [*dict.fromkeys(c.cell.printed_task for c in comparisons)]
    chosen = st.segmented_control(
        "One task closely", tasks, default=tasks[0], key="paper_task", bind="query-params",
        required=True, help="What the paper and you have of it, and what is missing.",
    )  # fmt: skip
    return chosen if chosen in tasks else tasks[0]


def draw_chart(comparisons: Sequence[Comparison], view: str) -> None:
    """The figures of one task as marks, with a sentence on how to read them."""
    frame = frames.chart_frame(comparisons, view)
    own, task = int((frame["who"] == OWN).sum()), comparisons[0].cell.printed_task
    if frame.empty:
        st.caption("The paper prints no full fine-tuning on this task.")
        return
    st.altair_chart(
        paper_chart(frame, f"{task}, {view[:1].lower() + view[1:]}", view == frames.RELATIVE),
        key="paper_chart",
        alt=f"{len(frame) - own} figures of the paper and {own} medians of your runs on {task}",
    )
    st.caption(HOW_TO_READ)


def draw_cells(comparisons: Sequence[Comparison], view: str) -> None:
    """The user's runs of the cells one by one, with spread and seeds; nothing without any."""
    frame = frames.cell_table(comparisons, view)
    if frame.empty:
        return
    st.subheader("Your runs of these cells")
    config = st.column_config
    number: dict[str, Any] = {"format": f"%.{frames.DIGITS[view]}f", "width": 84}
    st.dataframe(
        frame, key="cells", hide_index=True, placeholder=NOTHING, row_height=ROW_HEIGHT,
        alt="Your runs of the paper's cells",
        column_config={
            "row": config.TextColumn("Row", width=190),
            "task": config.TextColumn("Task", width=76),
            "paper": config.NumberColumn("Paper", **number),
            "median": config.NumberColumn("Your median", **number),
            "low": config.NumberColumn("Lowest", **number),
            "high": config.NumberColumn("Highest", **number),
            "difference": config.NumberColumn(
                "Difference", format=f"%+.{frames.DIGITS[view]}f", width=84,
                help="Yours less the paper's: below 0 yours scores less.",
            ),
            "seeds": config.NumberColumn("Seeds", width=60, help="Runs that the median is over."),
            "with": config.TextColumn(
                "With", width=220, help="Settings that were chosen for these runs. Runs that "
                "differ in them are never averaged."
            ),
            "under_way": config.TextColumn("Under way", width=90, help="Seeds queued or training."),
            "missing": config.TextColumn(
                "Missing", width=110, help=f"Seeds to run until there are {NUM_SEEDS}."
            ),
        },
    )  # fmt: skip


def draw_other_runs(found: Sequence[tuple[Point, str]], backbone: str) -> None:
    """Runs on the same tasks that are none of the cells, each with the reason."""
    if not found:
        return
    st.subheader("Your other runs on these tasks")
    st.caption(
        f"They are not comparable with the figures above, which are of **{backbone}**, and are "
        "never mixed with them; the last column says what is different. Targets may differ by "
        f"{100 * TARGET_TOLERANCE:g} points."
    )
    config = st.column_config
    number: dict[str, Any] = {"format": "%.3f", "width": 84}
    frame = frames.other_runs_table(found)
    st.dataframe(
        frame, key="apart", hide_index=True, placeholder=NOTHING, row_height=ROW_HEIGHT,
        height="content" if len(frame) <= 10 else 11 * ROW_HEIGHT,
        alt=f"{len(frame)} recipes of yours that are no cell of the table",
        column_config={
            "model": config.TextColumn("Model", width=120),
            "task": config.TextColumn("Task", width=70),
            "method": config.TextColumn("Recipe", width=170),
            "target": config.NumberColumn("Target", format="%.1f %%", width=76),
            "median": config.NumberColumn("Median", **number, help="Over seeds."),
            "low": config.NumberColumn("Lowest", **number),
            "high": config.NumberColumn("Highest", **number),
            "seeds": config.NumberColumn("Seeds", width=60),
            "relative": config.NumberColumn(
                "Of full", format="%.1f %%", width=84,
                help="Of your full fine-tuning with the same model on the same data.",
            ),
            "why": config.TextColumn("Not a cell of the table: it is", width=330),
        },
    )  # fmt: skip
