"""Every method of the registry: what it is, trains, costs and scored; and a start of some."""

import streamlit as st

from app.methods.choice import (
    MODELS,
    choose_model,
    choose_task,
    choose_view,
    pick_methods,
    rows_ticked,
    version,
)
from app.methods.frames import methods_frame
from app.methods.parts import draw_charts, draw_measured, draw_start
from app.methods.table import draw_table
from app.reading.methods import compared_methods, runs_of_methods, trained_parameters
from app.reading.runs import run_rows, runs_folder
from app.text import escape_markdown
from finegates.errors import FineGatesError
from finegates.methods import METHODS
from finegates.results.compared import Compared, method_scores

folder = runs_folder()


def published() -> tuple[Compared | None, bool]:
    """The comparison, and whether its file is sound."""
    try:
        return compared_methods(), True
    except FineGatesError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        return None, False


with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Methods", width="stretch")
    links = st.container(horizontal=True, width="content")
compared, sound = published()
every = method_scores(compared.runs) if compared else []
filters, order = (st.container(horizontal=True, vertical_alignment="bottom") for _ in range(2))
with order:
    model = choose_model()
    task = choose_task([*dict.fromkeys(score.task for score in every)])
with filters:
    view = choose_view(order)
scores = {score.method: score for score in every if score.task == task}
ratios = {score.method: score.step_ratio for score in every if score.step_ratio is not None}
runs = runs_of_methods(run_rows(folder))
frame = methods_frame(trained_parameters(MODELS[model]), scores, ratios, runs)
shown = view.rows(frame)
picked = pick_methods(list(METHODS))
with links:
    draw_start(picked, runs)
if shown.empty:
    st.info("No method matches the filter.", icon=":material/filter_alt_off:")
else:
    draw_table(shown, picked, version(), rows_ticked)
few = f", {len(shown)} of them shown" if len(shown) < len(frame) else ""
st.caption(f"{len(frame)} methods are here{few}. Tick rows to start them on your data.")
if sound:
    draw_measured(compared)
if task:
    draw_charts(shown, scores, picked, task, model)
