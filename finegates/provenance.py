"""What it takes to repeat a run: its command line and the versions of what decides its result."""

import platform
from importlib.metadata import PackageNotFoundError, version

from finegates import __version__
from finegates.spec import RunSpec, make_spec

_RECORDED_PACKAGES = ("torch", "transformers", "accelerate", "datasets", "safetensors")


def command_of(spec: RunSpec) -> list[str]:
    """The shortest command line that gives this spec."""
    law = make_spec({"method": spec.method}).gate_law
    with_its_law = make_spec({"method": spec.method, "gate_law": spec.gate_law})
    method_defaults = with_its_law.to_dict() | {"gate_law": law}
    words = ["python", "-m", "finegates", "train", "--method", spec.method]
    for name, value in spec.to_dict().items():
        if name in ("method", "task" if spec.data else "") or value == method_defaults[name]:
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            word = ",".join(value) if isinstance(value, list) else str(value)
            words += [f"--{flag}={word}"] if word.startswith("-") else [f"--{flag}", word]
    return words


def recorded_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    versions = {"python": platform.python_version(), "finegates": __version__}
    for package in _RECORDED_PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
