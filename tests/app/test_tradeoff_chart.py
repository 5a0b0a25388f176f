"""Score against sparsity: points of the aggregation in, frames and a figure out."""

import altair as alt
import numpy as np
import pandas as pd
import pytest

from app import tradeoff_frames as frames
from app import words
from app.charts import style
from app.charts.baselines import apart, names_of
from app.charts.tradeoff import tradeoff
from finegates.aggregate import ROUNDED, TRAINED, Point


def point(method="finegates", target=0.3, scores=(0.8, 0.84), missing=(), **changes) -> Point:
    """A point as `finegates.aggregate` makes it."""
    median = float(np.median(scores)) if scores else None
    removed = target if scores else None
    return Point(
        **{
            "task": "sample", "metric": "accuracy", "model": "minilm", "method": method,
            "kind": TRAINED, "target": target, "scores": tuple(scores),
            "seeds": tuple(range(len(scores))), "missing_seeds": tuple(missing),
            "median": median, "low": min(scores, default=None), "high": max(scores, default=None),
            "removed": removed, "removed_low": removed, "removed_high": removed,
            "relative_to_full": None,
            "runs": tuple(f"{method}-{target}-{seed}" for seed in range(len(scores))),
            **changes,
        }
    )  # fmt: skip


def rows_of(points) -> dict:
    return {
        run: {"run": run, "removed_weights_fraction": p.target, "majority_score": 0.5,
              "closed_gates_fraction": p.target / 2}
        for p in points for run in p.runs
    }  # fmt: skip


def spec_of(points, axis="removed", **options) -> dict:
    rows = rows_of(points)
    drawn = frames.lines(points, rows), frames.runs(points, rows), frames.baselines(points)
    title = words.AXES[axis][0]
    chart = tradeoff(*drawn, axis=axis, x_title=title, metric="accuracy", **options)
    return chart.to_dict()


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


@pytest.mark.parametrize("axis", words.AXES)
def test_every_axis_is_a_valid_specification(axis):
    spec = spec_of([*CURVE, *CHEAP, FULL], axis, majority=0.5)
    assert spec["$schema"] and words.AXES[axis][0] in str(spec)
    assert "majority baseline 0.500" in str(spec)


def test_a_line_goes_through_medians_and_whiskers_span_the_seeds():
    frame = frames.lines(CURVE, rows_of(CURVE))
    assert frame["median"].tolist() == pytest.approx([0.865, 0.825, 0.785])
    assert (frame["high"] - frame["low"]).tolist() == pytest.approx([0.01] * 3)
    assert frame["line"].nunique() == 1
    assert len(frames.runs(CURVE, rows_of(CURVE))) == 6


def test_a_method_keeps_its_colour_whoever_else_is_shown():
    hinge = point("finegates-hinge")
    for points in ([hinge], [*CURVE, hinge, FULL]):
        colors = scale_of(spec_of(points), "color")
        assert colors["finegates-hinge"] == style.METHOD_COLORS["finegates-hinge"]


def test_dense_methods_are_named_lines_and_no_points():
    points = [*CURVE, FULL, LORA]
    assert frames.baselines(points)["series"].tolist() == ["full", "lora"]
    assert set(frames.runs(points, rows_of(points))["series"]) == {"finegates"}
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
    assert dash["scale"]["domain"] == [words.KIND_NAMES[TRAINED], words.KIND_NAMES[ROUNDED]]
    assert dash["scale"]["range"] == [[1, 0], [6, 4]] and dash["legend"]
    assert "from 40%" in str(spec)
    dense = [point("lora", t, (0.8 - t,), kind=ROUNDED, trained_target=0.0) for t in (0.1, 0.3)]
    assert "'name': 'lora'" in str(spec_of(dense)) and "from 0%" not in str(spec_of(dense))
    frame = frames.lines([*CURVE, *CHEAP], rows_of([*CURVE, *CHEAP]))
    assert frame["line"].nunique() == 2


def test_without_a_cheap_curve_its_legend_is_gone():
    assert words.KIND_NAMES[ROUNDED] not in str(spec_of(CURVE))


def test_a_target_without_a_finished_run_is_a_gap_in_the_line():
    """Neither a point nor a line may look as if it had been measured."""
    points = [CURVE[0], point(target=0.2, scores=(), missing=(0, 1)), CURVE[2]]
    frame = frames.lines(points, rows_of(points))
    gap = frame[frame["target"] == 0.2].iloc[0]
    assert np.isnan(gap["median"]) and gap["removed"] == pytest.approx(0.2)
    assert gap["closed"] == pytest.approx(0.1)
    assert len(frames.runs(points, rows_of(points))) == 4
    assert frames.lines([point(scores=(), missing=(0,))], {}).empty


def test_variants_are_lines_of_their_own_in_one_colour():
    points = [point(), point(variant="epochs=3", target=0.2)]
    spec = spec_of(points)
    colors, shapes = scale_of(spec, "color"), scale_of(spec, "shape")
    assert set(colors) == {"finegates", "finegates · epochs=3"} and len(set(colors.values())) == 1
    assert len(set(shapes.values())) == 2


def test_runs_of_another_task_metric_or_model_are_another_chart():
    points = [*CURVE, point(task="sst2"), point(model="org/large")]
    found = frames.comparisons(points)
    assert list(found) == ["sample, accuracy, minilm", "sst2, accuracy, minilm",
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
    missing = point(target=0.2, scores=(), missing=(0, 1))
    table = frames.table([FULL, missing, *CHEAP])
    assert table["kind"].tolist()[:3] == ["dense", "trained", "rounded from 40%"]
    row = table.iloc[1]
    assert pd.isna(row["median"]) and row["missing"] == "0, 1" and row["seeds"] == 0
    assert pd.isna(table.iloc[0]["target"]) and pd.isna(table.iloc[0]["removed"])
    assert frames.missing([FULL, missing, point("full", 0.0, (), (2,))]) == [
        "finegates at 20%: seeds 0, 1", "full: seed 2",
    ]  # fmt: skip


def test_names_carry_their_scores():
    assert names_of(frames.baselines([FULL])).tolist() == ["full 0.880"]
    long = point("full", 0.0, (0.88,), variant="encoder_learning_rate=0.00003")
    assert names_of(frames.baselines([long])).tolist() == ["full · encoder_learning… 0.880"]


def test_many_points_stay_one_figure():
    points = [
        point(method, target, scores=(0.8, 0.81))
        for method in style.MAIN_METHODS[:6] for target in np.linspace(0, 0.6, 13)
    ]  # fmt: skip
    with alt.data_transformers.disable_max_rows():
        assert spec_of(points)["$schema"]
