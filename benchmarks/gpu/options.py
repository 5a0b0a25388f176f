"""What every part of the run is told."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.record import RESULTS
from finegates.models.sources import EMBEDDED_MODEL

TOTAL_S = 540.0
PACKED = Path(__file__).resolve().parents[2] / ".gpu"
"""What `scripts.pack_for_gpu` leaves for a machine without a network."""


@dataclass(frozen=True)
class Options:
    """As the command line says it.

    Attributes:
        device: As torch names it.
        small: Toy sizes, to rehearse every part in minutes.
        model: The pretrained model of the real run.
        glue_dir: Where SST-2 is; the hub if None.
        seconds: For all parts together.
        parts: Names of those to run; all if empty.
        out: Folder of the result.
    """

    device: str
    small: bool
    model: str
    glue_dir: str | None
    seconds: float
    parts: tuple[str, ...]
    out: Path

    @property
    def on_gpu(self) -> bool:
        """Whether it is an NVIDIA GPU: it has events, graphs and memory of its own."""
        return self.device.startswith("cuda")

    def words(self) -> list[str]:
        """The command line that gives these options, for a part's own process."""
        words = ["--device", self.device, "--model", self.model, "--out", str(self.out)]
        words += ["--small"] if self.small else []
        return words + (["--glue-dir", self.glue_dir] if self.glue_dir else [])


def parsed(
    arguments: Sequence[str] | None, description: str, parts: Sequence[str]
) -> tuple[Options, str | None]:
    """The options, and the one part that this process is to carry out itself."""
    packed = PACKED.is_dir()
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--device", default="cuda:0", help="Default: cuda:0.")
    parser.add_argument("--small", action="store_true", help="toy sizes: a rehearsal")
    parser.add_argument("--model", default=str(PACKED / "minilm") if packed else EMBEDDED_MODEL)
    parser.add_argument("--glue-dir", default=str(PACKED / "glue") if packed else None)
    parser.add_argument("--seconds", type=float, default=TOTAL_S, help=f"Default: {TOTAL_S:g}.")
    parser.add_argument("--parts", default="", help=f"of: {','.join(parts)}. Default: all.")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the result")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    given = vars(parser.parse_args(arguments))
    given["parts"] = tuple(filter(None, given["parts"].split(",")))
    if unknown := set(given["parts"]) - set(parts):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; parts: {', '.join(parts)}")
    only = given.pop("only")
    return Options(**{**given, "out": given["out"].resolve()}), only
