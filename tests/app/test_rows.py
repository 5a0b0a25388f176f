"""What a row of a run says, and how its words are shortened."""

import pytest

from app.rows import gated_percent, is_active, is_dense, removes, seconds_taken
from app.text import seed_list, short_model
from finegates.methods import DEFAULT_METHOD, METHODS


def row(**values) -> dict:
    return {"method": DEFAULT_METHOD, "status": "finished", **values}


def test_a_method_of_another_version_is_neither_dense_nor_known_to_remove():
    unknown = row(method="of-another-version")
    assert not is_dense(unknown) and not removes(unknown)
    for name, method in METHODS.items():
        assert removes(row(method=name)) == method.removes != is_dense(row(method=name))


def test_only_runs_that_wait_or_work_are_active():
    states = ("queued", "starting", "running", "paused", "stopping", "finished", "failed", "lost")
    active = [state for state in states if is_active(row(status=state))]
    assert active == ["queued", "starting", "running", "paused", "stopping"]


def test_a_dense_run_has_no_fraction_of_gates():
    assert gated_percent(row(closed=0.12345), "closed") == 12.35
    assert gated_percent(row(closed=None), "closed") is None
    assert gated_percent(row(method="full", closed=0.0), "closed") is None


def test_a_run_took_time_only_once_it_is_over():
    assert seconds_taken(row(started=10.0, ended=12.5)) == 2.5
    assert seconds_taken(row(started=10.0, ended=None)) is None
    assert seconds_taken(row(started=None, ended=None)) is None


@pytest.mark.parametrize("model", ["roberta-base", "FacebookAI/roberta-base", "/m/roberta-base/"])
def test_a_models_short_name_is_its_last_part(model):
    assert short_model(model) == "roberta-base"


def test_seeds_are_listed_with_commas():
    assert seed_list((0, 1, 7)) == "0, 1, 7" and seed_list(()) == ""
