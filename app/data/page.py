"""The user's own data sets: kept, looked at and checked before a run learns from them."""

import streamlit as st

from app.data.kept import choose_data_set, draw_delete, draw_kept, draw_upload
from app.data.parts import draw_classes, draw_faults, draw_figures, draw_lengths, draw_rows
from app.data.use import draw_use, settings_of
from app.reading.data import UPLOADS_FOLDER, data_report, kept_uploads
from app.reading.runs import run_rows, runs_folder
from app.text import escape_markdown
from finegates.errors import FineGatesError
from finegates.spec import make_spec

uploads = runs_folder() / UPLOADS_FOLDER

st.title("Data")
left, right = st.columns([2, 3], gap="large")
with left:
    draw_upload(uploads)
kept = kept_uploads(uploads)
with right:
    draw_kept(kept)
with st.container(horizontal=True, vertical_alignment="bottom"):
    file = choose_data_set(kept)
    if file is not None:
        draw_delete(file, run_rows(runs_folder()))
try:
    spec = make_spec(settings_of(file))
    with st.spinner("Looking at every row …"):
        report = data_report(spec)
except FineGatesError as error:
    words = str(error).replace(file.path.name, file.name) if file else str(error)
    st.error(escape_markdown(words), icon=":material/error:")
    st.stop()

draw_use(file, spec, report)
draw_figures(report)
draw_faults(report)
left, right = st.columns(2, gap="large")
with left:
    draw_classes(report)
with right:
    draw_lengths(report, spec)
draw_rows(report, spec)
