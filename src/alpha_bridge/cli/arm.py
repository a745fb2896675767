"""The commands of the inference arm: editing, and what the generator misses."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional, UseAppendAction, arg

from ..checks import at_least
from .printing import as_json

if TYPE_CHECKING:
    from ..commands.edit import Edited, Subjects

__all__ = ["Edit", "Missed"]

Names = UseAppendAction[tuple[str, ...]]


@dataclass(frozen=True)
class Edit:
    """Move images along attributes, or from one to another, in a run's latent space."""

    run: Positional[Path]
    """Folder of the run."""
    attribute: Names = ()
    """Attribute to add and take away, such as Smiling or label=3; may be given several times."""
    between: Literal["slerp", "lerp"] | None = None
    """Instead, go from each first image to the second: along an arc, or a straight line."""
    strength: float = 2.0
    """How far to both sides, in standard deviations of the latents along the direction."""
    images: Path | None = None
    """An image, a folder of images or an .npy file; by default held-out data of the run."""
    samples: bool = False
    """Edit samples of the generator instead."""
    labels: Path | None = None
    """A CSV file: a column file_name or row, and columns of attributes; by default the data's."""
    against: Names = ()
    """Attribute to leave alone; may be given several times."""
    method: Literal["means", "normal"] = "means"
    """Direction: the difference of the classes' means, or the normal of a linear classifier."""
    n: Annotated[int, arg(aliases=["-n"])] = 8
    """Number of images at most."""
    columns: int = 7
    """Images in a row."""
    refine: int = 0
    """Steps that refine each latent from the encoder's mean on."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""
    out: Path | None = None
    """A .png for a picture, an .npy for an array; by default in the run's folder."""
    seed: int = 0
    """Seed of the latents of --samples."""
    json: bool = False
    """Print one JSON object instead of lines."""
    data: str | None = None
    """Data instead of those that the run names; what it names of the hub is not fetched."""

    def __call__(self, console: Console) -> None:
        """Edit, and name the file and how sure each direction is."""
        if bool(self.attribute) == bool(self.between):
            raise ValueError("edit needs either --attribute NAME or --between slerp|lerp")
        self._require()
        from ..commands.edit import Subjects

        subjects = Subjects(self.images, self.samples, self.n, self.seed, self.refine)
        edited = self._edited(subjects, console)
        if self.json:
            print(as_json(_content(edited)))
            return
        for direction in edited.directions:
            console.print(f"{direction.name}: {direction.evidence}", soft_wrap=True)
        if edited.errors and self.refine:
            before, after = edited.errors
            console.print(f"mean squared error {before:.4g}, refined {after:.4g}")
        console.print(str(edited.path), soft_wrap=True)

    def _require(self) -> None:
        from ..runs.arguments import require_edit, require_given, require_subjects
        from ..runs.opening import opened, require_plain
        from ..runs.outputs import require_output

        require_edit(self.n, self.seed, self.columns, self.strength)
        _, config = opened(self.run, self.step)
        if self.samples:
            require_plain(config)
        require_subjects(self.images, self.samples, self.refine)
        require_given(self.labels, "a CSV file with --labels")
        require_output(self.out)

    def _edited(self, subjects: Subjects, console: Console) -> Edited:
        from ..commands.edit import edit, interpolate
        from ..runs.folder import Run

        run, rest = Run.open(self.run), (self.columns, self.step, self.out, console, self.data)
        if self.between is not None:
            return interpolate(run, self.between, subjects, *rest)
        how = (self.strength, subjects, self.against, self.method, self.labels)
        return edit(run, self.attribute, *how, *rest)


def _content(edited: Edited) -> dict[str, object]:
    directions = [
        {"attribute": direction.name, "scale": direction.scale} | asdict(direction.evidence)
        for direction in edited.directions
    ]
    before, after = edited.errors or (None, None)
    return {
        "file": str(edited.path),
        "columns": list(edited.columns),
        "directions": directions,
        "error": before,
        "refined_error": after,
    }


@dataclass(frozen=True)
class Missed:
    """Show the real samples that a run's generator does not cover, the worst first."""

    run: Positional[Path]
    """Folder of the run."""
    images: Path | None = None
    """An image, a folder of images or an .npy file; by default held-out data of the run."""
    count: int = 1000
    """Number of samples that are ranked at most."""
    n: Annotated[int, arg(aliases=["-n"])] = 12
    """Number of the worst that are shown."""
    draws: int = 50
    """Latents for each sample in the importance-weighted bound."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""
    json: bool = False
    """Print one JSON object instead of a table."""
    data: str | None = None
    """Data instead of those that the run names; what it names of the hub is not fetched."""

    def __call__(self, console: Console) -> None:
        """Rank, show the worst, and name the picture."""
        from ..runs.arguments import require_given
        from ..runs.opening import opened, require_plain

        for name, number in {"count": self.count, "n": self.n, "draws": self.draws}.items():
            at_least(1, name, number)
        run, config = opened(self.run, self.step)
        require_plain(config)
        require_given(self.images)
        from ..commands.missed import missed

        found = missed(
            run, self.images, self.count, self.n, self.draws, self.step, console, self.data
        )
        if self.json:
            print(found.table.read_text(encoding="utf-8"), end="")
            return
        rows = Table("index", "row", "label", "bound", "rank", "distance", "rank", "to a sample")
        for sample in found.samples[: self.n]:
            known = (sample.index, sample.row, sample.label)
            rows.add_row(
                *("" if number is None else str(number) for number in known),
                f"{sample.bound:.4g}",
                str(sample.bound_rank),
                f"{sample.distance:.4g}",
                str(sample.distance_rank),
                f"{sample.nearest:.4g}",
            )
        console.print(rows)
        console.print(f"of {len(found.samples)}, by the mean of both ranks; σ = {found.sigma:.4g}")
        console.print(f"{found.picture}, {found.table}", soft_wrap=True)
