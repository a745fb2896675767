"""What the estimators in the manner of scikit-learn have in common: settings, seeds, training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import numpy as np
from rich.console import Console
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from ..checks import at_least
from ..data import Source
from ..model import AlphaBridge
from ..recipe import Config, changed, resumed
from ..recipe.assembly import Assembly, assemble
from ..recipe.decided import dialled
from ..recipe.methods import METHODS
from ..recipe.presets import of_data
from ..settings import REALISM
from ..training import FlightRecorder, Progress, TrainState
from ..training.events import Called
from ..training.following import Arrival
from ..training.improvement import StepOne
from ..training.incidents import RollBack
from ..training.machine import keep_freed_memory
from ..training.progress import Bars
from .console_lines import printing
from .rollback import watch_after, what_changes

__all__ = ["BridgeEstimator"]

USUAL = Config()


class BridgeEstimator(BaseEstimator):
    """A model that ``fit`` trains as ``alpha-bridge train`` does, with the same defaults.

    Attributes:
        config_: The resolved configuration, with what was decided.
        model_: The averaged model, :class:`~alpha_bridge.model.AlphaBridge`.
    """

    config_: Config
    model_: AlphaBridge

    def __init__(
        self,
        steps: int | None = None,
        realism: float = REALISM,
        method: str = USUAL.method,
        columns: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = USUAL.seed,
        progress: bool = True,
    ) -> None:
        """Keep the arguments, which ``fit`` holds to their ranges.

        Args:
            steps: Number of updates; None for 2,000 of a table, and 10,000 of anything else.
            realism: How far the model goes from the likelihood, 0, to the data's realism, 1.
            method: ``alpha-bridge``, or a baseline such as ``ml``.
            columns: Kinds of columns of a table that are to be others than those recognised, such
                as ``{"zip": "category"}``.
            settings: Any other setting by its name on the command line, such as
                ``{"model.latent": 8, "batch_size": 256}``.
            random_state: Seed of weights, batches and draws; None for another one every time.
            progress: Whether to say, on standard error, what was made of the data, what was
                decided, how far training has come and how good draws are.
        """
        self.steps = steps
        self.realism = realism
        self.method = method
        self.columns = columns
        self.settings = settings
        self.random_state = random_state
        self.progress = progress

    def _trained(self, config: Config, load: Callable[[], Source]) -> Source:
        """Train on a source, and keep the configuration and the averaged model."""
        keep_freed_memory()
        with Bars(self._console) as bars:
            source = load()
            parts = assemble(config, source=source)
            for note in parts.notes:
                printing(bars.console)(note)
            self.config_, state = _trained(parts, bars)
        self.model_ = state.averaged().cpu().eval().requires_grad_(False)
        return source

    def _configured(self, name: str) -> Config:
        """The configuration that the command line would make of the same options."""
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {self.method!r}")
        config = METHODS[self.method].apply(dialled(of_data(name)))
        given = {"realism": self.realism, "seed": self._seed(None), "columns": self.columns}
        steps = {} if self.steps is None else {"steps": self.steps}
        return changed(config, {**given, **steps, **(self.settings or {})})

    def _seed(self, given: int | np.random.RandomState | None) -> int:
        chosen = self.random_state if given is None else given
        if isinstance(chosen, int | np.integer):
            return at_least(0, "random_state", int(chosen))
        return int(check_random_state(chosen).randint(2**31))

    @property
    def _console(self) -> Console:
        return Console(stderr=True, quiet=not self.progress)

    def _say(self, line: str) -> None:
        printing(self._console)(line)


def _trained(parts: Assembly, bars: Bars) -> tuple[Config, TrainState]:
    """Train, and for want of checkpoints from the beginning after an incident, as a run would.

    Returns:
        The configuration with what roll-backs changed, and the state.
    """
    alphas: list[float] = []
    for times in count(1):
        config, path = parts.config, parts.path
        callbacks = [
            Called(lambda event: alphas.append(event.alpha)),
            FlightRecorder(watch_after(config.watch, times - 1), bars.say),
            Progress(len(path), bars),
            StepOne(bars.say),
            Arrival(path, bars.say),
        ]
        try:
            return config, parts.fit(callbacks)
        except RollBack as back:
            values = what_changes(config, alphas[back.incident.began])
            config = resumed(config, changed(config, values), 0, also=values)
            now = ", ".join(f"{key} {value:g}" for key, value in values.items())
            bars.say(f"roll-back {times} of {config.watch.rollbacks}: training begins again, {now}")
            parts = assemble(config, source=parts.source)
            alphas.clear()
    raise AssertionError  # after the last roll-back there is no other
