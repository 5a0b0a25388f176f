"""A report holds everything it shows, loads nothing, and runs nothing that runs and notes say."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from finegates.cli import main
from finegates.errors import RunError
from finegates.groups.file import Cell, save_group
from finegates.reports.html import escaped, tag
from finegates.reports.report import group_report, run_report, runs_report
from finegates.reports.several import figure_2
from finegates.results.aggregate import group_points
from finegates.runs.folder import CURVE_FILE, METRICS_FILE, SPEC_FILE, Run
from finegates.runs.measurements import keep_generation, keep_timing
from finegates.runs.notes import write_notes
from finegates.runs.status import write_status
from tests.app.fake_runs import make_curve, make_group, make_run
from tests.fake_results import GENERATION
from tests.jobs.test_tasks import TIMING

PLANTED = "<script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>"
LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "ping"}


class Parsed(HTMLParser):
    """What a browser would see: scripts and elements with their attributes."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.text = ""
        self._script: str | None = None
        self._in = ""
        self.feed(content)

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        self._in = name
        if name == "script":
            self.scripts.append((dict(attributes).get("type"), ""))

    def handle_endtag(self, name):
        self._in = ""

    def handle_data(self, text):
        if self._in == "script":
            kind, known = self.scripts[-1]
            self.scripts[-1] = (kind, known + text)
        else:
            self.text += text

    def figures(self) -> list[dict]:
        return [json.loads(text) for kind, text in self.scripts if kind == "application/json"]

    def titles(self) -> list[str]:
        return re.findall(r"(?<=<strong>)[^<]+", self.text)


def check_loads_nothing(content: str) -> Parsed:
    parsed = Parsed(content)
    names = [name for name, _ in parsed.elements]
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & set(names)
    for name, attributes in parsed.elements:
        assert not LOADING & attributes.keys(), (name, attributes)
        assert not any(key.startswith("on") for key in attributes)
        if href := attributes.get("href"):
            assert name == "a" and re.match(r"#run-|https://arxiv\.org/abs/\d", href)
    (style,) = re.findall(r"<style>(.*?)</style>", content, re.S)
    assert "url(" not in style and "@import" not in style
    return parsed


@pytest.fixture
def run(runs_dir):
    run = make_run(runs_dir, target_sparsity=0.4, epochs=7)
    make_curve(run)
    keep_timing(run, TIMING)
    write_notes(run.path, "worth a second look", ["good"])
    return run


def test_a_runs_report_tells_all_that_was_promised(run):
    parsed = check_loads_nothing(run_report(run))
    for told in (
        "epochs", "7", run.record["command"], "worth a second look", "Tags: good", "finished",
        "Weights in closed rows and columns", "Open gates", "40.0 %", "2.00", "transformers",
    ):  # fmt: skip
        assert told in parsed.text, told
    kinds = [figure["data"][0]["type"] for figure in parsed.figures()]
    assert kinds == ["scatter"] * 3 + ["heatmap"] * 3 + ["scatter"]
    removed = parsed.figures()[4]["data"][0]
    snapshot = run.snapshot()
    assert len(removed["z"]) == 6 and len(removed["z"][0]) == snapshot.layout.num_layers


def test_a_language_models_times_are_in_its_report(run):
    assert "Reading and writing" not in run_report(run)
    keep_generation(run, GENERATION)
    told = check_loads_nothing(run_report(run)).text
    for words in ("Reading and writing", "40 % removed", "1.50 times as fast", "KV cache"):
        assert words in told, words


def test_what_was_done_to_the_rows_first_is_told(runs_dir):
    run = make_run(runs_dir)
    record = json.loads((run.path / SPEC_FILE).read_text())
    record["data"]["cleaned"] = ["Left out 2 rows without a label."]
    (run.path / SPEC_FILE).write_text(json.dumps(record))
    assert "Left out 2 rows without a label." in check_loads_nothing(run_report(Run(run.path))).text


def test_weights_that_are_held_at_0_are_told_of_a_method_that_holds_some(runs_dir):
    run = make_run(runs_dir, method="shears")
    assert "Weights held at 0" not in run_report(run)
    write_status(run.path, replace(run.status(), zero_weights_fraction=0.5))
    assert "<td>Weights held at 0</td><td>50.0 %</td>" in run_report(run)


def test_a_file_is_called_by_its_own_name(runs_dir):
    kept = f"{'a' * 16}-tickets.csv"
    run = make_run(runs_dir, data=f"/up/{kept}", validation_data=f"/up/{'b' * 16}-later.csv")
    record = json.loads((run.path / SPEC_FILE).read_text())
    record["data"]["source"] = f"file:{kept}"
    (run.path / SPEC_FILE).write_text(json.dumps(record))
    report = run_report(Run(run.path))
    assert "<td>tickets</td>" in report and "<td>later.csv</td>" in report


def test_the_policy_allows_no_address_and_only_our_own_two_scripts(run):
    parsed = Parsed(run_report(run))
    (policy,) = [a["content"] for _, a in parsed.elements if a.get("http-equiv")]
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    run_by_browser = [text for kind, text in parsed.scripts if kind is None]
    assert len(run_by_browser) == 2 and sum("Plotly" in text for text in run_by_browser) == 2
    hashes = {
        base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in run_by_browser
    }
    assert hashes == allowed
    assert policy.startswith("default-src 'none'") and "http" not in policy


def plant(run: Run) -> None:
    path = run.path / "spec.json"
    record = json.loads(path.read_text())
    record["command"] = f"python -m finegates train {PLANTED}"
    record["data"] |= {"labels": [PLANTED, "b"], "source": PLANTED}
    record["spec"] |= {"model": PLANTED}
    record["versions"]["torch"] = PLANTED
    path.write_text(json.dumps(record))
    status = json.loads((run.path / "status.json").read_text())
    status |= {"metric": PLANTED, "reason": PLANTED, "device": PLANTED}
    (run.path / "status.json").write_text(json.dumps(status))


def test_a_script_in_notes_names_labels_and_metrics_stays_text(runs_dir):
    run = make_run(runs_dir)
    make_curve(run)
    write_notes(run.path, PLANTED, [PLANTED[:30]])
    plant(run)
    cell = Cell("finegates", run.spec.target_sparsity, 0, run.id)
    group = make_group(
        runs_dir, "g", ["finegates"], seeds=(5,), targets=(0.2,), state=lambda c: None
    )
    group = type(group)(group.path, "g", PLANTED, PLANTED, {"model": PLANTED}, (cell,))
    save_group(group)
    fresh = Run(run.path)
    for content in (run_report(fresh), group_report(group, runs_dir), runs_report([fresh])):
        parsed = check_loads_nothing(content)
        assert "<script>alert" not in content and "<img" not in content
        assert len([kind for kind, _ in parsed.scripts if kind is None]) == 2
        assert PLANTED in parsed.text


def test_escaping_is_what_it_says():
    assert tag("p", "<b>", tag("i", "&"), title='"x"') == (
        '<p title="&quot;x&quot;">&lt;b&gt;<i>&amp;</i></p>'
    )
    assert escaped(escaped("<")) == "&lt;"


def test_a_groups_report_names_missing_seeds_and_links_each_run(runs_dir):
    group = make_group(
        runs_dir, "mine", ["finegates", "lora"], targets=(0.2, 0.4), seeds=(0, 1),
        state=lambda c: None if (c.target, c.seed) == (0.4, 1) else "finished",
    )  # fmt: skip
    parsed = check_loads_nothing(group_report(group, runs_dir))
    assert "Missing: finegates at 0.4: seed 1." in parsed.text and "not started" in parsed.text
    links = [a["href"] for n, a in parsed.elements if n == "a" and a["href"].startswith("#")]
    anchors = {f"#{a['id']}" for n, a in parsed.elements if n == "section" and "id" in a}
    assert set(links) == anchors == {f"#run-{run}" for run in group.runs}
    assert parsed.figures()[0]["data"]


def test_figure_2_goes_through_the_medians_and_draws_dense_runs_across(runs_dir):
    group = make_group(runs_dir, "mine", ["finegates", "lora"], targets=(0.2, 0.4))
    points = group_points(group, runs_dir)
    lines = {trace["name"]: trace for trace in figure_2(points)["data"]}
    gated = [p for p in points if p.method == "finegates"]
    assert lines["finegates"]["y"] == pytest.approx([p.median for p in gated], rel=1e-4)
    assert lines["finegates"]["x"] == pytest.approx([p.removed for p in gated], rel=1e-4)
    assert lines["lora"]["mode"] == "lines" and len(set(lines["lora"]["y"])) == 1
    assert figure_2([]) is None


def test_many_points_are_thinned_and_plotly_is_there_once(runs_dir):
    run = make_run(runs_dir)
    row = json.loads((run.path / METRICS_FILE).read_text().splitlines()[0])
    with open(run.path / METRICS_FILE, "a") as file:
        file.writelines(json.dumps(row | {"step": 1000 + i}) + "\n" for i in range(20_000))
    one = run_report(run)
    most = max(len(t["x"]) for f in Parsed(one).figures() for t in f["data"])
    assert most <= 300
    assert len(runs_report([run] * 3)) - len(one) < 500_000


@pytest.mark.parametrize("state", ["queued", "starting", "running", "failed"])
def test_a_run_in_any_state_has_a_report(runs_dir, state):
    run = make_run(runs_dir, state, progress=0.0 if state == "starting" else 0.5)
    assert state in check_loads_nothing(run_report(run)).text


def test_a_dense_run_has_no_gates_to_report(runs_dir):
    parsed = Parsed(run_report(make_run(runs_dir, method="lora")))
    assert len(parsed.figures()) == 2 and "Open gates" not in parsed.text


def test_a_damaged_part_is_said_and_the_rest_is_there(run):
    (run.path / CURVE_FILE).write_text("[]")
    parsed = check_loads_nothing(run_report(run))
    assert "can't be shown" in parsed.text and "Open gates" in parsed.text


def test_a_run_that_cannot_be_read_is_said_among_others(run, runs_dir):
    (runs_dir / "broken").mkdir()
    parsed = check_loads_nothing(runs_report([run, Run(runs_dir / "broken")]))
    assert "broken has no" in parsed.text and run.id in parsed.text
    with pytest.raises(RunError):
        run_report(Run(runs_dir / "broken"))


def test_the_command_writes_a_run_or_a_group(runs_dir, tmp_path, capsys):
    group = make_group(runs_dir, "mine", ["finegates"], targets=(0.2,), seeds=(0,))
    for name in (group.name, group.runs[0]):
        out = tmp_path / f"{name}.html"
        assert main(["report", name, "--out", str(out), "--runs-dir", str(runs_dir)]) == 0
        assert group.runs[0] in check_loads_nothing(out.read_text()).text
    words = ["report", "nobody", "--out", str(tmp_path / "x.html"), "--runs-dir", str(runs_dir)]
    assert main(words) == 2 and "nobody" in capsys.readouterr().err
    assert main(["report", group.name, "--out", str(tmp_path / "no" / "x"), *words[-2:]]) == 2
