"""Two processes of a Trainer, each with its own rows, end with the same gates."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import multiprocessing
from transformers import Trainer, TrainingArguments

from finegates.nn.attach import attach_gates
from finegates.training.budget import RemovalBudget
from finegates.training.optimizer import make_optimizer
from tests.toy_models import toy_inputs, toy_model

PROCESSES, STEPS, REMOVE = 2, 12, 0.4


def train_as(rank: int, port: int, folder: str) -> None:
    """One of the processes; leaves its gates and a weight that all train."""
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(PROCESSES),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    torch.set_num_threads(1)
    model = toy_model()
    gates = attach_gates(model, lora_rank=2)
    ids = toy_inputs(16, 9)["input_ids"].tolist()
    rows = [{"input_ids": row, "labels": i % 2} for i, row in enumerate(ids)]
    arguments = TrainingArguments(
        folder, max_steps=STEPS, per_device_train_batch_size=4, use_cpu=True, report_to=[],
        ddp_backend="gloo", save_strategy="no", logging_strategy="no", disable_tqdm=True,
        ddp_find_unused_parameters=True,  # rounded gates have no gradient
    )  # fmt: skip
    Trainer(
        model, arguments, train_dataset=rows, optimizers=(make_optimizer(model), None),
        callbacks=[RemovalBudget(gates, REMOVE, begins=0.0)],
    ).train()  # fmt: skip
    bias = next(p for n, p in model.named_parameters() if p.requires_grad and n.endswith("bias"))
    np.savez(
        Path(folder) / f"{rank}.npz", means=gates.means_array(), settled=gates.settled,
        removed=gates.removal().removed_weights_fraction, bias=bias.detach().numpy(),
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.mark.slow
def test_two_processes_have_the_same_gates_in_the_end(tmp_path):
    multiprocessing.spawn(train_as, (free_port(), str(tmp_path)), nprocs=PROCESSES)
    one, other = (np.load(tmp_path / f"{rank}.npz") for rank in range(PROCESSES))
    assert one["settled"] and other["settled"]
    assert np.array_equal(one["means"], other["means"]) and np.array_equal(
        one["bias"], other["bias"]
    )
    assert one["removed"] == pytest.approx(REMOVE, abs=0.02)
