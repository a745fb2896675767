"""The one loop: every method is a path, a γ, an objective and a regulariser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import torch
from rich.console import Console

from ..checks import at_least
from ..data.given import Given, batch_size_of, source_of
from ..data.units import Units
from ..errors import Interrupted
from ..gamma import Gamma, SigmoidGamma
from ..model import AlphaBridge
from ..objective import DataBridge, Objective
from ..path import AlphaSchedule
from ..penalty import R1, Regularizer
from ..settings import Optimization
from .batches import Batches, networks_draws
from .callbacks import Progress
from .checkpoint import restore
from .contract import require_contract
from .events import Callback, Event, callbacks_of
from .following import Arrival, following
from .improvement import StepOne
from .machine import available_accelerator, compile_networks
from .processes import agreement, share_weights
from .progress import Bars
from .state import TrainState
from .threads import multiplications, threads_for
from .update import Updates

if TYPE_CHECKING:
    from accelerate import Accelerator


def fit(
    model: AlphaBridge,
    data: Given,
    path: AlphaSchedule,
    *,
    objective: Objective | None = None,
    prior: Given | None = None,
    gamma: Gamma | None = None,
    regularizer: Regularizer | None = None,
    optimization: Optimization | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    crop: int | None = None,
    compile: bool = False,
    callbacks: Iterable[Callback | Callable[[Event], object]] = (),
    progress: bool = True,
    checkpoint: str | Path | None = None,
    accelerator: Accelerator | None = None,
) -> TrainState:
    """Train ``model`` along ``path``, Algorithm 1.

    Update t draws its batch, its noise and what networks draw by themselves (dropout) as a
    function of ``seed`` and t alone, so that a run that goes on from a checkpoint is the run that
    was never stopped. torch's own generators are left where the caller had them.

    Args:
        model: Trained in place; its initial weights are the caller's.
        data: Where batches come from: an array or a tensor ``(size, *event)`` in model units, uint8
            images, a ``Dataset`` or a ``DataLoader`` of torch, or a source; see
            :func:`~alpha_bridge.data.source_of`.
        path: α of every update, or an :class:`~alpha_bridge.control.AdaptivePath`.
        objective: What is bridged to what; by default the model to the data (16).
        prior: A second domain of data, whose samples are the latents; by default N(0, I). The
            model then translates between both; see :class:`~alpha_bridge.objective.MarginalBridge`.
        gamma: The choice of γ; by default the paper's sigmoid.
        regularizer: Of the discriminator; by default R1.
        optimization: Learning rates, moments and averaging.
        batch_size: Samples of an update, over all processes, one or more; by default those of the
            ``DataLoader``, or 128.
        seed: Of batches and noise, zero or more.
        crop: Pixels of a side of the random square of each image that an update is given; by
            default images are whole, as they are where they are measured. For networks that take
            images of any size.
        compile: Whether the networks are compiled; the gradient penalty stays eager.
        callbacks: Called after every update, in order: each a :class:`Callback`, or a function of
            the :class:`Event`, whose result is ignored.
        progress: Whether to show what was made of the data and how far training has come, on
            standard error: a bar in a terminal or a notebook, elsewhere a line a minute.
        checkpoint: Folder of a checkpoint to go on from.
        accelerator: Device, precision and processes; by default what the machine has.

    Returns:
        The state after the last update; ``state.averaged()`` is the model to keep.

    Raises:
        ValueError: ``batch_size`` or ``seed`` is out of range, the data are too few or none, a
            path or a callback is none, or the networks do not fit one another or the data.
        Diverged: A parameter became NaN or infinite.
        Interrupted: A callback of some process wanted to stop.
        Lost: Another process is gone.

    Example:
        >>> from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
        >>> from alpha_bridge.path import AlphaPath
        >>> model = AlphaBridge(MLPGenerator(2, 2), MLPEncoder(2, 2), MLPDiscriminator(2))
        >>> path = AlphaPath.three_steps(ml=2, transfer=2, adversarial=2)
        >>> fit(model, torch.randn(256, 2), path).step
        6
    """
    batch_size = (
        batch_size_of(data) if batch_size is None else at_least(1, "batch_size", batch_size)
    )
    at_least(0, "seed", seed)
    if not isinstance(path, AlphaSchedule):
        raise ValueError(
            f"path must be an AlphaPath, such as AlphaPath.three_steps(ml=2000, transfer=4000, "
            f"adversarial=4000), got {type(path).__name__}"
        )
    called = callbacks_of(callbacks)
    source, domain = source_of(data), None if prior is None else source_of(prior)
    objective, gamma = objective or DataBridge(), gamma or SigmoidGamma()
    regularizer, optimization = regularizer or R1(), optimization or Optimization()
    accelerator = accelerator or available_accelerator()
    console = Console(stderr=True, quiet=not (progress and accelerator.is_main_process))
    shape, units = source.event_shape, source.units
    state = start(model, regularizer, optimization, shape, accelerator, compile, units)
    if checkpoint is not None:
        _go_on_from(checkpoint, state, gamma, path)
    each = optimization.discriminator_steps
    batches = Batches(model, source, batch_size, seed, accelerator, each, domain, crop)

    with agreement(accelerator) as agree, ExitStack() as stack:
        begin = stack.enter_context(networks_draws(seed, accelerator))
        slots = gamma, objective, regularizer, accelerator
        updates = Updates(state, *slots, begin, len(path))
        follow = following(path, updates, batches)
        bars = stack.enter_context(Bars(console))
        for note in (*source.notes, *(domain.notes if domain else ())):
            bars.say(note)
        of_latents = domain.event_shape if domain else None
        with multiplications() as counted:
            require_contract(model, objective, batches.first(), of_latents)
        lines = [Progress(len(path), bars), StepOne(bars.say), Arrival(path, bars.say)]
        called += lines if progress else []
        for callback in called:
            stack.enter_context(callback.during(state))
        steps = range(state.step, len(path))
        for step, draws in zip(steps, stack.enter_context(batches.ahead(steps)), strict=True):
            alpha = path(step)
            with threads_for(counted.count):
                numbers = updates(draws, alpha)
            x, noise = draws[-1]
            numbers |= follow()
            event = Event(
                state=state,
                path=path,
                phase=path.phase(step),
                alpha=alpha,
                gamma=gamma(alpha),
                x=x,
                noise=noise,
                numbers=numbers,
                updates=updates,
                batches=batches,
            )
            for callback in called:
                callback.after(event)
            if agree(any(callback.wants_to_stop() for callback in called)):
                _stop(called, event)
    state.require_finite()
    return state


def start(
    model: AlphaBridge,
    regularizer: Regularizer,
    optimization: Optimization,
    event_shape: tuple[int, ...],
    accelerator: Accelerator,
    compile: bool = False,
    units: Units | None = None,
) -> TrainState:
    """The state before the first update of a model, on the device; arguments as of :func:`fit`."""
    model.discriminator = regularizer.prepare(model.discriminator)
    model.to(accelerator.device).train()
    share_weights(model, accelerator)
    if event_shape[1:]:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = TrainState.start(model, optimization, units)
    if compile:
        compile_networks(model)
    return state


def _go_on_from(
    checkpoint: str | Path, state: TrainState, gamma: Gamma, path: AlphaSchedule
) -> None:
    """Take over a checkpoint; ``ValueError`` if the path is over before it."""
    restore(state, Path(checkpoint))
    gamma.recall(state.memory)
    if state.step > len(path):
        raise ValueError(
            f"{checkpoint} is that of update {state.step}, but the path has only {len(path)}: "
            "give a longer path"
        )


def _stop(called: Sequence[Callback], event: Event) -> NoReturn:
    """End training before its path does."""
    for callback in called:
        callback.stop(event)
    raise Interrupted(f"stopped after update {event.step} of {event.steps}")
