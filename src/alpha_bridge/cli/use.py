"""The commands that use a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional, arg

from ..checks import at_least, between_zero_and_one
from ..files import require_free
from .printing import as_json, table

__all__ = ["Evaluate", "Frontier", "Reconstruct", "Report", "Restore", "Sample", "Translate"]


@dataclass(frozen=True)
class Sample:
    """Draw samples from a run's generator."""

    run: Positional[Path]
    """Folder of the run."""
    n: Annotated[int, arg(aliases=["-n"])] = 64
    """Number of samples."""
    out: Path | None = None
    """A .png for a picture, an .npy for an array; by default in the run's folder."""
    seed: int = 0
    """Seed of the latents."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""

    def __call__(self, console: Console) -> None:
        """Draw, and name the file."""
        from ..runs.opening import opened, require_plain
        from ..runs.outputs import destination

        at_least(1, "count", self.n)
        at_least(0, "seed", self.seed)
        run, config = opened(self.run, self.step)
        require_plain(config)
        destination(run, config, self.out, f"samples-{self.n}-seed-{self.seed}")
        from ..commands import sample

        console.print(str(sample(run, self.n, self.seed, self.out, self.step)), soft_wrap=True)


@dataclass(frozen=True)
class Reconstruct:
    """Encode and decode images with a run's inference arm."""

    run: Positional[Path]
    """Folder of the run."""
    images: Path
    """An image, a folder of images, or an .npy file."""
    out: Path | None = None
    """A .png for a picture, an .npy for an array; by default in the run's folder."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""
    refine: int = 0
    """Steps that refine each latent from the encoder's mean on."""

    def __call__(self, console: Console) -> None:
        """Reconstruct, and name the file and the error."""
        from ..runs.arguments import require_given
        from ..runs.opening import opened
        from ..runs.outputs import require_output

        run, _ = opened(self.run, self.step)
        require_given(self.images)
        require_output(self.out)
        from ..commands import reconstruct

        done = reconstruct(run, self.images, self.out, self.step, self.refine)
        refined = f", refined {done.refined_error:.4g}" if self.refine else ""
        console.print(f"mean squared error {done.error:.4g}{refined}; {done.path}", soft_wrap=True)


@dataclass(frozen=True)
class Translate:
    """Take samples of a run's second domain to its first, or back."""

    run: Positional[Path]
    """Folder of a run that was trained with --prior."""
    images: Path
    """An image, a folder of images, or an .npy file."""
    back: bool = False
    """From the run's data to the second domain, instead of the other way."""
    out: Path | None = None
    """A .png for a picture, an .npy for an array; by default in the run's folder."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""
    prior: str | None = None
    """Second domain instead of the one that the run names."""

    def __call__(self, console: Console) -> None:
        """Translate, and name the file."""
        from ..runs.arguments import require_domains, require_given
        from ..runs.opening import opened
        from ..runs.outputs import require_output

        run, config = opened(self.run, self.step)
        require_domains(run, config)
        require_given(self.images)
        require_output(self.out)
        from ..commands import translate

        path = translate(run, self.images, self.out, self.back, self.step, self.prior)
        console.print(str(path), soft_wrap=True)


@dataclass(frozen=True)
class Evaluate:
    """Measure a run's model again."""

    run: Positional[Path]
    """Folder of the run."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""
    json: bool = False
    """Print one JSON object instead of a table."""
    data: str | None = None
    """Data instead of those that the run names; what it names of the hub is not fetched."""
    prior: str | None = None
    """Second domain instead of the one that the run names."""

    def __call__(self, console: Console) -> None:
        """Measure, and print the metrics."""
        from ..runs.opening import opened

        run, _ = opened(self.run, self.step)
        from ..commands import evaluate

        metrics = evaluate(run, self.step, console, self.data, self.prior)
        if self.json:
            print(as_json(metrics))
        else:
            console.print(table(metrics))


@dataclass(frozen=True)
class Report:
    """Write a run's report.html again."""

    run: Positional[Path]
    """Folder of the run."""

    def __call__(self, console: Console) -> None:
        """Write, and name the file."""
        from ..runs.folder import Run
        from ..runs.opening import config_of

        run = Run.open(self.run)
        config_of(run)
        from ..runs.report import write_report

        console.print(str(write_report(run)), soft_wrap=True)


@dataclass(frozen=True)
class Restore:
    """Write the bridged VAE of a run in the format that it came in."""

    run: Positional[Path]
    """Folder of a run that was trained with --from."""
    out: Path
    """A new folder, which the VAE's library can load."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""

    def __call__(self, console: Console) -> None:
        """Write, and name the folder."""
        from ..runs.arguments import require_vae
        from ..runs.opening import opened

        run, config = opened(self.run, self.step)
        require_vae(run, config)
        require_free(self.out)
        from ..commands import restore

        console.print(str(restore(run, self.out, self.step)), soft_wrap=True)


@dataclass(frozen=True)
class Frontier:
    """Show how a run trades likelihood for realism along α, and name the best α."""

    run: Positional[Path]
    """Folder of a run that was trained with --snapshots."""
    prefer: float = 0.5
    """What counts: 0 for likelihood alone, 1 for realism alone, each over its range in the run."""
    draws: int = 50
    """Latents for each sample in the importance-weighted bound."""
    json: bool = False
    """Print one JSON object instead of a table."""
    data: str | None = None
    """Data instead of those that the run names; what it names of the hub is not fetched."""

    def __call__(self, console: Console) -> None:
        """Measure the snapshots, and name the best α, its checkpoint and the picture."""
        from ..runs.arguments import require_along
        from ..runs.opening import opened

        between_zero_and_one("prefer", self.prefer)
        at_least(1, "draws", self.draws)
        run, config = opened(self.run)
        require_along(run, config)
        from ..commands.frontier import frontier
        from ..metrics.definition import formatted, title

        found = frontier(run, self.prefer, self.draws, console, self.data)
        if self.json:
            print((self.run / "frontier.json").read_text(encoding="utf-8"), end="")
            return
        realism = title(found.realism)[0]
        rows = Table("update", "α", "σ", "bound", "best σ", "its bound", realism, "score")
        for point in found.points:
            sigmas = (point.sigma, point.bound, point.best_sigma, point.best_bound)
            numbers = (point.alpha, *sigmas, point.metrics[found.realism], point.score)
            rows.add_row(str(point.step), *map(formatted, numbers))
        console.print(rows)
        console.print(f"best: α = {found.best.alpha:.4g}, {found.checkpoint}", soft_wrap=True)
        console.print(str(self.run / "frontier.png"), soft_wrap=True)
