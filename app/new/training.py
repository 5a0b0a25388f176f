"""The training section of New run and Sweep: the few settings that most people change, and the rest
behind a click.
"""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from app.new.model import choose_device
from app.new.recipes import TEACHER, settings_of
from app.new.teachers import possible_teachers, teacher_input
from app.rows import Row
from finegates.spec import FIELDS, OF_A_FILE

MAIN = ("epochs", "batch_size", "max_train_samples", "learning_rate")
ELSEWHERE = (
    "task", "data", *OF_A_FILE, "problem", "glue_dir", "model",
    "method", "target_sparsity", "device",
)  # fmt: skip
"""Settings that other parts of the two pages ask for."""

Draw = Callable[[str, Any], Any]


def draw_training(
    main: Iterable[str],
    methods: Iterable[str],
    found: dict[str, Row],
    prefix: str,
    draw: Draw,
    without: Iterable[str] = (),
) -> tuple[list[str], str]:
    """Draws the section.

    Args:
        main: Settings that stand in the open.
        methods: Only settings that matter to one of them are shown.
        found: Runs that could teach; see `app.new.teachers.teachers`.
        prefix: Of the page's keys in the session.
        draw: Draws the widget of a setting into a container.
        without: Settings that the page asks for elsewhere.

    Returns:
        The names of the settings on the page, and the chosen device.
    """
    main = list(main)
    grid = st.grid(3, min_column_width=150, vertical_alignment="bottom")
    for name in main:
        draw(name, grid)
    device = choose_device(grid)
    offered = possible_teachers(found, prefix)
    taught = st.session_state.get(prefix + TEACHER) in offered
    hidden = {*ELSEWHERE, *main, *without, *(() if offered else (TEACHER,))}
    more = settings_of(methods, taught, hidden)
    with st.expander("More settings", icon=":material/tune:"):
        for group in dict.fromkeys(FIELDS[name].metadata["group"] for name in more):
            st.markdown(f"**{group}**")
            grid = st.grid(3, min_column_width=150, vertical_alignment="bottom")
            for name in (n for n in more if FIELDS[n].metadata["group"] == group):
                teacher_input(found, prefix, grid) if name == TEACHER else draw(name, grid)
    return [*main, *more], device
