"""Packs what ``make gpu`` needs on a machine without a network, and takes it away again.

    python -m scripts.pack_for_gpu --glue-dir GLUE      # then copy the working tree, .gpu included
    python -m scripts.pack_for_gpu --undo

``.gpu/`` gets the embedded model in half precision and the rows of SST-2 that are trained and
scored; git ignores it. cached_runs/ is moved out of the tree that is copied, and back by --undo.
"""

import argparse
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from benchmarks.gpu.options import PACKED
from benchmarks.gpu.real_run import TRAIN_ROWS
from finegates.data.glue import TASKS, TRAIN_FILE
from finegates.models.sources import EMBEDDED_MODEL, find_model, verify_embedded_weights

REPOSITORY = PACKED.parent
LIMIT_BYTES = 64 << 20
"""What may be copied to such a machine in all."""
_LEFT_BEHIND = REPOSITORY / ".gpu-left-behind"
_MOVED = "cached_runs"
_WEIGHTS = "model.safetensors"


def main(arguments: Sequence[str] | None = None) -> None:
    """Packs, or undoes it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--glue-dir", type=Path, help="a folder in the glue_data layout")
    parser.add_argument("--undo", action="store_true")
    options = parser.parse_args(arguments)
    if options.undo:
        return undo()
    if options.glue_dir is None:
        parser.error("give --glue-dir, or --undo")
    pack_model(PACKED / "minilm")
    pack_rows(options.glue_dir, PACKED / "glue")
    leave_behind()
    size = size_of_copy()
    print(f"{size / 2**20:.1f} MiB would be copied, {PACKED.name} included.")
    if size > LIMIT_BYTES:
        raise SystemExit(f"That is more than {LIMIT_BYTES >> 20} MiB; run with --undo.")


def pack_model(folder: Path) -> None:
    """The embedded model, its weights in float16: they are read in float32 again."""
    verify_embedded_weights()
    source = Path(find_model(EMBEDDED_MODEL).location)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors", "onnx", "*.bin"))
    weights = load_file(source / _WEIGHTS)
    halved = {n: t.half() if t.dtype == torch.float32 else t for n, t in weights.items()}
    save_file(halved, folder / _WEIGHTS, metadata={"format": "pt"})


def pack_rows(glue_dir: Path, target: Path) -> None:
    """The training rows that are used, under their header, and all validation rows."""
    task = TASKS["sst2"]
    source, folder = glue_dir / task.folder, target / task.folder
    folder.mkdir(parents=True, exist_ok=True)
    with open(source / TRAIN_FILE, encoding="utf-8") as file:
        lines = [line for line, _ in zip(file, range(TRAIN_ROWS + 1), strict=False)]
    (folder / TRAIN_FILE).write_text("".join(lines), encoding="utf-8")
    shutil.copy(source / task.dev_file, folder / task.dev_file)


def leave_behind() -> None:
    """Moves the run folders out of what is copied."""
    if (REPOSITORY / _MOVED).is_dir():
        _LEFT_BEHIND.mkdir(exist_ok=True)
        (REPOSITORY / _MOVED).rename(_LEFT_BEHIND / _MOVED)


def undo() -> None:
    """Everything as it was."""
    moved, place = _LEFT_BEHIND / _MOVED, REPOSITORY / _MOVED
    if moved.is_dir():
        if place.is_dir():
            raise SystemExit(
                f"{place} is there again; put what is in {moved} back by hand, then delete it."
            )
        moved.rename(place)
        _LEFT_BEHIND.rmdir()
    shutil.rmtree(PACKED, ignore_errors=True)
    print("Undone.")


def size_of_copy() -> int:
    """Bytes of the files that git tracks or does not ignore, and of what was packed."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    files = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    files += [path for path in PACKED.rglob("*")]
    return sum(path.stat().st_size for path in files if path.is_file())


if __name__ == "__main__":
    main()
