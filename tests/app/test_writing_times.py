"""How fast a language model reads and writes: timed from its page, and shown next to dense."""

from dataclasses import replace

import pytest

from app.prune.frames import MeasuredCuts, facts_of_saved, time_frame
from finegates.runs.measurements import AtCut, keep_generation, keep_points
from finegates.runs.status import write_status
from tests.app.fake_runs import LLAMA, make_run
from tests.app.test_pages import texts
from tests.app.test_prune_page import DENSE, POINT, button, metrics
from tests.fake_results import GENERATION

METRIC = "perplexity@128"
TIMED = {**GENERATION, "remove": 0.3}


@pytest.fixture
def run(runs_dir):
    data = runs_dir.parent / "data.txt"
    data.write_text("a text")
    run = make_run(runs_dir, size=LLAMA, task="text", data=str(data), target_sparsity=0.4)
    (run.path / "trained").mkdir()
    write_status(run.path, replace(run.status(), metric=METRIC, score=9.0))
    return run


def table_of(app):
    (table,) = [d.value for d in app.dataframe if "dense" in d.value.columns]
    return table.set_index("")


def test_reading_and_writing_stand_next_to_dense_with_ceilings_and_cache(visit, run):
    keep_points(run, [{**DENSE, "score": 8.0}, {**POINT, "score": 10.0}])
    keep_generation(run, TIMED)
    app = visit("prune", run=run.id, remove="0.3")
    assert metrics(app)["Decode speed-up"] == "1.50 x" and "Speed-up" not in metrics(app)
    table = table_of(app)
    assert table.loc["Perplexity (blocks of 128)"].tolist() == [
        "8.00", "10.00", "+2.00, 1.25 times dense",
    ]  # fmt: skip
    name = "tokens per second: 1 x"
    assert table.loc[f"Prefill, {name} 512 tokens, float32"].tolist() == [
        "1,000", "1,600", "1.60 times as fast",
    ]  # fmt: skip
    assert table.loc[f"Decode, {name} 64 after 512 tokens, float32"].tolist() == [
        "20", "30", "1.50 times as fast",
    ]  # fmt: skip
    ceilings = table[table.index.str.startswith("Ceiling")]
    assert ceilings["pruned"].tolist() == ["2.00 times", "1.60 times"]
    assert ceilings["change"].tolist() == ["80 % reached", "94 % reached"]
    cached = table.loc["KV cache, bytes per token"]
    assert cached.tolist() == ["1,000", "600", "-40.0 %"]
    assert "Timed on a cpu, 2 threads" in texts(app)


def test_both_are_points_of_the_time_curve(run):
    known = AtCut(None, None, [], False)
    frame = time_frame(MeasuredCuts([], [], run.status(), known, generations=[TIMED]))
    rows = frame.set_index("shape")
    writing = rows.loc["decode 1 x 64 after 512 tokens"]
    assert writing[["factor", "low", "high", "ceiling"]].tolist() == pytest.approx(
        [1 / 1.5, 0.5, 0.8, 1 / 1.6]
    )
    assert rows.loc["prefill 1 x 512 tokens"]["factor"] == pytest.approx(1 / 1.6)


def test_the_button_times_reading_and_writing(visit, run, asked_tasks):
    app = visit("prune", run=run.id, remove="0.3")
    assert metrics(app)["Decode speed-up"] == "not measured"
    keys = {box.key: box for box in app.number_input}
    assert (keys["prompt_tokens"].value, keys["new_tokens"].value) == (64, 64), "as long as a block"
    keys["prompts"].set_value(2)
    keys["new_tokens"].set_value(16)
    button(app, "do-time", run).click().run()
    ((_, name, words),) = [asked[:3] for asked in asked_tasks]
    assert name == "time" and words[:2] == ["bench", run.id]
    assert words[3:7] == ["--batch-size=2", "--prefill=64", "--decode=16", "--dtype=float32"]


def test_times_that_others_have_spoilt_are_said_and_taken_again(visit, run, asked_tasks):
    keep_generation(run, {**TIMED, "busy": True, "busy_why": "Others ran: time it again."})
    app = visit("prune", run=run.id, remove="0.3")
    assert "time it again" in texts(app) and "Decode speed-up, not steady" in metrics(app)
    button(app, "retime", run).click().run()
    assert asked_tasks[0][2][3:6] == ["--batch-size=1", "--prefill=512", "--decode=64"]


def test_a_saved_model_says_how_fast_it_writes():
    known = AtCut(None, None, [], False, [TIMED])
    said = facts_of_saved(known, 0.4, {"a": 10}, METRIC)
    assert "decodes 1.50 times as fast (1 x 64 after 512 tokens, float32)" in said
