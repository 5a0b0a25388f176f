"""The device box says what is here and what auto takes; a choice that is gone breaks nothing."""

import pytest
import streamlit as st

from finegates.runs.folder import list_runs
from tests.app.components import codes
from tests.fake_nvidia import ALWAYS, H100, FakeNvidia

PAGES = ["new_run", "new_sweep"]


@pytest.fixture
def gpus(tmp_path, monkeypatch) -> FakeNvidia:
    fake = FakeNvidia(tmp_path / "smi", monkeypatch)
    fake.shows(40_000, 79_000)
    return fake


def box(app):
    return app.selectbox(key="new_device")


def warnings_of(app) -> str:
    return " ".join(warning.value for warning in app.warning)


@pytest.mark.parametrize("page", PAGES)
def test_each_device_is_named_with_its_free_memory_and_auto_with_what_it_takes(visit, gpus, page):
    options = box(visit(page)).options
    assert options[:3] == [
        "auto (now cuda:1)",
        f"cuda:1 ({H100}, 77 GiB free)",
        f"cuda:0 ({H100}, 39 GiB free)",
    ]
    assert options[3].startswith("cpu (CPU, ") and options[3].endswith(" free)")


def test_of_one_gpu_or_none_auto_says_which(visit, gpus):
    gpus.shows(9)
    app = visit("new_run")
    assert box(app).options[0] == "auto (now cuda:0)"
    gpus.shows()
    st.cache_data.clear()
    assert box(app.run()).options[0] == "auto (CPU)" and not app.warning


def test_the_chosen_device_stays_while_free_memory_changes(visit, gpus, runs_dir):
    app = visit("new_run")
    box(app).select("cuda:0").run()
    for free in (30_000, 20_000):
        gpus.shows(free, 79_000)
        st.cache_data.clear()
        app.number_input(key="new.epochs").set_value(free // 1000).run()
        assert box(app).value == "cuda:0" and not app.warning
    assert f"cuda:0 ({H100}, 20 GiB free)" in box(app).options
    assert "--device cuda:0" in codes(app)[0]
    app.button(key="start").click().run()
    (run,) = list_runs(runs_dir)
    assert run.spec.device == "cuda:0"


def test_a_label_that_a_browser_kept_still_means_its_device(visit, gpus, monkeypatch):
    app = visit("new_run")
    box(app).select("cuda:0").run()
    kept, sent = box(app)._widget_state, type(box(app))._widget_state
    assert kept.string_value == f"cuda:0 ({H100}, 39 GiB free)"
    answer = property(lambda w: kept if w.key == "new_device" else sent.fget(w))
    monkeypatch.setattr(type(box(app)), "_widget_state", answer)
    for free in (30_000, 20_000, 10_000):  # the server forgets the labels of the run before last
        gpus.shows(free, 79_000)
        st.cache_data.clear()
        app.run()
        assert box(app).value == "cuda:0" and not app.warning and not app.exception


@pytest.mark.parametrize("page", PAGES)
def test_a_chosen_device_that_is_gone_is_said_and_auto_taken(visit, gpus, page):
    app = visit(page)
    box(app).select("cuda:1").run()
    gpus.shows(40_000)
    st.cache_data.clear()
    app.run()
    assert not app.exception and box(app).value == "auto"
    assert "Device cuda:1 was chosen, but is not on this machine now" in warnings_of(app)
    assert "is not on this machine now" in warnings_of(app.run()), "until something is chosen"
    assert "is not on this machine" not in warnings_of(box(app).select("cuda:0").run())
    assert "is not on this machine" not in warnings_of(box(app).select("auto").run())


def test_a_driver_that_does_not_answer_is_named_as_the_reason(visit, gpus):
    app = visit("new_run")
    box(app).select("cuda:1").run()
    gpus.fails(ALWAYS)
    st.cache_data.clear()
    app.run()
    assert "nvidia-smi failed (exit code 18)" in warnings_of(app) and not app.exception
    gpus.fails(0)
    st.cache_data.clear()
    assert not app.run().warning


def test_the_driver_is_asked_once_for_changes_that_follow_each_other(visit, gpus):
    app = visit("new_sweep")
    asked = gpus.num_calls
    app.selectbox(key="new_device").select("cuda:0").run()
    for _ in range(3):
        app.run()
    estimates = 2  # of the two default methods, on the device that has been chosen
    assert gpus.num_calls <= asked + estimates
