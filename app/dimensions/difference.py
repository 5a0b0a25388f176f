"""What only one of two steps or two runs keeps, on the Dimensions page."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.dimensions.maps import draw_differences
from app.reading.gates import snapshot_at
from app.snapshots.view import GateView
from app.text import escape_markdown
from finegates.errors import FineGatesError
from finegates.runs.folder import Run

WITH = "with"


def draw_difference(run: Run, steps: Sequence[int], shown: Sequence[GateView]) -> None:
    """Counts and maps of what is kept by A, the run at its step, and by B.

    Args:
        run: The page's run.
        steps: Its stored steps.
        shown: Its gates at the step of the slider, then those of the other runs.
    """
    first = shown[0]
    second = _choose_second(run, steps, shown)
    if second is None:
        return
    st.markdown(
        f"**A** is {escape_markdown(_named(first))}; **B** is {escape_markdown(_named(second))}."
    )
    words = ("kept by neither", "kept only by A", "kept only by B", "kept by both")
    codes = first.kept + 2 * second.kept.astype(np.uint8)
    counts = np.bincount(codes, minlength=len(words))
    with st.container(horizontal=True):
        for place in (1, 2, 3, 0):
            st.metric(
                words[place][0].upper() + words[place][1:], f"{counts[place]:,}", border=True,
                help=f"Gates, of {len(codes):,} in all.",
            )  # fmt: skip
    draw_differences(first, second, words)


def _choose_second(run: Run, steps: Sequence[int], shown: Sequence[GateView]) -> GateView | None:
    """Another of the runs, or another step of the same one; says why there is none."""
    first, *others = shown
    options: dict[str, GateView | int] = {gates.name: gates for gates in others}
    options |= {f"step {step:,}": step for step in steps if step != first.step}
    if not options:
        st.info(
            "This run has stored its gates at one step only. Choose another run in the box "
            "*Against* above.", icon=":material/compare_arrows:"
        )  # fmt: skip
        return None
    if st.session_state.get(WITH) not in (None, *options):
        del st.session_state[WITH]
    name = st.selectbox(
        "B", list(options), key=WITH, bind="query-params", width=420,
        help="Another step of the same run, or one of the runs in the box 'Against'.",
    )  # fmt: skip
    chosen = options[name]
    if isinstance(chosen, GateView):
        return chosen
    try:
        return GateView(run.id, first.name, snapshot_at(run, chosen), first.threshold)
    except FineGatesError as error:
        st.error(escape_markdown(str(error)), icon=":material/grid_off:")
        return None


def _named(gates: GateView) -> str:
    return f"{gates.name} at step {gates.step:,}"
