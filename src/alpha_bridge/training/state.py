"""All that an update changes: parameters, their moving average, optimisers, the count.

That of stacked trials can be put together from single ones, and taken apart again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import ModuleDict, Parameter

from ..checks import at_least
from ..data.units import Units
from ..errors import Diverged
from ..model import NETWORKS, AlphaBridge, NetworkName
from ..networks.adam import Adam
from ..settings import Optimization
from .average import MovingAverage, at_rest

UNITS = "units"
"""The file of a checkpoint that is no part of training, but of what its samples mean."""

MOMENTS = {"step", "exp_avg", "exp_avg_sq"}
"""What Adam keeps of each parameter."""

OF_ALL_TRIALS = ("path/", "gamma/")
"""How names in the memory begin that belong to all trials together: those of the path and of γ."""

RATES = ("lr", "rate")
"""A network's learning rate, and the one that its settings gave it."""


def _optimizer_of(model: AlphaBridge, network: NetworkName, optimization: Optimization) -> Adam:
    """Adam for the parameters of one network; ``ValueError`` if none of them can be trained."""
    parameters = list(model.network_parameters(network))
    if not parameters:
        raise ValueError(f"the {network} has no parameter that requires a gradient: unfreeze it")
    rate = optimization.rate(network, 0)
    return Adam(
        [{"params": parameters, "rate": rate}],
        lr=rate,
        betas=(optimization.beta1, optimization.beta2),
        fused=True,
    )


@dataclass
class TrainState:
    """Where a training run stands.

    Attributes:
        model: The networks as they are trained.
        average: Moving averages of the generator and of the encoder.
        memory: Tensors that callbacks keep from one update to a later one, by name; of stacked
            trials one for each, but for :data:`OF_ALL_TRIALS`.
        units: Those of the data, which are kept with the weights that they belong to.
    """

    model: AlphaBridge
    optimization: Optimization
    average: MovingAverage
    optimizers: dict[NetworkName, Adam]
    step: int = 0
    memory: dict[str, Tensor] = field(default_factory=dict)
    units: Units = field(default_factory=Units)

    @classmethod
    def start(
        cls, model: AlphaBridge, optimization: Optimization, units: Units | None = None
    ) -> "TrainState":
        """State before the first update of ``model``, on data of those units."""
        # what is averaged: a decoder and an encoder that fit each other
        arms = ModuleDict({"generator": model.generator, "encoder": model.encoder})
        trained = [name for name in NETWORKS if name != "encoder" or not model.encoder_is_frozen]
        optimizers = {network: _optimizer_of(model, network, optimization) for network in trained}
        average = MovingAverage(arms, optimization.average, optimization.average_grows)
        return cls(model, optimization, average, optimizers, units=units or Units())

    def parameters(self, *networks: NetworkName) -> list[Parameter]:
        """What ``networks`` train; a frozen encoder trains nothing."""
        trained = (self.optimizers[network] for network in networks if network in self.optimizers)
        groups = (group for optimizer in trained for group in optimizer.param_groups)
        return [parameter for group in groups for parameter in group["params"]]

    def pace(self, alpha: float, steps: int = 0) -> None:
        """Give each network its learning rate of the next update, at α, of ``steps`` of the path.

        What a callback or a scheduler of torch has made of a rate (``group["lr"]``) stays: the
        rate follows :meth:`Optimization.rate` by its quotients (``group["rate"]`` is the last).
        """
        for network, optimizer in self.optimizers.items():
            rate = self.optimization.rate(network, alpha, self.step, steps)
            for group in optimizer.param_groups:
                if rate != group["rate"]:
                    group["lr"] = rate * (group["lr"] / group["rate"])
                    group["rate"] = rate

    def averaged(self) -> AlphaBridge:
        """The model with the averaged arms: the one that is evaluated and kept.

        It is in evaluation mode and without gradients, and neither it nor its mode is trained;
        its tensors are those of the state, which go on with training: copy it to keep it.
        """
        arms = self.average.module
        averaged = self.model.with_arms(
            arms.get_submodule("generator"), arms.get_submodule("encoder")
        )
        return at_rest(averaged)

    def require_finite(self) -> None:
        """Raise ``Diverged`` if a parameter, its average or a moment of Adam is NaN or infinite."""
        if broken := self.broken():
            raise diverged(self.step, next(iter(broken)))

    def broken(self) -> dict[str, Tensor]:
        """The tensors of the state that are not finite, by name."""
        return {
            name: value
            for part in self.tensors().values()
            for name, value in part.items()
            if not value.isfinite().all()
        }

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """All tensors of the state, by file and by name."""
        rates = {
            f"{network}.{name}": torch.tensor(float(group[name]), dtype=torch.float64)
            for network, optimizer in self.optimizers.items()
            for group in optimizer.param_groups
            for name in RATES
        }
        moments = {
            f"{network}.{index}.{name}": value
            for network, optimizer in self.optimizers.items()
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        return {
            "model": self.model.state_dict(),
            "average": self.average.module.state_dict(),
            "optimizers": {**moments, **rates},
            "memory": dict(self.memory),
            UNITS: self.units.tensors(),
        }

    def load(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take over what :meth:`tensors` gave after update ``step``, but for the units."""
        if step and not any(name.endswith(".exp_avg") for name in tensors["optimizers"]):
            raise ValueError("the optimisers have no moments")
        self.model.load_state_dict(tensors["model"])
        self.average.module.load_state_dict(tensors["average"])
        if UNITS in tensors:  # an older checkpoint has none
            require_alike(tensors[UNITS], self.units.tensors())
        for name in tensors["optimizers"]:
            if name.split(".")[0] not in NETWORKS:
                raise ValueError(f"{name} belongs to no network")
        for network, optimizer in self.optimizers.items():
            optimizer.load_state_dict(
                {
                    "state": _moments(tensors["optimizers"], network, optimizer),
                    "param_groups": _groups(tensors["optimizers"], network, optimizer),
                }
            )
        self.memory = {k: v for k, v in tensors["memory"].items() if k != "torch_rng"}
        self.step = at_least(0, "step", step)


def diverged(step: int, name: str) -> Diverged:
    """The error of a state in which ``name`` was not finite after ``step`` updates."""
    return Diverged(
        f"training diverged by update {step}: {name} is not finite; lower the learning rates or "
        "raise the regulariser's weight"
    )


def _groups(
    tensors: Mapping[str, Tensor], network: NetworkName, optimizer: Adam
) -> list[dict[str, Any]]:
    """Adam's settings, with the rates of the checkpoint; an older one has none."""
    rates = {f"{one}.{name}" for one in NETWORKS for name in RATES}
    saved = {name: tensors[f"{network}.{name}"].item() for name in RATES if rates & tensors.keys()}
    return [group | saved for group in optimizer.state_dict()["param_groups"]]


def _moments(
    tensors: Mapping[str, Tensor], network: NetworkName, optimizer: Adam
) -> dict[int, dict[str, Tensor]]:
    """Adam's state of ``network``, each tensor laid out in memory as its parameter is."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for path, value in tensors.items():
        owner, *rest = path.split(".")
        if owner == network and len(rest) == 2:
            index, name = rest
            like = parameters[int(index)].detach() if value.ndim else torch.zeros(())
            require_alike({path: value}, {path: like})
            laid_out = torch.empty_like(like).copy_(value)
            moments.setdefault(int(index), {})[name] = laid_out
    for number, named in moments.items():
        if set(named) != MOMENTS:
            raise ValueError(f"{network}.{number} has {sorted(named)}, not {sorted(MOMENTS)}")
    return moments


def require_alike(found: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` for tensors without the names, the kinds and the shapes of others."""
    for name in sorted(found.keys() ^ like.keys()):
        raise ValueError(f"{name} is {'missing' if name in like else 'one too many'}")
    for name, value in found.items():
        has, needs = (f"{x.dtype} of shape {(*x.shape,)}" for x in (value, like[name]))
        if has != needs:
            raise ValueError(f"{name} is {has}, not {needs}")


def cloned(tensors: Mapping[str, Mapping[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
    """Tensors of a state that stay as they are while training goes on."""
    return {
        file: {name: value.detach().clone() for name, value in named.items()}
        for file, named in tensors.items()
    }


def stack(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """State of a stacked model whose trial k is the k-th of single models."""
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}


def of_trial(
    tensors: Mapping[str, Mapping[str, Tensor]], trial: int
) -> dict[str, dict[str, Tensor]]:
    """State of one trial, from 0, as a single run's checkpoint has it.

    Counts, which have no dimension, are the same for all trials, and so are the units and what is
    remembered of the path and of γ.
    """
    return {
        file: {
            name: value if _of_all_trials(file, name, value) else value[trial]
            for name, value in named.items()
        }
        for file, named in tensors.items()
    }


def _of_all_trials(file: str, name: str, value: Tensor) -> bool:
    """Whether a tensor of a stacked state has no dimension of trials."""
    return not value.ndim or file == UNITS or (file == "memory" and name.startswith(OF_ALL_TRIALS))
