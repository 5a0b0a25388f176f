"""Smaller models that were saved of a run: what each is, its download, and how it is loaded."""

import streamlit as st

from app.prune.frames import facts_of_saved
from app.prune.work import refuse
from app.reading.saved import SavedModel, saved_models
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.widgets.plain_code import plain_code
from finegates.errors import FineGatesError
from finegates.exporting.package import CODE_FILE, loading_lines, standalone_lines, zipped
from finegates.gates.cuts import Cut
from finegates.runs.folder import Run
from finegates.runs.saved_models import delete_saved, saved_folder


def draw_saved(run: Run, cut: Cut, metric: str) -> None:
    """The saved models of the run, that of the cut that is looked at first and opened."""
    here = saved_folder(run, cut)
    for model in sorted(saved_models(run), key=lambda model: model.folder != here):
        _draw(run, model, metric, is_here=model.folder == here)


def _draw(run: Run, model: SavedModel, metric: str, is_here: bool) -> None:
    key = f"{model.folder.name}-{run.id}"
    with st.container(border=True, key=f"saved-{key}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/inventory: **Saved: {escape_markdown(model.name)}**",
                        width="stretch")  # fmt: skip
            st.download_button(
                "Download as .zip", lambda: zipped(model.folder, model.name), key=f"zip-{key}",
                file_name=f"{model.name}.zip", mime="application/zip", on_click="ignore",
                icon=":material/download:", type="primary" if is_here else "secondary",
            )  # fmt: skip
            change_button("Delete", icon=":material/delete:", key=f"delete-{key}",
                          on_click=_delete, args=(run, model.cut))  # fmt: skip
        facts = facts_of_saved(model.known, model.removed, model.files, metric)
        st.markdown(escape_markdown(facts))
        with st.expander("Load it", expanded=is_here):
            writes = run.spec.is_language
            st.caption("In Python, where the .zip was unpacked:")
            plain_code(loading_lines(model.name, writes=writes), f"lines-{key}", wrap=False)
            if CODE_FILE in model.files:
                st.caption("Where finegates is not installed:")
                lines = standalone_lines(model.name, writes=writes)
                plain_code(lines, f"alone-{key}", wrap=False)
            st.caption("It is kept in this run's folder, too, and loads from there as well:")
            plain_code(str(model.folder), f"folder-{key}")


def _delete(run: Run, cut: Cut) -> None:
    try:
        delete_saved(run, cut)
    except FineGatesError as error:
        refuse(run, str(error))
