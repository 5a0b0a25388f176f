"""Score against sparsity: points of the aggregation in, frames and a figure out."""

import json
import math

import altair as alt
import numpy as np
import pandas as pd
import pytest

from app.charts import style
from app.charts.axes import AXES, KIND_NAMES
from app.charts.baselines import apart, names_of
from app.charts.tradeoff import tradeoff
from app.reading.run_costs import RunCosts
from app.tradeoff import frames
from app.tradeoff.paper_points import quoted
from app.tradeoff.point_frames import missing, table
from app.tradeoff.run_facts import RunFacts
from app.widgets.chart_files import as_json, as_svg
from finegates.results.aggregate import ROUNDED, THRESHOLDS, TRAINED, Point
from finegates.results.paper import paper_cells
from tests.app.test_style import MAIN_METHODS


def point(method="finegates", target=0.3, scores=(0.8, 0.84), missing=(), **changes) -> Point:
    """A point as `finegates.results.aggregate` makes it."""
    median = float(np.median(scores)) if scores else None
    removed = target if scores else None
    return Point(
        **{
            "task": "sample", "data_name": "sample", "metric": "accuracy", "model": "minilm",
            "method": method,
            "kind": TRAINED, "target": target, "scores": tuple(scores),
            "seeds": tuple(range(len(scores))), "missing_seeds": tuple(missing),
            "median": median, "low": min(scores, default=None), "high": max(scores, default=None),
            "removed": removed, "removed_low": removed, "removed_high": removed,
            "relative_to_full": None,
            "runs": tuple(f"{method}-{target}-{seed}" for seed in range(len(scores))),
            **changes,
        }
    )  # fmt: skip


def known_of(points, costs=None) -> RunFacts:
    rows = {
        run: {"run": run, "removed_weights_fraction": p.target, "majority_score": 0.5,
              "closed_gates_fraction": p.target / 2}
        for p in points for run in p.runs
    }  # fmt: skip
    return RunFacts(rows, costs or {})


def measured(remove=None, threshold=None, removed=0.0, ratio=2.0, speedup=1.6) -> RunCosts:
    """A run with one cut that was scored, and timed twice."""
    cut = {"remove": remove, "threshold": threshold, "removed_weights_fraction": removed}
    timing = {"hardware": "a cpu", "device": "cpu", "batch_size": 8, "seq_len": 128,
              "dtype": "float32"}  # fmt: skip
    return RunCosts(
        ({**cut, "mac_ratio": ratio, "closed_gates_fraction": 0.19, "score": 0.8},),
        tuple({**cut, **timing, "speedup": factor} for factor in (9.0, speedup)),
    )


def spec_of(points, axis="removed", costs=None, **options) -> dict:
    return chart_of(points, axis, costs, **options).to_dict()


def chart_of(points, axis="removed", costs=None, front=False, paper=None, **options):
    known = known_of(points, costs)
    drawn = frames.lines(points, known), frames.runs(points, known), frames.baselines(points)
    title = AXES[axis][0]
    options["front"] = frames.front(drawn[0], axis, points[0].metric) if front else None
    options["quoted"] = paper
    return tradeoff(*drawn, axis=axis, x_title=title, metric=points[0].metric, **options)


def scale_of(spec: dict, channel: str) -> dict:
    """Series -> colour or shape."""
    for layer in spec["layer"]:
        found = layer.get("encoding", {}).get(channel)
        if isinstance(found, dict) and "scale" in found:
            return dict(zip(found["scale"]["domain"], found["scale"]["range"], strict=True))
    raise AssertionError(f"no {channel}")


CURVE = [point(target=t, scores=(0.86 - t / 5, 0.87 - t / 5)) for t in (0.0, 0.2, 0.4)]
FULL, LORA = (point(m, 0.0, (s,)) for m, s in (("full", 0.88), ("lora", 0.879)))
CHEAP = [
    point(target=t, scores=(0.85 - t / 3,), kind=ROUNDED, trained_target=0.4)
    for t in (0.0, 0.2, 0.4)
]


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_is_a_valid_specification(axis):
    costs = {run: measured(remove=0.2, removed=0.2) for run in CURVE[1].runs}
    spec = spec_of([*CURVE, *CHEAP, FULL], axis, costs, majority=0.5)
    assert spec["$schema"] and AXES[axis][0] in str(spec)
    assert "majority baseline 0.500" in str(spec)


def test_a_line_goes_through_medians_and_whiskers_span_the_seeds():
    frame = frames.lines(CURVE, known_of(CURVE))
    assert frame["median"].tolist() == pytest.approx([0.865, 0.825, 0.785])
    assert (frame["high"] - frame["low"]).tolist() == pytest.approx([0.01] * 3)
    assert frame["line"].nunique() == 1
    assert len(frames.runs(CURVE, known_of(CURVE))) == 6


def test_a_method_keeps_its_colour_whoever_else_is_shown():
    hinge = point("finegates-hinge")
    for points in ([hinge], [*CURVE, hinge, FULL]):
        colors = scale_of(spec_of(points), "color")
        assert colors["finegates-hinge"] == style.METHOD_COLORS["finegates-hinge"]


def test_dense_methods_are_named_lines_and_no_points():
    points = [*CURVE, FULL, LORA]
    assert frames.baselines(points)["series"].tolist() == ["full", "lora"]
    assert set(frames.runs(points, known_of(points))["series"]) == {"finegates"}
    text = str(spec_of(points))
    assert "full 0.880" in text and "lora 0.879" in text


def test_names_of_baselines_never_lie_on_one_another():
    values = [0.5, 0.871, 0.8712, 0.8714, 0.9]
    placed = apart(values, 0.01)
    assert np.diff(placed).min() >= 0.01 - 1e-9
    assert placed[0] == 0.5 and placed[-1] == 0.9
    assert placed[2] == pytest.approx(0.8712)
    assert apart([], 0.1) == []


def test_the_cheap_curve_is_dashed_named_and_apart():
    spec = spec_of([*CURVE, *CHEAP])
    dash = next(
        layer["encoding"]["strokeDash"]
        for layer in spec["layer"] if "strokeDash" in layer.get("encoding", {})
    )  # fmt: skip
    assert dash["scale"]["domain"] == [KIND_NAMES[TRAINED], KIND_NAMES[ROUNDED]]
    assert dash["scale"]["range"] == [[1, 0], [6, 4]] and dash["legend"]
    assert "from 40%" in str(spec)
    dense = [point("lora", t, (0.8 - t,), kind=ROUNDED, trained_target=0.0) for t in (0.1, 0.3)]
    assert "'name': 'lora'" in str(spec_of(dense)) and "from 0%" not in str(spec_of(dense))
    frame = frames.lines([*CURVE, *CHEAP], known_of([*CURVE, *CHEAP]))
    assert frame["line"].nunique() == 2


def test_without_a_cheap_curve_its_legend_is_gone():
    assert KIND_NAMES[ROUNDED] not in str(spec_of(CURVE))


def test_a_target_without_a_finished_run_is_a_gap_in_the_line():
    """Neither a point nor a line may look as if it had been measured."""
    points = [CURVE[0], point(target=0.2, scores=(), missing=(0, 1)), CURVE[2]]
    frame = frames.lines(points, known_of(points))
    gap = frame[frame["target"] == 0.2].iloc[0]
    assert np.isnan(gap["median"]) and gap["removed"] == pytest.approx(0.2)
    assert gap["closed"] == pytest.approx(0.1)
    assert len(frames.runs(points, known_of(points))) == 4
    assert frames.lines([point(scores=(), missing=(0,))], known_of([])).empty


def test_variants_are_lines_of_their_own_in_shades_of_the_colour():
    points = [point(), point(variant="epochs=3", target=0.2)]
    spec = spec_of(points)
    colors, shapes = scale_of(spec, "color"), scale_of(spec, "shape")
    assert set(colors) == {"finegates", "finegates · epochs=3"} and len(set(colors.values())) == 2
    assert colors["finegates"] == style.color_of("finegates")
    assert len(set(shapes.values())) == 2


def test_runs_of_another_task_metric_or_model_are_another_chart():
    points = [*CURVE, point(data_name="SST-2"), point(model="org/large")]
    found = frames.comparisons(points)
    assert list(found) == ["sample, accuracy, minilm", "SST-2, accuracy, minilm",
                           "sample, accuracy, large"]  # fmt: skip
    assert list(frames.comparisons(CURVE)) == ["sample, accuracy"]
    assert frames.comparisons([]) == {}


def test_baselines_alone_are_a_chart():
    assert spec_of([FULL, LORA])["$schema"]


def test_a_number_to_predict_has_no_majority():
    assert "majority" not in str(spec_of(CURVE, majority=None))


def test_a_majority_far_below_is_only_mentioned():
    assert "majority baseline 0.100, below" in str(spec_of(CURVE, majority=0.1))


def test_the_legend_holds_only_what_is_not_named_on_the_chart():
    spec = spec_of([*CURVE, FULL])
    legend = next(layer["encoding"]["shape"]["legend"] for layer in spec["layer"]
                  if "shape" in layer.get("encoding", {}))  # fmt: skip
    assert legend["values"] == ["finegates"]


def test_every_layer_has_the_same_colours_so_that_legends_are_one():
    """Vega-Lite shows two legends where one layer's scale differs from the others'."""
    spec = spec_of([*CURVE, *CHEAP, FULL], majority=0.5)
    scales = [
        str(layer["encoding"]["color"]["scale"])
        for layer in spec["layer"] if "color" in layer.get("encoding", {})
    ]  # fmt: skip
    assert len(scales) > 4 and len(set(scales)) == 1


def test_the_table_says_what_is_missing_and_never_fills_it():
    absent = point(target=0.2, scores=(), missing=(0, 1))
    found = table([FULL, absent, *CHEAP])
    assert found["kind"].tolist()[:3] == ["dense", "trained", "rounded from 40%"]
    row = found.iloc[1]
    assert pd.isna(row["median"]) and row["missing"] == "0, 1" and row["seeds"] == 0
    assert pd.isna(found.iloc[0]["target"]) and pd.isna(found.iloc[0]["removed"])
    assert missing([FULL, absent, point("full", 0.0, (), (2,))]) == [
        "finegates at 20%: seeds 0, 1", "full: seed 2",
    ]  # fmt: skip


def test_names_carry_their_scores():
    assert names_of(frames.baselines([FULL]), "accuracy").tolist() == ["full 0.880"]
    long = point("full", 0.0, (0.88,), variant="encoder_learning_rate=0.00003")
    assert names_of(frames.baselines([long]), "accuracy").tolist() == ["full 0.880"], (
        "which one is in the tip"
    )
    assert sorted(names_of(frames.baselines([FULL, long]), "accuracy")) == [
        "full 0.880", "full · encoder_learning… 0.880",
    ]  # fmt: skip


def test_many_points_stay_one_figure():
    points = [
        point(method, target, scores=(0.8, 0.81))
        for method in MAIN_METHODS[:6] for target in np.linspace(0, 0.6, 13)
    ]  # fmt: skip
    with alt.data_transformers.disable_max_rows():
        assert spec_of(points)["$schema"]


CUTS = [
    point(
        target=t, scores=(0.84 - t / 5,), kind=THRESHOLDS, trained_target=0.4, removed=0.4 + t / 2
    )
    for t in (0.1, 0.3)
]


def test_thresholds_are_a_line_of_their_own_and_no_target():
    frame = frames.lines([*CURVE, *CHEAP, *CUTS], known_of([*CURVE, *CHEAP, *CUTS]))
    assert frame["line"].nunique() == 3
    cuts = frame[frame["kind"] == THRESHOLDS]
    assert cuts["target"].isna().all() and cuts["removed"].tolist() == pytest.approx([0.45, 0.55])
    assert KIND_NAMES[THRESHOLDS] in str(spec_of([*CURVE, *CUTS]))
    row = table(CUTS).iloc[0]
    assert row["kind"] == "cut from 40%" and row["threshold"] == 0.1 and pd.isna(row["target"])


@pytest.mark.parametrize(
    ("p", "costs"),
    [
        (point(target=0.4, scores=(0.8,)), measured(threshold=0.0, removed=0.31)),
        (point(target=0.4, scores=(0.8,)), measured(remove=0.4, removed=0.403)),
        (point(target=0.4, scores=(0.8,), kind=ROUNDED), measured(remove=0.4, removed=0.4)),
        (point(target=0.4, scores=(0.8,), kind=THRESHOLDS), measured(threshold=0.4, removed=0.7)),
    ],
    ids=["as trained", "at its target", "budget", "threshold"],
)
def test_a_cut_that_was_measured_gives_its_point_a_place(p, costs):
    """The newest timing counts: 1.6 times as fast saves 37.5 % of the time."""
    place = known_of([p], {p.runs[0]: costs}).place(p, p.runs[0])
    assert place["macs"] == pytest.approx(0.5) and place["time"] == pytest.approx(0.375)
    assert place["where"] == "a cpu (cpu), 8 x 128 tokens, float32"
    assert place["closed"] == (0.2 if p.kind == TRAINED else 0.19)


@pytest.mark.parametrize(
    ("p", "costs"),
    [
        (point(target=0.4, scores=(0.8,)), measured(remove=0.2, removed=0.2)),
        (point(target=0.4, scores=(0.8,)), measured(threshold=0.3, removed=0.4)),
        (point(target=0.4, scores=(0.8,), kind=ROUNDED), measured(threshold=0.4, removed=0.4)),
        (point(target=0.4, scores=(0.8,), kind=THRESHOLDS), measured(remove=0.4, removed=0.4)),
    ],
)
def test_another_cut_of_the_run_says_nothing_of_a_point(p, costs):
    place = known_of([p], {p.runs[0]: costs}).place(p, p.runs[0])
    assert place["macs"] is None and place["time"] is None and place["where"] == ""


def test_runs_without_a_measurement_are_left_out_and_counted():
    run = CURVE[1].runs[0]
    known = known_of([*CURVE, FULL], {run: measured(remove=0.2, removed=0.2)})
    runs, total = frames.unmeasured([*CURVE, FULL], known, "time")
    assert total == 6 and len(runs) == 5 and run not in runs
    assert frames.lines(CURVE, known)["time"].notna().tolist() == [False, True, False]
    assert frames.timed_on(CURVE, known) == ["a cpu (cpu), 8 x 128 tokens, float32"]


def test_a_slower_model_stands_left_of_zero():
    costs = {run: measured(remove=0.2, removed=0.2, speedup=0.8) for run in CURVE[1].runs}
    spec = spec_of(CURVE, "time", costs)
    (domain,) = {
        tuple(layer["encoding"]["x"]["scale"]["domain"])
        for layer in spec["layer"]
        if "scale" in layer.get("encoding", {}).get("x", {})
    }
    assert domain[0] < -0.25


def test_the_front_joins_what_nothing_beats():
    worse = point("magnitude", 0.2, (0.7,))
    better = point("magnitude", 0.4, (0.85,))
    frame = frames.lines([*CURVE, worse, better], known_of([*CURVE, worse, better]))
    found = frames.front(frame, "removed", "accuracy")
    assert list(zip(found["method"], found["removed"], strict=True)) == [
        ("finegates", 0.0), ("magnitude", 0.4),
    ]  # fmt: skip
    with_front, without = (spec_of([*CURVE, worse], front=on)["layer"] for on in (True, False))
    assert len(with_front) == len(without) + 2


def test_the_papers_points_are_as_printed_hollow_and_grey():
    task = point(task="sst2")
    frame = quoted(task)
    assert set(frame["model"]) == {"roberta-base", "roberta-large"}
    printed = [c.score for c in paper_cells() if (c.table, c.backbone, c.row, c.task) ==
               (2, "roberta-base", "finegates (-25M)", "sst2")]  # fmt: skip
    row = frame[(frame["row"] == "finegates (-25M)") & (frame["table"] == "Table 2")]
    assert (100 * row["score"]).tolist() == pytest.approx(printed) == [93.8]
    assert row["removed"].iloc[0] == pytest.approx(25 / 84.9, abs=0.002)
    marks = [
        layer["mark"] for layer in spec_of([task], paper=frame)["layer"]
        if any(t["field"] == "row" for t in layer["encoding"].get("tooltip", []))
    ]  # fmt: skip
    assert len(marks) == 2
    assert all(not mark["filled"] and mark["color"] == style.GRAY for mark in marks)


def test_the_paper_is_not_quoted_beside_another_metric_or_task():
    assert quoted(point(task="cola", metric="accuracy")).empty
    assert not quoted(point(task="cola", metric="matthews")).empty
    assert quoted(point()).empty


def test_a_budget_missed_by_a_hair_is_no_front():
    """Else a point far below would be on it for ten weights more."""
    low = point("magnitude", 0.4, (0.1,), removed=0.40004)
    frame = frames.lines([*CURVE, low], known_of([*CURVE, low]))
    assert set(frames.front(frame, "removed", "accuracy")["method"]) == {"finegates"}


def test_a_chart_is_saved_as_svg_and_as_its_specification():
    chart = chart_of([*CURVE, FULL])
    svg, spec = as_svg(chart), json.loads(as_json(chart))
    assert svg.startswith("<svg") and "Weights removed" in svg and "full 0.880" in svg
    assert spec["width"] == 800 and spec["config"]["background"] == "white"


def test_a_click_selects_a_run():
    spec = spec_of(CURVE)
    (selection,) = spec["params"]
    assert selection["name"] == "opened" and selection["select"]["fields"] == ["run"]


def test_kinds_and_methods_are_filtered_and_dense_ones_have_no_kind():
    points = [*CURVE, *CHEAP, *CUTS, FULL, LORA]
    kept = frames.shown_points(points, (THRESHOLDS,))
    assert {p.kind for p in kept if p.method == "finegates"} == {THRESHOLDS} and FULL in kept
    assert frames.shown_points(points, (TRAINED,), ("lora",)) == [LORA]


def test_a_perplexity_has_a_log_axis_and_its_front_is_below():
    metric = "perplexity@128"
    worse = point(target=0.2, scores=(30.0,), metric=metric)
    points = [worse, point(target=0.4, scores=(20.0,), metric=metric),
              point("full", 0.0, (12.0,), metric=metric),
              point("lora", 0.0, (12.1,), metric=metric)]  # fmt: skip
    frame = frames.lines(points, known_of(points))
    assert frames.front(frame, "removed", metric)["median"].tolist() == [20.0]
    spec = spec_of(points, front=True, majority=1000.0)
    scale = next(
        layer["encoding"]["y"]["scale"]
        for layer in spec["layer"]
        if "scale" in layer.get("encoding", {}).get("y", {})
    )
    assert scale["type"] == "log" and 0 < scale["domain"][0] < 12 and scale["domain"][1] > 30
    said = json.dumps(spec)
    assert "dense model, not trained 1000.0, above" in said and "full 12.00" in said
    places = [row["label_y"] for rows in spec["datasets"].values() for row in rows
              if "label_y" in row]  # fmt: skip
    assert math.log(max(places) / min(places)) > math.log(12.1 / 12.0)
