"""The user's own data sets: kept, looked at and checked before a run learns from them."""

import streamlit as st

from app.data.kept import choose_data_set, draw_delete, draw_kept, draw_upload
from app.data.parts import draw_classes, draw_faults, draw_figures, draw_lengths, draw_rows
from app.data.use import draw_use, settings_of
from app.reading import loaders
from app.text import plain
from finegates.data.uploads import kept_files
from finegates.errors import FineGatesError
from finegates.spec import make_spec

uploads = loaders.runs_folder() / loaders.UPLOADS_FOLDER

st.title("Data")
left, right = st.columns([2, 3], gap="large")
with left:
    draw_upload(uploads)
kept = kept_files(uploads)
with right:
    draw_kept(kept)
with st.container(horizontal=True, vertical_alignment="bottom"):
    file = choose_data_set(kept)
    if file is not None:
        draw_delete(file, loaders.run_rows(loaders.runs_folder()))
changed_ns = file.path.stat().st_mtime_ns if file else 0
try:
    spec = make_spec(settings_of(file))
    with st.spinner("Looking at every row …"):
        report = loaders.data_report(spec, changed_ns)
except FineGatesError as error:
    words = str(error).replace(file.path.name, file.name) if file else str(error)
    st.error(plain(words), icon=":material/error:")
    st.stop()

draw_use(file, spec, report)
draw_figures(report)
draw_faults(report)
left, right = st.columns(2, gap="large")
with left:
    draw_classes(report)
with right:
    draw_lengths(report, spec, changed_ns)
draw_rows(report, spec, changed_ns)
