"""A matrix as a tensor train: the product of small cores, as LoRETTA (arXiv 2402.11417) trains it.

``T = G_1 x G_2 x ... x G_d``, contracted over the ranks between the cores and read row by row as a
matrix of shape (in, out).
"""

import torch
from torch import Tensor, nn

from finegates.models.tensor_trains import tensor_train_ranks, tensor_train_shape


class TensorTrain(nn.Module):
    """A trained matrix in few parameters.

    Its cores are drawn as in the authors' code (github.com/yifanycc/loretta, commit c66bbb3):
    normal, such that every entry of the matrix has the variance ``1 / (in + out)``.

    Args:
        in_features: First side of the matrix.
        out_features: Second side.
        rank: Of the products, between any two cores.

    Attributes:
        cores: Shapes ``(r, n, r)`` with the n of
            `finegates.models.tensor_trains.tensor_train_shape`; the first and the last r are 1.
    """

    def __init__(self, in_features: int, out_features: int, rank: int) -> None:
        super().__init__()
        shape = tensor_train_shape(in_features, out_features)
        ranks = tensor_train_ranks(len(shape), rank)
        std = (in_features + out_features) ** -0.5
        self.size = (in_features, out_features)
        self.cores = nn.ParameterList(
            torch.randn(before, n, after) * std ** (1 / len(shape)) * after**-0.5
            for before, n, after in zip(ranks, shape, ranks[1:], strict=False)
        )

    def start_at_zero(self) -> "TensorTrain":
        """Makes the matrix 0 by its last core, which alone has a gradient then; returns itself."""
        nn.init.zeros_(self.cores[-1])
        return self

    def matrix(self) -> Tensor:
        """All cores contracted, shape ``(in_features, out_features)``; differentiable.

        In the cores' own precision under autocast too: in bfloat16 every product would be rounded
        once more. Ask once in a forward pass: it makes the whole matrix.
        """
        with torch.autocast(self.cores[0].device.type, enabled=False):
            train = self.cores[0].flatten(0, 1)
            for core in self.cores[1:]:
                train = (train @ core.flatten(1)).view(-1, core.shape[-1])
            return train.view(self.size)
