"""The form of a new run: the defaults start, the recipe is followed, errors are told exactly."""

import pytest

from app.new import keys
from app.new.model import CONVERTED, EMBEDDED, LOCAL
from app.new.recipes import KINDS, matters
from app.text import escape_markdown
from finegates.data.splits import load_splits
from finegates.methods import METHODS
from finegates.models.smollm2 import SMOLLM2
from finegates.runs.folder import Run, list_runs
from finegates.runs.notes import read_notes
from finegates.spec import FIELDS, OF_A_FILE, make_spec
from tests.app.components import codes
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts
from tests.app.test_runs_page import tick
from tests.toy_models import save_toy_decoder, save_toy_model

SAMPLE_ROWS = load_splits(make_spec({})).fingerprint


def start(app):
    return app.button(key="start").click().run()


def only_run(runs_dir) -> Run:
    (run,) = list_runs(runs_dir)
    return run


def upload(visit, name: str, content: bytes):
    app = visit("new_run")
    app.get_by_key("new_source").set_value("Your file").run()
    return app.file_uploader(key="new_upload").upload(name, content).run()


def test_pressing_start_at_once_starts_the_default_run(visit, runs_dir, dispatched):
    app = start(visit("new_run"))
    assert not app.exception and not app.error
    assert only_run(runs_dir).spec == make_spec({})
    assert dispatched[0] == runs_dir
    (chosen,) = app.multiselect(key="runs").value  # the Live page has opened
    assert chosen == only_run(runs_dir).id


def test_a_run_can_be_named_before_it_starts(visit, runs_dir):
    app = visit("new_run")
    assert app.text_input(key=keys.RUN_NAME).placeholder == "sample · finegates+lora · 30% · seed 0"
    app.text_input(key=keys.RUN_NAME).set_value("my first").run()
    start(app)
    assert read_notes(only_run(runs_dir).path).name == "my first"


def test_the_command_line_and_the_cost_are_shown_before(visit):
    app = visit("new_run")
    assert codes(app)[0] == "python -m finegates train --method finegates+lora"
    assert {"Time", "Memory", "Steps"} <= {m.label for m in app.metric}
    app.number_input(key="new.epochs").set_value(17).run()
    assert codes(app)[0].endswith("--epochs 17")


def test_a_decoder_whose_training_is_too_short_is_warned_of_before_it_starts(visit, tmp_path):
    app = visit("new_run")
    app.selectbox(key=keys.MODEL_KIND).select(LOCAL).run()
    app.text_input(key=keys.MODEL_FOLDER).set_value(str(save_toy_decoder(tmp_path))).run()
    assert not any("too few for the gates" in w.value for w in app.warning)
    app.number_input(key="new.epochs").set_value(1).run()
    assert any("63 steps are too few for the gates of a decoder" in w.value for w in app.warning)
    app.selectbox(key="new_method").select("magnitude").run()
    assert not app.exception and not any("too few" in w.value for w in app.warning)


def test_the_page_says_what_the_target_means_for_each_recipe(visit):
    app = visit("new_run")
    for name, method in METHODS.items():
        app.selectbox(key="new_method").select(name).run()
        says = method.target_meaning if method.removes else "removes nothing"
        assert says in texts(app)
        assert bool(app.get("slider")) == method.removes


def test_what_was_not_typed_follows_the_recipe_and_what_was_typed_stays(visit, runs_dir):
    app = visit("new_run")
    app.number_input(key="new.gate_learning_rate").set_value(0.005).run()
    app.selectbox(key="new_method").select("finegates-official").run()
    assert app.number_input(key="new.batch_size").value == 16
    assert app.number_input(key="new.gate_learning_rate").value == 0.005
    start(app)
    given = {"method": "finegates-official", "gate_learning_rate": 0.005}
    assert only_run(runs_dir).spec == make_spec(given)


KINDS_OF_WIDGETS = (
    "number_input", "selectbox", "toggle", "text_input", "slider", "multiselect",
)  # fmt: skip


def settings_on(app) -> dict:
    """Setting -> its widget."""
    widgets = {w.key: w for kind in KINDS_OF_WIDGETS for w in app.get(kind) if w.key}
    return {k.removeprefix("new."): w for k, w in widgets.items() if k.startswith("new.")}


def test_every_setting_has_a_widget_with_its_help_where_it_matters(visit, runs_dir):
    teacher = make_run(runs_dir, method="full", fingerprint=SAMPLE_ROWS)
    app, found = visit("new_run"), {}
    app.selectbox(key="new.teacher").select(teacher.id).run()
    shown = ("sara", "shears", "compacter", "melora", "polar", "loretta-adp", "adamix")
    for method in ("finegates", *shown, "full"):
        app.selectbox(key="new_method").select(method).run()
        found |= settings_on(app)
    elsewhere = {"task", "data", *OF_A_FILE, "problem", "glue_dir", "model", "method", "device"}
    for name, field in FIELDS.items():
        if name not in elsewhere:
            assert found[name].help.startswith(field.metadata["help"])


@pytest.mark.parametrize(
    "method", ["finegates", "magnitude", "sensitivity", "full", "sparta", "compacter"]
)
def test_only_settings_that_matter_to_the_method_are_shown(visit, method):
    app = visit("new_run")
    app.selectbox(key="new_method").select(method).run()
    shown = settings_on(app)
    assert all(matters(name, [method], has_teacher=False) for name in shown)
    assert ("gate_law" in shown) == (method == "finegates")
    assert ("sparta_density" in shown) == (method == "sparta")
    assert ("compacter_terms" in shown) == (method == "compacter")
    assert "distillation_weight" not in shown


def test_the_recipes_are_grouped_the_default_first(visit):
    labels = visit("new_run").selectbox(key="new_method").options
    assert labels[0].startswith("Gates · finegates+lora: ") and len(labels) == len(METHODS)
    groups = [label.split(" · ")[0] for label in labels]
    names = [name for name, _ in KINDS.values()]
    assert groups == sorted(groups, key=names.index) and names[-1] == "Dense"


def test_a_dense_run_starts_without_a_target(visit, runs_dir):
    app = visit("new_run")
    app.slider(key="new.target_sparsity").set_value(0.5).run()
    app.selectbox(key="new_method").select("lora").run()
    assert not app.error
    start(app)
    assert only_run(runs_dir).spec == make_spec({"method": "lora"})


def test_a_finished_dense_run_of_the_same_task_can_teach(visit, runs_dir):
    same = {"fingerprint": SAMPLE_ROWS}
    make_run(runs_dir, "stopped", progress=0.5, method="full", **same)
    make_run(runs_dir, method="finegates", **same)
    make_run(runs_dir, method="lora", task="sst2", **same)
    make_run(runs_dir, method="lora")  # on other rows
    app = visit("new_run")
    assert "teacher" not in settings_on(app)
    teacher = make_run(runs_dir, method="full", seed=3, **same)
    app.run()
    box = app.selectbox(key="new.teacher")
    assert box.value is None and len(box.options) == 1
    assert box.options[0].startswith("full, seed 3") and teacher.id in box.options[0]
    assert "distillation_weight" not in settings_on(app)
    box.select(teacher.id).run()
    assert "distillation_weight" in settings_on(app)
    assert f"--teacher {teacher.id}" in codes(app)[0]


def test_settings_that_contradict_each_other_are_told(visit, runs_dir):
    app = visit("new_run")
    app.selectbox(key="new.gate_law").select("hard-concrete").run()
    app.number_input(key="new.gate_sampling_sigma").set_value(0.3).run()
    start(app)
    assert "'hard-concrete' has no sigma" in app.error[0].value
    assert app.number_input(key="new.gate_sampling_sigma").value == 0.3
    assert not list_runs(runs_dir)


def test_no_target_module_is_told_before_the_start(visit):
    app = visit("new_run")
    app.multiselect(key="new.target_modules").set_value([]).run()
    assert escape_markdown("target_modules is empty") in app.error[0].value
    assert app.button(key="start").disabled


def test_a_model_folder_that_is_missing_is_told_and_stays_typed(visit, runs_dir):
    app = visit("new_run")
    app.selectbox(key="new_model_kind").select("Local folder").run()
    assert app.button(key="start").disabled
    app.text_input(key="new_model_folder").set_value("/no/such/model").run()
    start(app)
    assert "'/no/such/model' does not exist" in app.error[0].value
    assert app.text_input(key="new_model_folder").value == "/no/such/model"
    assert not list_runs(runs_dir)


def test_the_converted_model_is_offered_where_it_is(visit, runs_dir, tmp_path, monkeypatch):
    assert CONVERTED not in visit("new_run").selectbox(key=keys.MODEL_KIND).options
    monkeypatch.setenv("FINEGATES_CACHE_DIR", str(tmp_path))
    save_toy_model(tmp_path / SMOLLM2)
    app = visit("new_run")
    app.selectbox(key=keys.MODEL_KIND).select(CONVERTED).run()
    start(app)
    assert not app.exception and only_run(runs_dir).spec.model == SMOLLM2
    app = visit("runs")
    tick(app, only_run(runs_dir))
    app.button(key="duplicate").click().run()
    assert app.selectbox(key=keys.MODEL_KIND).value == CONVERTED


def test_a_converted_model_that_is_gone_is_no_longer_chosen(visit, tmp_path, monkeypatch):
    monkeypatch.setenv("FINEGATES_CACHE_DIR", str(tmp_path))
    save_toy_model(tmp_path / SMOLLM2)
    app = visit("new_run")
    app.selectbox(key=keys.MODEL_KIND).select(CONVERTED).run()
    (tmp_path / SMOLLM2 / "config.json").unlink()
    app.run()
    assert not app.exception and app.selectbox(key=keys.MODEL_KIND).value == EMBEDDED
    assert "--model" not in codes(app)[0]


def test_an_upload_is_read_mapped_and_started(visit, runs_dir):
    rows = "\n".join(f"the film number {i},{'good' if i % 2 else 'bad'}" for i in range(40))
    app = upload(visit, "films.csv", f"review,verdict\n{rows}\n".encode())
    assert not app.exception and not app.error
    assert "**32** training rows, **8** for validation" in texts(app)
    start(app)
    spec = only_run(runs_dir).spec
    assert (spec.task, spec.text_column, spec.label_column) == ("file", "review", "verdict")


def test_an_upload_that_is_wrong_shows_the_libraries_own_words(visit, runs_dir):
    app = upload(visit, "films.csv", b"review,verdict\nonly one field\n")
    assert app.error[0].value.startswith("'films.csv', line 2: 1 fields were found")
    assert app.button(key="start").disabled and not app.exception


def test_an_upload_of_another_kind_is_refused(visit):
    app = upload(visit, "films.csv", b"PK\x03\x04 zip")
    assert "zip archive or an Excel workbook" in app.error[0].value


def test_a_missing_glue_folder_is_told(visit):
    app = visit("new_run")
    app.get_by_key("new_source").set_value("GLUE").run()
    app.text_input(key="new_glue_dir").set_value("/no/such/glue").run()
    assert "/no/such/glue" in app.error[0].value and not app.exception


def test_glue_from_the_hub_is_not_downloaded_unasked(visit):
    app = visit("new_run")
    app.get_by_key("new_source").set_value("GLUE").run()
    assert not app.error and not app.button(key="start").disabled
    assert "--task cola" in codes(app)[0]


def test_what_was_typed_is_kept_when_the_page_is_left(visit, runs_dir):
    make_run(runs_dir)
    app = visit("new_run")
    app.number_input(key="new.epochs").set_value(17).run()
    app.switch_page("runs/page.py").run()
    app.switch_page("new/run_page.py").run()
    assert app.number_input(key="new.epochs").value == 17
