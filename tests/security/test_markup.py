"""Claims about words of data, runs and addresses: on no page are they markup, links or pictures."""

import ast
import io
import json
from pathlib import Path

import pytest

from finegates.data.uploads import save_upload
from finegates.reports.report import run_report
from finegates.runs.folder import LOG_FILE, Run
from finegates.runs.notes import write_notes
from finegates.spec import FILE_TASK
from tests.app.fake_runs import make_curve, make_group, make_run

ROOT = Path(__file__).resolve().parents[2]
STRANGER = "http://evil.example"
HOSTILE = f"<script>x</script><img src={STRANGER}/a> ![p]({STRANGER}/p.png) [l]({STRANGER}) $x$ `y`"
MARKDOWN = ("markdown", "caption", "title", "header", "subheader", "info", "warning", "error",
            "success", "metric", "button", "expander", "toggle",
            "checkbox", "progress")  # fmt: skip
PAGES = ("runs", "compare", "tradeoff", "paper", "live", "dimensions", "prune", "new_run",
         "new_sweep", "data")  # fmt: skip


def markdown_of(app) -> str:
    """Every text of a page that Streamlit takes for Markdown: bodies, labels and help."""
    texts = []
    for kind in MARKDOWN:
        for element in app.get(kind):
            proto = element.proto
            names = ("body", "label", "help", "text", "delta")
            texts += [str(getattr(proto, name, "")) for name in names]
    return "\n".join(texts)


def hostile_run(runs_dir: Path, state: str) -> Run:
    """A run whose folder says something hostile wherever words may stand."""
    run = make_run(runs_dir, state, progress=0.6, reason=HOSTILE)
    make_curve(run)
    write_notes(run.path, HOSTILE, [HOSTILE[:40]])
    (run.path / LOG_FILE).write_text(HOSTILE)
    own = {"task": FILE_TASK, "data": HOSTILE, "model": HOSTILE, "text_column": HOSTILE}
    _change(run.path / "spec.json", "spec", own)
    _change(run.path / "spec.json", "data", {"source": HOSTILE, "labels": [HOSTILE, "b"]})
    _change(run.path / "spec.json", None, {"command": HOSTILE, "versions": {HOSTILE: HOSTILE}})
    words = {"metric": HOSTILE, "device": HOSTILE, "precision": HOSTILE, "host": HOSTILE}
    if state not in ("running", "starting"):  # the host decides whether its worker lives
        _change(run.path / "status.json", None, words)
    assert Run(run.path).row()["status"] == state
    return Run(run.path)


def _change(path: Path, part: str | None, values: dict) -> None:
    record = json.loads(path.read_text())
    (record if part is None else record[part]).update(values)
    path.write_text(json.dumps(record))


@pytest.mark.parametrize("page", PAGES)
def test_nothing_of_a_run_folder_is_rendered(visit, runs_dir, page):
    failed, finished = hostile_run(runs_dir, "failed"), hostile_run(runs_dir, "finished")
    broken = make_run(runs_dir)
    (broken.path / "status.json").write_text(json.dumps({"state": HOSTILE}))
    group = make_group(runs_dir, "g", ["finegates"], (0.2,), (0, 1))
    _change(group.path, None, {"command": HOSTILE})
    _change(group.path, "settings", {HOSTILE: HOSTILE, "model": HOSTILE})
    (runs_dir / "bad.group.json").write_text(json.dumps({"format_version": HOSTILE}))
    for run in {"live": (failed, broken), "prune": (finished,)}.get(page, (failed,)):
        several = {"runs": [failed.id, finished.id]} if page == "compare" else {}
        app = visit(page, run=run.id, group="g", **several)
        assert not app.exception
        assert STRANGER not in markdown_of(app)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_of_an_address_is_rendered(visit, runs_dir, page):
    make_run(runs_dir)
    names = ("run", "runs", "focus", "group", "against", "data", "file", "task", "model", "methods",
             "name", "targets", "seeds", "tasks", "filter")  # fmt: skip
    app = visit(page, **dict.fromkeys(names, HOSTILE))
    assert not app.exception
    assert STRANGER not in markdown_of(app)


@pytest.mark.parametrize("column", ["text", "label", "name"])
def test_nothing_of_a_file_is_rendered(visit, runs_dir, column):
    rows = [{"text": f"text {i}", "label": "ab"[i % 2]} for i in range(20)]
    if column == "name":
        rows = [{HOSTILE: row["text"], f"{HOSTILE}2": row["label"]} for row in rows]
    else:
        rows = [{**row, column: f"{HOSTILE}{row['label']}"} for row in rows]
    content = "\n".join(map(json.dumps, rows)).encode()
    path = save_upload(f"{HOSTILE}.jsonl", content, runs_dir / ".uploads")
    shown = path.name.split("-", 1)[1]
    for app in (visit("data", data=shown), visit("new_run", file=path.name)):
        assert not app.exception
        assert STRANGER not in markdown_of(app)


def test_a_refused_upload_is_told_without_markup(visit):
    app = visit("data")
    upload = io.BytesIO(b"text,label\n")
    app.get("file_uploader")[0].upload(f"{HOSTILE}.csv", upload.getvalue(), "text/csv").run()
    assert app.error and STRANGER not in markdown_of(app)


def test_a_report_holds_no_markup_of_a_run(runs_dir):
    html = run_report(hostile_run(runs_dir, "finished"))
    assert "<script>x</script>" not in html and f"<img src={STRANGER}" not in html


def test_no_page_can_render_html_but_styles_of_its_own():
    """`st.html` takes the name of a plain string of its module, so no text from outside."""
    for path in ROOT.glob("app/**/*.py"):
        tree = ast.parse(path.read_text())
        plain = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        styles = {
            node.func
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and len(node.args) == 1
            and not node.keywords
            and isinstance(node.args[0], ast.Name)
            and node.args[0].id in plain
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword):
                assert node.arg not in ("unsafe_allow_html", "unsafe_allow_javascript"), path
            if isinstance(node, ast.Attribute):
                is_style = node.attr == "html" and node in styles
                assert (
                    is_style
                    or node.attr not in ("html", "iframe", "components")
                    or (isinstance(node.value, ast.Name) and node.value.id != "st")
                ), path
