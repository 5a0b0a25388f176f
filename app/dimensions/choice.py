"""What is shown of which runs on the Dimensions page; all of it is in the address."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from app import places
from app.dimensions.mask_files import file_name, masks_csv, masks_npz
from app.dimensions.playing import choose_step
from app.reading.gates import gated_runs, snapshot_at
from app.reading.one_run import row_of
from app.reading.runs import run_names
from app.snapshots.view import GateView
from app.text import escape_markdown
from app.widgets.picker import RUN_PARAMETER, pick_run
from finegates.errors import FineGatesError, unknown_name
from finegates.gates.overlap import check_same_layout
from finegates.runs.folder import BROKEN, Run

AGAINST = "against"
MAPS, SURVIVORS, STREAM = "Maps", "Survivors", "Residual stream"
DIFFERENCE, RUNS = "Difference", "Runs compared"
VIEWS = {
    MAPS: "every dimension of each matrix, layer by layer, and a map of the heads",
    SURVIVORS: "how many rows and columns of each matrix are left",
    STREAM: "hidden dimensions that every layer keeps, and that none keeps",
    DIFFERENCE: "what only one of two steps or two runs keeps, and what both keep",
    RUNS: "what several runs keep in common, compared with chance",
}
MOST_OTHERS = 7
HIGHEST_THRESHOLD = 0.95
_BOX, _SEEN = "against_box", "against_in_address"


def choose_runs(folder: Path) -> tuple[Run, list[str]]:
    """The run, and ids of those it is compared with."""
    run = pick_run(folder)
    names, ids = run_names(folder), gated_runs(folder)
    asked = st.query_params.get_all(AGAINST)
    _say_unknown(asked, ids)
    if asked != st.session_state.get(_SEEN):
        st.session_state[_BOX] = [one for one in asked if one in ids][:MOST_OTHERS]
    # Bound to the address by itself, the box would write names there, which change.
    chosen = st.multiselect(
        "Against", ids, key=_BOX, placeholder="other runs", select_all=False,
        max_selections=MOST_OTHERS, format_func=lambda one: names.get(one, one),
        help="Runs of the same model, at their last stored step, for the views "
        f"'{DIFFERENCE}' and '{RUNS}' and for the exported masks. Only runs that carry gates are "
        "listed.",
    )  # fmt: skip
    st.query_params[AGAINST] = chosen
    st.session_state[_SEEN] = chosen
    return run, [one for one in chosen if one != run.id]


def choose_view(steps: Sequence[int]) -> tuple[int, float, str]:
    """Step, threshold and view."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.segmented_control(
            "View", list(VIEWS), default=MAPS, key="show", bind="query-params", required=True,
            help="  \n".join(f"**{name}**: {what}" for name, what in VIEWS.items()),
        )  # fmt: skip
        step = choose_step(steps)
        threshold = st.slider(
            "Threshold", 0.0, HIGHEST_THRESHOLD, 0.0, 0.01, key="threshold", bind="query-params",
            width=240, help="Gates whose value in evaluation, from 0 to 1, is this or less count "
            "as closed, everywhere on this page. At 0 it is what the run itself has closed.",
        )  # fmt: skip
    return step, threshold, view


def load_shown(run: Run, others: Sequence[str], step: int, threshold: float) -> list[GateView]:
    """The run's gates, then those of the others that can stand next to it; says why one can't.

    Raises:
        RunError: If the run's own gates can't be read.
    """
    first = snapshot_at(run, step)
    found = [(run, first)]
    for other in (Run(run.path.parent / name) for name in others):
        try:
            last = snapshot_at(other, (other.snapshot_steps() or [0])[-1])
            check_same_layout([run.id, other.id], [first.layout, last.layout])
            found.append((other, last))
        except FineGatesError as error:
            st.error(escape_markdown(f"{error} It is left out."), icon=":material/grid_off:")
    _warn_of_models([one for one, _ in found])
    names = run_names(run.path.parent)
    return [
        GateView(one.id, names.get(one.id, one.id), snapshot, threshold) for one, snapshot in found
    ]


def draw_ways_on(shown: Sequence[GateView]) -> None:
    """To the page that prunes at this threshold, if there is one; and files of what is shown."""
    gates = shown[0]
    with st.container(width="content", gap="small"):
        if gates.threshold:
            at = f"{gates.threshold:g}"
            st.page_link(
                places.PRUNE, label=f"Prune at {at}", icon=":material/content_cut:",
                query_params={RUN_PARAMETER: gates.run, "by": "Threshold", "threshold": at},
                help="Score, size and speed of the run, as trained, without the gates up to this "
                "threshold.",
            )  # fmt: skip
        _draw_export(shown)


def _draw_export(shown: Sequence[GateView]) -> None:
    """Files are made only when they are asked for."""
    with st.popover("Export masks", icon=":material/download:"):
        runs = "this run" if len(shown) == 1 else f"these {len(shown)} runs"
        st.caption(f"Which dimensions {runs} keep at the step and the threshold that are set.")
        files: tuple[tuple[str, Callable[[Sequence[GateView]], bytes | str], str], ...] = (
            ("npz", masks_npz, "A boolean array for each gate vector, such as 0.q.in."),
            ("csv", masks_csv, "A line for each dimension: its place, and 1 where it is kept."),
        )
        for ending, make, what in files:
            st.download_button(
                f".{ending}", partial(make, shown), file_name=file_name(shown, ending),
                help=what, on_click="ignore", key=f"export_{ending}", width="stretch",
            )  # fmt: skip


def _say_unknown(asked: Sequence[str], ids: list[str]) -> None:
    for one in asked:
        if one not in ids:
            st.error(
                escape_markdown(
                    f"{unknown_name('run with gates', one, ids, shown=3)} It is left out."
                )
            )


def _warn_of_models(runs: Sequence[Run]) -> None:
    rows = [row_of(run) for run in runs] if len(runs) > 1 else []
    models = {row["model"] for row in rows if row["status"] != BROKEN}
    if len(models) > 1:
        st.warning(
            f"These runs are of different models ({', '.join(sorted(models))}), so a dimension of "
            "one is not that of another: expect no more than chance.", icon=":material/warning:"
        )  # fmt: skip
