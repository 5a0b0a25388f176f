"""All gates of a model in one flat parameter, drawn in one go for each forward pass.

Drawing gate vector by gate vector would launch dozens of tiny kernels a step; here one draw covers
the model, and each gated matrix looks at its own part.
"""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from finegates.errors import SpecError, unknown_name
from finegates.gates.laws import Law
from finegates.gates.layout import GateLayout, GateVector
from finegates.gates.removal import Removal, removal

_MARGIN = 0.01
"""How far from the closing point rounded gates are kept, in units of the parameter."""


class Projection(Protocol):
    """Which gates are closed for a budget, whatever their parameters, ``(num_gates,)``."""

    def values(self, parameter: Tensor) -> Tensor:
        """What gates are in training, exactly 0 or 1; differentiable."""

    def means(self, parameter: Tensor) -> Tensor:
        """Means whose value is 0 for just the closed ones."""


class Gates(nn.Module):
    """The gates of a model.

    Until they are `settled`, in training every forward pass of the model draws them
    again; in evaluation they have the value that their mean gives.

    Attributes:
        layout: Which gate is where.
        law: How parameters become gates.
        parameter: Trained parameters, float32, shape ``(num_gates,)``.
        settled: Whether the gates are held as they are: no noise and no gradient, as after
            rounding.
        multiplier: Of the penalty that drives them to a budget, shape ``()``; part of their state,
            so that a training that goes on pushes as hard as before.
        attachment: How they were put on their model (`finegates.nn.attach.Attachment`).
        generator: Source of the noise, on the gates' device; torch's own if None. Where several
            processes train together, one seeded alike gives all of them the same gates.
        probe: Values that the gates have instead, to see what the loss makes of them.
        projection: What holds them at a budget in every pass until they are settled, from
            `finegates.nn.projection.project`; None for gates that learn how many close.
        hooks: What makes the model's forward passes draw again; removed when gates are detached.
    """

    _applied: Tensor | None

    def __init__(self, layout: GateLayout, law: Law, generator: torch.Generator | None = None):
        super().__init__()
        self.layout, self.law = layout, law
        centre, spread = law.initial_parameter
        initial = centre + spread * torch.randn(layout.num_gates, generator=generator)
        self.parameter = nn.Parameter(initial)
        applied = torch.from_numpy(layout.applied_gates) if layout.is_shared else None
        self.register_buffer("_applied", applied, persistent=False)
        self.settled = False
        self.multiplier = torch.zeros(())
        self.attachment: Any = None
        self.generator: torch.Generator | None = None
        self.hooks: list[RemovableHandle] = []
        self.probe: Tensor | None = None
        self.projection: Projection | None = None
        self._values: Tensor | None = None
        self._parts: tuple[Tensor, ...] = ()
        self._cast: tuple[Tensor, Tensor] | None = None

    @property
    def mean(self) -> Tensor:
        """Means, shape ``(num_gates,)``; differentiable."""
        if self.projection is not None and not self.settled:
            return self.projection.means(self.parameter)
        return self.law.mean(self.parameter)

    def forward(self) -> Tensor:
        """Gate values of this pass, in [0, 1], shape ``(num_gates,)``."""
        if self.probe is not None:
            return self.probe
        if self.settled:
            return self.law.value(self.mean).detach()
        if self.training and self.projection is not None:
            return self.projection.values(self.parameter)
        if self.training:
            return self.law.sample(self.mean, self._noise())
        return self.law.value(self.mean)

    def forget_draw(self) -> None:
        """Makes the next use of the gates draw them again; called before each forward pass."""
        self._values = self._cast = None
        self._parts = ()

    def cast(self, x: Tensor) -> Tensor:
        """Activations in autocast's precision, once for all matrices that read the same ones."""
        device = x.device.type
        if not torch.is_autocast_enabled(device):
            return x
        if self._cast is None or self._cast[0] is not x:
            self._cast = x, x.to(torch.get_autocast_dtype(device))
        return self._cast[1]

    def part(self, index: int) -> Tensor:
        """What multiplies one side of a matrix in this pass, ``(size,)``, in the gates' precision.

        Args:
            index: Of the side in ``layout.sides``.
        """
        if not self._parts:
            values = self.applied(self._values_of_pass())
            self._parts = values.split([s.size for s in self.layout.sides])
        return self._parts[index]

    def of_vector(self, vector: GateVector) -> Tensor:
        """The values of one vector's gates in this pass, ``(size,)``."""
        return self._values_of_pass()[vector.slice]

    def applied_values(self) -> Tensor:
        """What multiplies each row and column in evaluation, shape ``(num_dimensions,)``."""
        return self.applied(self.law.value(self.mean))

    def applied(self, values: Tensor) -> Tensor:
        """What rows and columns have of each gate's: ``(num_gates,)`` -> ``(num_dimensions,)``."""
        return values if self._applied is None else products(values, self._applied)

    def probability_open(self) -> Tensor:
        """Each gate's probability of being open, shape ``(num_gates,)``; differentiable."""
        return self.law.probability_open(self.mean)

    def removal(self) -> Removal:
        """What the gates that are closed now remove: gates and weights, counted and as shares."""
        return removal(self.layout, self.closed_array())

    def open_of(self, name: str) -> np.ndarray:
        """Which gates of a vector are open now.

        Args:
            name: Layer, matrix and side, as ``"3.q.out"``, or layer, unit and part, as
                ``"3.neurons.whole"`` or ``"all.hidden.whole"``; a key of ``layout.places``.

        Returns:
            Boolean, shape ``(size,)``: a row (``out``), a column (``in``) or a structure each.

        Raises:
            SpecError: If there is no such vector.
        """
        if name not in self.layout.places:
            raise SpecError(unknown_name("gate vector", name, self.layout.places))
        vector = self.layout.vectors[self.layout.places[name]]
        return ~self.closed_array()[vector.slice]

    def closed_hidden(self, closed: np.ndarray | None = None) -> int:
        """How many dimensions of the residual stream have no open gate.

        Args:
            closed: Boolean, shape ``(num_gates,)``; what is closed now if None.
        """
        hidden = self.layout.hidden
        if hidden is None:
            return 0
        return int((self.closed_array() if closed is None else closed)[hidden.slice].sum())

    def means_array(self) -> np.ndarray:
        """Means as float32 on the host, shape ``(num_gates,)``: a copy, so it stays as it is."""
        return self.mean.detach().float().cpu().numpy().copy()

    def closed_array(self) -> np.ndarray:
        """Which gates are closed now: boolean on the host, shape ``(num_gates,)``."""
        return self.law.value(self.means_array()) <= 0

    @torch.no_grad()
    def set_means(self, means: np.ndarray) -> None:
        """Sets every gate's mean, shape ``(num_gates,)``."""
        target = torch.from_numpy(np.asarray(means, dtype=np.float32)).to(self.parameter.device)
        self.parameter.copy_(self.law.parameter(target))

    @property
    def moves_closed(self) -> bool:
        """Whether a gate that is closed in a pass of a training has a gradient of it."""
        return self.law.moves_closed and not self.settled

    @torch.no_grad()
    def close_exactly(self, closed: np.ndarray) -> None:
        """Closes just these gates and settles all.

        The closed are shifted together until all are at or below the closing point, in the same
        order; gates that are to be open, but had closed, are set just above it.

        Args:
            closed: Boolean, shape ``(num_gates,)``.
        """
        mask = torch.from_numpy(closed).to(self.parameter.device)
        edge = self.law.parameter(torch.tensor(self.law.closing_mean, device=mask.device))
        rounded = self.parameter.clamp(min=edge + _MARGIN)
        if closed.any():
            shift = (self.parameter[mask].max() - edge).clamp(min=0) + _MARGIN
            rounded = torch.where(mask, self.parameter - shift, rounded)
        self.parameter.copy_(rounded)
        self.settled = True

    def get_extra_state(self) -> Tensor:
        """Whether the gates are settled, and the budget's multiplier: shape ``(2,)``, float32."""
        return torch.stack([torch.tensor(float(self.settled)), self.multiplier.detach().cpu()])

    def set_extra_state(self, state: Tensor) -> None:
        """The inverse of `get_extra_state`."""
        self.settled, self.multiplier = bool(state[0]), state[1].clone()

    def __repr__(self) -> str:
        now, layout = self.removal(), self.layout
        return (
            f"Gates: {layout.num_gates:,} in {len(layout.vectors)} vectors, {now.closed_gates:,} "
            f"closed, which removes {100 * now.removed_weights_fraction:.1f}% of the gated weights"
            f"{'; settled' if self.settled else ''}"
        )

    def __getstate__(self) -> dict:
        """Without the generator, and the last draw: its graph can be neither copied nor pickled."""
        passing = {"_values": None, "_parts": (), "_cast": None, "generator": None, "probe": None}
        return {**super().__getstate__(), **passing}

    def _values_of_pass(self) -> Tensor:
        if self._values is None:
            self._values = self()
        return self._values

    def _noise(self) -> Tensor:
        shape, source = self.parameter.shape, self.generator
        like: dict[str, Any] = {"device": self.parameter.device, "dtype": self.parameter.dtype}
        if self.law.noise == "normal":
            return torch.randn(shape, generator=source, **like)
        return torch.logit(torch.rand(shape, generator=source, **like), eps=1e-6)


def products(values: Tensor, gates: Tensor) -> Tensor:
    """What rows and columns have of their gates, ``(num_gates,)`` -> ``(num_dimensions,)``.

    Args:
        values: Of each gate; rows and columns without one have 1.
        gates: The gates of each, as `finegates.gates.layout.GateLayout.gates_of_dimensions`.
    """
    return torch.cat([values, values.new_ones(1)])[gates].prod(0)
