"""What is asked of samples by the density ratio: weights, rejection or resampling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..checks import at_least, positive
from ..files import save_array
from .paths import require_new

if TYPE_CHECKING:
    from rich.console import Console
    from torch import Tensor

    from ..data import Units
    from ..model import AlphaBridge
    from ..recipe import Config
    from ..runs.opening import RunAt


@dataclass(frozen=True)
class ByRatio:
    """Options of samples; at most one of the first three is given.

    Attributes:
        weights: Whether each sample gets a weight.
        reject: Draws for each sample that is kept.
        resample: Draws for each that is chosen by weights.
        held_out: Data to calibrate on in place of the run's, of which again a tenth is taken.
    """

    weights: bool = False
    reject: float | None = None
    resample: float | None = None
    held_out: str | None = None

    @property
    def options(self) -> list[str]:
        """Those that are given."""
        given = {name: value for name, value in vars(self).items() if value not in (None, False)}
        return [f"--{name}".replace("_", "-") for name in given]

    def __bool__(self) -> bool:
        return self.weights or self.reject is not None or self.resample is not None

    def require(self, config: Config, step: int, count: int, path: Path) -> None:
        """Refuse what cannot be drawn, or written beside the samples at ``path``."""
        from ..inference.importance import FEWEST_WEIGHTS
        from ..runs.opening import require_ratio

        if not self:
            if self.held_out is not None:
                raise ValueError(
                    f"--held-out {self.held_out} is for --weights, --reject or --resample: give one"
                )
            return
        ways = [option for option in self.options if option != "--held-out"]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} exclude each other: give one of them")
        require_ratio(config, step)
        for name, budget in (("--reject", self.reject), ("--resample", self.resample)):
            if budget is not None and not positive(name, budget) >= 1:
                raise ValueError(f"{name} must be 1 draw or more for each sample, got {budget:g}")
        if self.reject is None:
            draws = int(count * (self.resample or 1))
            at_least(FEWEST_WEIGHTS, "the number of draws that get a weight", draws)
        if self.weights:
            require_new(_beside(path))

    def draw(
        self,
        at: RunAt,
        model: AlphaBridge,
        units: Units,
        count: int,
        seed: int,
        path: Path,
        console: Console,
    ) -> Tensor:
        """Samples in model units; weights are written beside ``path``."""
        from ..inference.reweighting import chosen, kept, weighted
        from ..runs.loading import ratio_of

        ratio = ratio_of(at, model, console, self.held_out)
        if self.reject is not None:
            found = kept(model, units, ratio, count, self.reject, seed)
        elif self.resample is not None:
            found = chosen(model, units, ratio, count, self.resample, seed)
        else:
            found = weighted(model, units, ratio, count, seed)
        console.print(
            f"log ratio: {ratio.kind}, fitted to {ratio.fitted} samples of each side; its log "
            f"score is {ratio.after.log_score:.4g}, that of the logit {ratio.before.log_score:.4g}",
            soft_wrap=True,
        )
        console.print(found.summary, soft_wrap=True)
        if found.weights is not None:
            save_array(found.weights.weights, _beside(path))
            console.print(str(_beside(path)), soft_wrap=True)
        return found.x


def _beside(path: Path) -> Path:
    """The file of the weights of the samples in another."""
    return path.with_name(f"{path.stem}-weights.npy")
