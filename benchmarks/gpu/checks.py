"""The tests that are marked ``gpu``, on the device."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree  # nosec B405: pytest's own file

from benchmarks.gpu.options import Options
from benchmarks.gpu.report import Report

PART = "tests"
REPOSITORY = Path(__file__).resolve().parents[2]
_SHOWN = 400


class TestsFailed(Exception):
    """Some tests did not pass; the result names them."""


def measure(report: Report, options: Options) -> str:
    """Runs them in a process of their own; each is a row.

    Raises:
        TestsFailed: If not all passed.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        words = [
            "-m",
            "pytest",
            "tests/gpu",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={results}",
        ]
        environment = {**os.environ, "FINEGATES_TEST_DEVICE": options.device}
        answer = subprocess.run([sys.executable, *words], cwd=REPOSITORY, env=environment)
        rows = _rows(results) if results.exists() else []
    report.update(PART, rows=rows, exit_code=answer.returncode)
    counts = {
        what: sum(row["outcome"] == what for row in rows)
        for what in ("passed", "failed", "skipped")
    }
    summary = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    if answer.returncode or not counts["passed"]:
        bad = [row["test"] for row in rows if row["outcome"] == "failed"]
        raise TestsFailed(f"{summary or 'no test ran'}: {', '.join(bad[:4])}")
    return summary


def _rows(results: Path) -> list[dict]:
    rows = []
    for case in ElementTree.parse(results).iter("testcase"):  # nosec B314
        said = next((e for e in case if e.tag in ("failure", "error", "skipped")), None)
        outcome = {None: "passed", "skipped": "skipped"}.get(
            said.tag if said is not None else None, "failed"
        )
        row = {"test": f"{case.get('classname')}::{case.get('name')}", "outcome": outcome,
               "seconds": float(case.get("time", 0))}  # fmt: skip
        rows.append(row | ({} if said is None else {"said": (said.get("message") or "")[:_SHOWN]}))
    return rows
