"""Whether Step I was long enough: what its losses say when α leaves 0."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .events import Callback, Event

LEAST = 25
"""Updates of Step I that are needed to see how it went."""

# With the presets' batches, the fall of the loss in units of its spread is 6.4, 4.2, 5.4, 3.9, 3.5
# and 2.0 on the digits after 25, 50, 100, 150, 300 and 600 updates of Step I, and 27, 5.9, 3.4,
# 1.3 and .9 on the 25 Gaussians after 25, 50, 75, 150 and 200: it levels off soon, but never quite.
FALL = 4.0
"""In units of the spread from batch to batch, how far a loss falls that is not level yet."""


class StepOne(Callback):
    """Tells at the end of Step I if the encoder's loss, the evidence bound, was still falling.

    Where σ moved there is nothing to tell. On digits a measured σ brings the error down by three
    tenths between the halves of 24 updates as of 900, and the bound with it.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        """Give a line to ``tell`` if it was."""
        self.tell = tell
        self.losses: list[Tensor] = []
        self._sigma: Tensor | None = None

    def after(self, event: Event) -> None:
        if event.in_step_one and event.step_one < event.steps and "loss/encoder" in event.numbers:
            if self._sigma is None:
                self._sigma = event.state.model.sigma.detach()
            self.losses.append(event.numbers["loss/encoder"])  # left on the device
            if event.step == event.step_one:
                fixed = torch.equal(event.state.model.sigma, self._sigma)
                if fixed and (line := still_falling(self.losses)):
                    self.tell(line)


def still_falling(losses: Sequence[Tensor]) -> str:
    """A line if losses, one for each update, had not levelled off at the end; else nothing.

    The first fifth is left out, and the halves of the rest are compared.

    Example:
        >>> print(still_falling([torch.tensor(100.0 - step) for step in range(50)]))
        Step I may have been too short: the encoder's loss was still falling, from 80.5 to 60.5 on \
average between the halves of its later part; a larger --path.ml makes it longer
        >>> still_falling([torch.tensor(2.0 + step % 2) for step in range(50)])
        ''
    """
    if len(losses) < LEAST:
        return ""
    later = torch.stack(list(losses[len(losses) // 5 :])).double().reshape(-1, losses[0].numel())
    before, after = (half.mean() for half in later.mean(1).chunk(2))
    # by differences of successive losses, to which a slope adds next to nothing
    spread = later.mean(1).diff().square().mean().sqrt() / 2**0.5
    if not before - after > FALL * spread:
        return ""
    return (
        "Step I may have been too short: the encoder's loss was still falling, from "
        f"{before:.4g} to {after:.4g} on average between the halves of its later part; "
        "a larger --path.ml makes it longer"
    )
