"""Tables 2 to 5 of the FineGates paper as printed, and which recipe of ours each row stands for.

The figures are quoted from arXiv 2412.12951, version 1. A cell says what a run has to be to stand
next to it: model, rows of the training data, method, target and the settings that shape the update.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from finegates.errors import DataError, unknown_name
from finegates.methods import METHODS
from finegates.models.architectures import layout_of_config
from finegates.models.parameters import VERA_RANK_OF_WIDE_MODELS
from finegates.models.sources import KNOWN_CONFIGS

SOURCE = "arXiv 2412.12951, Tables 2 to 5"
TABLES_PATH = Path(__file__).parent / "paper_data" / "tables_2_to_5.csv"
TABLES = {
    2: "Methods on eight GLUE tasks; large ones cut to their first 10,000 rows",
    3: "Methods on all rows of SST-2 and MNLI",
    4: "Ablation: which matrices carry gates, with and without LoRA",
    5: "FineGates with LoRA of higher rank next to APT on MRPC, at a target of 40 %",
}
BACKBONES = {"roberta-base": "FacebookAI/roberta-base", "roberta-large": "FacebookAI/roberta-large"}
"""The paper's models -> their ids on the hub."""
TASKS = {
    "CoLA": "cola", "STS-B": "stsb", "MRPC": "mrpc", "RTE": "rte", "SST2": "sst2", "MNLI": "mnli",
    "QNLI": "qnli", "QQP": "qqp",
}  # fmt: skip
"""As printed -> as `finegates.spec` calls it. The main metric of each is the paper's."""
CUT_TASKS = ("sst2", "mnli", "qnli", "qqp")
CUT_ROWS = 10_000
NUM_SEEDS = 5
"""The paper prints the median of five seeds."""
TABLE_5_TARGET = 0.4
_APT = "apt"
"""Our method of APT's row, in versions of this program that have it."""
_LORA_FA = (
    "LoRA-FA on RoBERTa-base is printed with 1.8M trained parameters; here it has rank 8 on query "
    "and value and trains 0.15M, so it is not quite the same."
)
NOTES = {
    2: (
        "LoRA's scores of RoBERTa-base on CoLA, STS-B, MRPC and RTE are those that LoRA's authors "
        "published, so they were probably not measured again; on three of these tasks theirs "
        "started from a model trained on MNLI.",
        _LORA_FA,
        "LoRA-XS's trained parameters are printed as 0.06K here and as 0.06M in Table 3; the "
        "second is right.",
    ),
    3: (_LORA_FA,),
    4: ("The rows in percent of full fine-tuning are related to that of Table 2.",),
    5: (
        "The paper does not name the model of this table; RoBERTa-base is assumed. What its "
        "sparsity column counts is not established, so no figure of it is quoted.",
        *(() if _APT in METHODS else ("APT is not a method of this program.",)),
        "APT's own README prints 94.5 on SST-2 and 86.4 on MNLI at 0.4 kept (LoRA without pruning: "
        "95.1 and 87.5).",
    ),
}

_ROWS = {
    "full": "full", "lora": "lora", "lora-fa": "lora-fa", "vera": "vera", "lora-xs": "lora-xs",
    "finegates": "finegates", "finegates w/o W_I,W_O": "finegates-attention",
    "finegates+lora": "finegates+lora-one-vector",
    "finegates+lora w/o W_I,W_O": "finegates+lora-attention",
    "apt, max rank 64": _APT,
}  # fmt: skip
"""Row of the paper -> our method, by the trained parameters that the paper prints."""
_OWN_SETTINGS = {("vera", "roberta-large"): {"lora_rank": VERA_RANK_OF_WIDE_MODELS}}
"""Row and model -> what the printed trained parameters ask for besides the method."""
_REMOVED = re.compile(r"(?P<row>.+) \(-(?P<millions>\d+)M\)")
_RANK = re.compile(r"(?P<row>.+), rank (?P<rank>\d+)")


@dataclass(frozen=True)
class PaperCell:
    """One figure of the paper.

    Attributes:
        table: 2 to 5.
        backbone: A key of `BACKBONES`.
        row: The method as the paper calls it.
        trained_parameters: As printed; empty where the table has no such column.
        printed_task: The task as printed.
        score: Metric x 100.
        method: Our method of the same shape; None if there is none.
        target: Fraction of the gated weights to remove.
        settings: What differs from the method's own settings.
    """

    table: int
    backbone: str
    row: str
    trained_parameters: str
    printed_task: str
    score: float
    method: str | None
    target: float
    settings: Mapping[str, Any]

    @property
    def task(self) -> str:
        """The task as `finegates.spec` calls it."""
        return TASKS[self.printed_task]

    @property
    def train_rows(self) -> int | None:
        """How many of the first training rows the paper used; None for all of them."""
        return CUT_ROWS if self.table != 3 and self.task in CUT_TASKS else None


@cache
def paper_cells() -> tuple[PaperCell, ...]:
    """Every figure of the four tables, in the order in which they are printed."""
    with TABLES_PATH.open(encoding="utf-8", newline="") as file:
        return tuple(_cell(line) for line in csv.DictReader(file))


def cells_of(table: int, backbone: str) -> list[PaperCell]:
    """The figures of a table on one model; none where the table does not have the model.

    Raises:
        DataError: If there is no such table or model.
    """
    if table not in TABLES:
        raise DataError(unknown_name("table", str(table), map(str, TABLES)))
    if backbone not in BACKBONES:
        raise DataError(unknown_name("model of the paper", backbone, BACKBONES))
    return [c for c in paper_cells() if c.table == table and c.backbone == backbone]


def full_score(cell: PaperCell) -> float | None:
    """The paper's full fine-tuning on the cell's model, task and rows; None without one."""
    for other in paper_cells():
        same_data = (other.task, other.train_rows) == (cell.task, cell.train_rows)
        if other.row == "full" and other.backbone == cell.backbone and same_data:
            return other.score
    return None


def backbone_of(model: str) -> str | None:
    """Which of the paper's models a run's model is; a local folder counts by its name."""
    for name, hub_id in BACKBONES.items():
        if model in (name, hub_id) or (Path(model).is_absolute() and Path(model).name == name):
            return name
    return None


def _cell(line: Mapping[str, str]) -> PaperCell:
    table, backbone, row, removed = int(line["table"]), line["backbone"], line["method"], 0
    settings: Mapping[str, Any] = _OWN_SETTINGS.get((row, backbone), {})
    if found := _REMOVED.fullmatch(row):
        row, removed = found["row"], int(found["millions"])
    if found := _RANK.fullmatch(row):
        row, settings = found["row"], {"lora_rank": int(found["rank"])}
    method = _ROWS.get(row)
    target = TABLE_5_TARGET if table == 5 else round(removed * 1e6 / _gated_weights(backbone), 3)
    return PaperCell(
        table, backbone, line["method"], line["trained_parameters"], line["task"],
        float(line["score"]), method if method in METHODS else None, target, settings,
    )  # fmt: skip


@cache
def _gated_weights(backbone: str) -> int:
    return layout_of_config(KNOWN_CONFIGS[backbone]).num_gated_weights
