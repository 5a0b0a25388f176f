"""The user's own data sets: kept, looked at and checked before a run learns from them."""

import streamlit as st

from app.data.kept import choose_data_set, choose_nothing, choose_upload, draw_delete, draw_kept
from app.data.parts import draw_classes, draw_faults, draw_figures, draw_lengths, draw_rows
from app.data.use import choose_spec, draw_use
from app.new.data import in_users_names
from app.new.upload import draw_upload
from app.reading.data import UPLOADS_FOLDER, data_report, kept_uploads
from app.reading.runs import run_rows, runs_folder
from app.text import escape_markdown
from finegates.errors import FineGatesError

uploads = runs_folder() / UPLOADS_FOLDER

st.title("Data")
left, right = st.columns([2, 3], gap="large")
with left:
    upload = draw_upload(uploads, "data_upload")
kept = kept_uploads(uploads)
if upload.path:
    choose_upload(kept, upload.path)
if upload.refused:
    choose_nothing()
with right:
    draw_kept(kept)
with st.container(horizontal=True, vertical_alignment="bottom"):
    file, chosen = choose_data_set(kept)
    if file is not None:
        draw_delete(file, run_rows(runs_folder()))
if not chosen:
    st.caption("Choose a data set to look at it.")
    st.stop()
try:
    spec, known = choose_spec(file, kept)
    with st.spinner("Looking at every row …"):
        report = data_report(spec)
except FineGatesError as error:
    st.error(escape_markdown(in_users_names(str(error), kept)), icon=":material/error:")
    st.stop()

if not known:
    draw_rows(report, spec)
    st.stop()
draw_use(spec, report)
draw_rows(report, spec)
draw_figures(report, spec)
draw_faults(report, file)
left, right = st.columns(2, gap="large")
with left:
    draw_classes(report, spec)
with right:
    draw_lengths(report, spec)
