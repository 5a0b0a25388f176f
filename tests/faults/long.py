"""Every fault many times: ``python -m tests.faults.long`` writes benchmarks/results/faults.json.

A fault that loses something is named with its seed, which repeats it:
``--only worker_killed --seeds 17``.
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.record import environment, write_result
from tests.faults.harness import Bench, make_bench
from tests.faults.scenarios import FAULTS
from tests.toy_models import save_toy_model


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries, counts and writes."""
    names = [fault.__name__ for fault in FAULTS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", nargs="+", type=int, help="these, in place of the usual number")
    parser.add_argument("--out", default="faults.json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        bench = make_bench(Path(place) / "runs", save_toy_model(Path(place) / "model"))
        results = {
            fault.__name__: _tried(fault, bench, options.seeds or range(times))
            for fault, times in FAULTS.items()
            if fault.__name__ in options.only
        }
    lost = sum(len(result["lost"]) for result in results.values())
    tried = sum(result["tried"] for result in results.values())
    write_result(options.out, {**environment(), "tried": tried, "lost": lost, "faults": results})
    print(f"{tried} faults tried, {lost} lost something.")
    return 1 if lost else 0


def _tried(fault: Callable[[Bench, int], None], bench: Bench, seeds: Sequence[int]) -> dict:
    lost, started = [], time.monotonic()
    for seed in seeds:
        try:
            fault(bench, seed)
        except Exception as error:
            traceback.print_exc()
            lost.append({"seed": seed, "why": repr(error)[:500]})
    seconds = round(time.monotonic() - started)
    print(f"{fault.__name__}: {len(seeds)} tried, {len(lost)} lost, {seconds} s", flush=True)
    return {"what": fault.__doc__, "tried": len(seeds), "lost": lost, "seconds": seconds}


if __name__ == "__main__":
    sys.exit(main())
