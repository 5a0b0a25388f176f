"""The form of a sweep: what varies, what is the same for all, what it will cost, and the start."""

import pytest

from app.new import keys
from app.new.cost import closing_once, specs_of, sweep_cost
from app.new.model import LOCAL
from app.new.overrides import own_values
from app.new.sweep import free_name, read_targets, word_of
from app.words import NOTHING
from finegates.errors import SpecError
from finegates.groups.store import list_groups, open_group
from finegates.groups.sweep import plan
from finegates.jobs.estimate import Estimate
from finegates.runs.folder import list_runs
from finegates.spec import FIELDS, make_spec
from tests.app.components import codes
from tests.app.fake_runs import make_group, make_run
from tests.app.test_new_run_page import SAMPLE_ROWS, start
from tests.app.test_pages import texts
from tests.toy_models import save_toy_decoder, save_toy_language_model


def metric(app, label: str) -> str:
    return next(m.value for m in app.metric if m.label == label)


def small(visit):
    """Two methods at two targets, once."""
    app = visit("new_sweep")
    app.multiselect(key="sweep_targets").set_value([0, 30]).run()
    return app


def test_the_page_tells_how_many_runs_and_how_long(visit):
    app = visit("new_sweep")
    assert not app.exception and not app.error
    assert metric(app, "Runs") == "8"  # finegates at 0 to 60 %, and full
    once = metric(app, "Time in all")
    assert "min" in once and "Start 8 runs" in app.button(key="start").label
    app.number_input(key="sweep_seeds").set_value(3).run()
    assert metric(app, "Runs") == "24" and metric(app, "Time in all") != once
    assert app.dataframe[-1].value["runs"].tolist() == [3, 21]


def test_the_command_line_is_the_librarys_own(visit, runs_dir):
    app = small(visit)
    app.number_input(key="sweep.epochs").set_value(2).run()
    command = codes(app)[0]
    assert command.startswith("python -m finegates sweep --methods full,finegates+lora ")
    assert "--targets 0.0,0.3 --seeds 0" in command
    assert "--epochs 2" in command and "--name sample-sweep-1" in command
    assert "--task" not in command and "--model" not in command  # the defaults
    start(app)
    assert open_group(runs_dir, "sample-sweep-1").command == command


def test_start_queues_every_run_and_opens_the_chart_on_the_group(visit, runs_dir, dispatched):
    app = start(small(visit))
    assert not app.exception and not app.error
    (group,) = list_groups(runs_dir)
    assert {c.key for c in group.cells} == {
        ("full", 0.0, 0), ("finegates+lora", 0.0, 0), ("finegates+lora", 0.3, 0),
    }  # fmt: skip
    assert sorted(group.runs) == sorted(run.id for run in list_runs(runs_dir))
    assert {run.status().state for run in list_runs(runs_dir)} == {"queued"}
    assert runs_dir in dispatched
    assert app.title[0].value.startswith("Accuracy vs sparsity")
    assert app.multiselect(key="group").value == [group.name]
    assert "**0** of 3 runs finished" in app.get("progress")[0].proto.text


def test_what_is_left_empty_is_each_methods_own(visit, runs_dir):
    app = small(visit)
    assert app.number_input(key="sweep.learning_rate").placeholder == "own: 0.003, 0.001"
    start(app)
    rates = {run.spec.method: run.spec.learning_rate for run in list_runs(runs_dir)}
    assert rates == {"finegates+lora": 0.003, "full": 0.001}


def test_what_is_given_holds_for_all_even_if_it_is_the_default(visit, runs_dir):
    app = visit("new_sweep")
    app.multiselect(key="sweep_removing").set_value(["finegates-official"]).run()
    app.multiselect(key="sweep_targets").set_value([30]).run()
    app.number_input(key="sweep.batch_size").set_value(FIELDS["batch_size"].default).run()
    app.selectbox(key="sweep.train_biases").select("off").run()
    start(app)
    specs = {run.spec.method: run.spec for run in list_runs(runs_dir)}
    assert {spec.batch_size for spec in specs.values()} == {32}  # finegates-official has 16
    assert not specs["finegates-official"].train_biases


def test_settings_are_those_of_the_chosen_methods(visit):
    app = visit("new_sweep")
    keys = [w.key for w in app.number_input]
    assert "sweep.sparta_density" not in keys and "sweep.seed" not in keys
    app.multiselect(key="sweep_dense").set_value(["sparta"]).run()
    assert "sweep.sparta_density" in [w.key for w in app.number_input]


def test_a_name_that_can_not_be_one_is_told(visit, runs_dir):
    app = visit("new_sweep")
    app.text_input(key="sweep_name").set_value("../up").run()
    assert "can't be a group's name" in app.error[0].value
    assert app.button(key="start").disabled and not list_groups(runs_dir)


def test_a_name_that_is_taken_by_another_sweep_is_told_at_the_start(visit, runs_dir):
    make_group(runs_dir, "mine", ["lora"], seeds=(0,))
    app = small(visit)
    app.text_input(key="sweep_name").set_value("mine").run()
    assert "A group of this name exists" in texts(app)
    start(app)
    assert "mine" in app.error[0].value
    assert len(list_groups(runs_dir)) == 1


def test_nothing_to_do_is_told(visit):
    app = visit("new_sweep")
    app.multiselect(key="sweep_removing").set_value([]).run()
    app.multiselect(key="sweep_dense").set_value([]).run()
    assert "methods is empty" in app.error[0].value and app.button(key="start").disabled


def test_baselines_alone_need_no_target(visit):
    app = visit("new_sweep")
    app.multiselect(key="sweep_removing").set_value([]).run()
    app.multiselect(key="sweep_targets").set_value([]).run()
    assert not app.error and metric(app, "Runs") == "1"


def test_a_target_out_of_range_is_told(visit):
    app = visit("new_sweep")
    app.multiselect(key="sweep_targets").set_value([0, "97"]).run()
    assert "targets" in app.error[0].value and app.button(key="start").disabled


@pytest.mark.parametrize(
    ("given", "fractions"),
    [([30, 0, 30], [0.0, 0.3]), (["35"], [0.35]), (["12.5 %"], [0.125]), (["7,5"], [0.075])],
)
def test_targets_are_percentages(given, fractions):
    assert read_targets(given) == (fractions, "")


@pytest.mark.parametrize("word", ["many", "-5", "", "1e1", "30-60"])
def test_a_target_that_is_no_percentage_is_told(word):
    assert "no percentage" in read_targets([word])[1]


def test_a_sweep_is_called_after_its_data():
    assert word_of("sst2", "glue/sst2") == "sst2" and word_of("", None) == "sweep"
    assert word_of("file", "file:0123456789abcdef-my tickets.csv") == "my-tickets"


def test_the_suggested_name_is_free():
    assert free_name("sst2", set()) == "sst2-sweep-1"
    assert free_name("sst2", {"sst2-sweep-1", "sst2-sweep-2"}) == "sst2-sweep-3"


def test_own_values_are_shown_in_words():
    assert own_values("epochs", ["finegates", "full"]) == "5"
    assert own_values("rounding", ["finegates", "finegates-hinge"]) == "own: on, off"
    assert own_values("rounding", ["finegates", "full"]) == "on"  # full has no gates to round
    assert own_values("max_train_samples", ["finegates"]) == "none"
    assert own_values("lora_rank", ["finegates", "lora", "lora-xs", "vera"]).endswith(", …")


def test_data_and_model_are_shared_with_the_page_of_one_run(visit):
    app = visit("new_run")
    app.get_by_key("new_source").set_value("GLUE").run()
    app.switch_page("new/sweep_page.py").run().run()
    assert "--task cola" in codes(app)[0]


def test_the_rows_that_are_shown_are_those_that_will_be_used(visit):
    app = visit("new_sweep")
    app.number_input(key="sweep.max_train_samples").set_value(120).run()
    assert "**120** training rows" in texts(app)


def test_a_teacher_can_be_chosen_here_too(visit, runs_dir):
    teacher = make_run(runs_dir, method="full", fingerprint=SAMPLE_ROWS)
    app = small(visit)
    app.selectbox(key="sweep.teacher").select(teacher.id).run()
    assert f"--teacher {teacher.id}" in codes(app)[0]


def test_the_time_is_the_sum_over_the_runs_shared_by_what_trains_at_once():
    cells = plan(["finegates", "full"], [0.0, 0.3], [0, 1])
    estimates = {
        "finegates": Estimate(10, 60.0, 0, "guess"),
        "full": Estimate(10, 90.0, 0, "guess"),
    }
    cost = sweep_cost(cells, estimates, at_once=1)
    assert cost.runs == {"full": 2, "finegates": 4} and cost.basis == "guess"
    assert cost.total_s == 4 * 60 + 2 * 90
    assert sweep_cost(cells, estimates, at_once=2).total_s == cost.total_s / 2
    assert sweep_cost(cells, {**estimates, "full": None}, 1).total_s is None
    assert sweep_cost(cells, {}, 1).table()["each"].tolist() == [NOTHING, NOTHING]


def test_a_setting_that_one_of_the_methods_can_not_have_is_told():
    with pytest.raises(SpecError, match="epochs"):
        specs_of({"epochs": 0}, plan(["full"], [], [0]))


def test_a_sweep_whose_trainings_are_too_short_for_a_decoder_is_warned_of(visit, tmp_path):
    app = visit("new_sweep")
    app.selectbox(key=keys.MODEL_KIND).select(LOCAL).run()
    app.text_input(key=keys.MODEL_FOLDER).set_value(str(save_toy_decoder(tmp_path))).run()
    assert not app.exception and not any("too few for the gates" in w.value for w in app.warning)
    app.number_input(key="sweep.epochs").set_value(1).run()
    assert sum("63 steps are too few for the gates" in w.value for w in app.warning) == 1


def test_blocks_of_text_are_counted_not_its_documents(tmp_path):
    (tmp_path / "book.txt").write_text("a text")
    spec = make_spec({
        "task": "text", "data": str(tmp_path / "book.txt"), "max_length": 32, "epochs": 3,
        "model": str(save_toy_language_model(tmp_path / "llama")), "target_sparsity": 0.2,
    })  # fmt: skip
    assert "18 steps are too few for the gates" in closing_once(spec, (4, 1, 1000.0))
    assert closing_once(spec, (4, 1, 100_000.0)) == ""
