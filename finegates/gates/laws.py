"""Gate laws: how a gate's parameter becomes its value, with and without noise.

A gate's *mean* orders the gates and gives their value in evaluation. The arithmetic here works on
NumPy arrays and torch tensors alike, so the dashboard reads gates without loading torch; only
`probability_open` is for tensors.

Sources: arXiv 2412.12951 eq. 5 and the public code's constants (`TanhGaussianLaw`), Yamada et al.
2020 (`GaussianLaw`), Louizos et al. 2018 (`HardConcreteLaw`), GRASPrune (`ProjectedLaw`).
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from finegates.errors import SpecError, unknown_name

PROJECTED = "projected"


class Law(Protocol):
    """What a gate law answers. Arrays are of any one shape, the same in and out."""

    @property
    def name(self) -> str:
        """As in `RunSpec.gate_law`."""

    @property
    def noise(self) -> str:
        """``normal`` or ``logistic``."""

    @property
    def closing_mean(self) -> float:
        """The largest mean whose value is 0."""

    @property
    def initial_parameter(self) -> tuple[float, float]:
        """Mean and standard deviation of new parameters."""

    @property
    def moves_closed(self) -> bool:
        """Whether a gate that is closed in a pass has a gradient of it."""

    def mean(self, parameter: Any) -> Any:
        """Parameter -> mean."""

    def parameter(self, mean: Any) -> Any:
        """Mean -> parameter."""

    def value(self, mean: Any) -> Any:
        """Mean -> gate in [0, 1] in evaluation. 0 exactly if the mean is `closing_mean` or less."""

    def sample(self, mean: Any, noise: Any) -> Any:
        """Mean and noise -> gate in [0, 1] in training."""

    def probability_open(self, mean: Any) -> Any:
        """Mean -> P(gate > 0), a tensor in [0, 1]."""


@dataclass(frozen=True)
class GaussianLaw:
    """``z = clip(mean + 0.5 + sigma * eps, 0, 1)`` with a free mean.

    Attributes:
        sampling_sigma: Standard deviation of the noise. The paper gives no value; 0.1 is what the
            authors' public code and all recipes here use.
        penalty_sigma: Standard deviation that the probability of being open is computed with.
    """

    sampling_sigma: float = 0.1
    penalty_sigma: float = 0.5
    name: str = "gaussian"
    noise: str = "normal"
    closing_mean: float = -0.5
    initial_parameter: tuple[float, float] = (0.6, 0.01)
    moves_closed: bool = False

    def mean(self, parameter: Any) -> Any:
        return parameter

    def parameter(self, mean: Any) -> Any:
        return mean

    def value(self, mean: Any) -> Any:
        return (mean + 0.5).clip(0.0, 1.0)

    def sample(self, mean: Any, noise: Any) -> Any:
        return (mean + 0.5 + self.sampling_sigma * noise).clip(0.0, 1.0)

    def probability_open(self, mean: Any) -> Any:
        from torch.special import ndtr

        return ndtr((mean + 0.5) / self.penalty_sigma)


@dataclass(frozen=True)
class TanhGaussianLaw(GaussianLaw):
    """The public code's law: the mean is the tanh of the parameter, so it stays in (-1, 1)."""

    name: str = "tanh-gaussian"
    initial_parameter: tuple[float, float] = (1.0, 0.1)

    def mean(self, parameter: Any) -> Any:
        return parameter.tanh()

    def parameter(self, mean: Any) -> Any:
        return mean.clip(-0.999999, 0.999999).atanh()


@dataclass(frozen=True)
class HardConcreteLaw:
    """``z = clip(1.2 * sigmoid((noise + mean) / T) - 0.1, 0, 1)`` with logistic noise."""

    temperature: float = 2 / 3
    low: float = -0.1
    high: float = 1.1
    name: str = "hard-concrete"
    noise: str = "logistic"
    closing_mean: float = math.log(0.1 / 1.1)
    initial_parameter: tuple[float, float] = (3.0, 0.01)
    moves_closed: bool = False

    def mean(self, parameter: Any) -> Any:
        return parameter

    def parameter(self, mean: Any) -> Any:
        return mean

    def value(self, mean: Any) -> Any:
        return self._stretch(mean)

    def sample(self, mean: Any, noise: Any) -> Any:
        return self._stretch((noise + mean) / self.temperature)

    def probability_open(self, mean: Any) -> Any:
        return (mean - self.temperature * math.log(-self.low / self.high)).sigmoid()

    def _stretch(self, logit: Any) -> Any:
        open_part = 1 / (1 + math.e ** -(logit.clip(-30.0, 30.0)))
        return ((self.high - self.low) * open_part + self.low).clip(0.0, 1.0)


@dataclass(frozen=True)
class ProjectedLaw:
    """``z`` is 0 or 1, with the gradient of ``sigmoid(parameter / temperature)``; no noise.

    Parameters begin at 0. Which gates are closed a budget says (`finegates.nn.projection`), which
    hands out means on either side of the closing one.

    Attributes:
        temperature: Of GRASPrune's code.
        closing_mean: Ours; below the start, so that new gates are open.
    """

    temperature: float = 1.5
    name: str = PROJECTED
    noise: str = "normal"
    closing_mean: float = -1.0
    initial_parameter: tuple[float, float] = (0.0, 0.0)
    moves_closed: bool = True

    def mean(self, parameter: Any) -> Any:
        return parameter

    def parameter(self, mean: Any) -> Any:
        return mean

    def value(self, mean: Any) -> Any:
        return (mean > self.closing_mean) * 1.0

    def sample(self, mean: Any, noise: Any) -> Any:
        return self.through(mean > self.closing_mean, mean)

    def probability_open(self, mean: Any) -> Any:
        return self.sample(mean, None)

    def through(self, is_open: Any, parameter: Any) -> Any:
        """1 where open, else 0, as tensors; with a gradient to the parameter everywhere."""
        soft = (parameter / self.temperature).sigmoid()
        return is_open.to(soft) + (soft - soft.detach())


LAWS: dict[str, Law] = {
    law.name: law for law in (GaussianLaw(), TanhGaussianLaw(), HardConcreteLaw(), ProjectedLaw())
}


def make_law(name: str, sampling_sigma: float | None = None) -> Law:
    """A law by name, with another sampling noise if one is given.

    Raises:
        SpecError: For an unknown name, or a sigma for a law that has none.
    """
    if name not in LAWS:
        raise SpecError(unknown_name("gate law", name, LAWS))
    law = LAWS[name]
    if sampling_sigma is None:
        return law
    if not isinstance(law, GaussianLaw):
        raise SpecError(
            f"gate_sampling_sigma was given, but the law '{name}' has no sigma; leave it out, or "
            "choose gaussian or tanh-gaussian."
        )
    return type(law)(sampling_sigma=sampling_sigma)
