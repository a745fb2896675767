"""Several methods on the same data: a folder with a run for each method and seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import plain, read_json, recover, require_free, within, writing
from ..files.run_folder import COMPARISON
from ..metrics.definition import metrics_of
from ..recipe import Config, differences, read_config
from ..recipe.methods import METHODS
from .folder import Run
from .record_lines import Record


@dataclass(frozen=True)
class MethodRuns:
    """The folder of a comparison: its runs, and ``comparison.json``, which says what is compared.

    Attributes:
        folder: Where they are.
        configs: By method, what trains it with each seed.
        asked: What the methods have in common, as it was given.
    """

    folder: Path
    configs: Mapping[str, Sequence[Config]]
    asked: Config

    @classmethod
    def open(cls, folder: Path, config: Config, methods: Sequence[str]) -> MethodRuns:
        """Begin a comparison in a folder that is free, or go on with the one that is there.

        Methods and seeds may be added to it.

        Raises:
            FileExistsError: The folder holds something else.
            ValueError: It holds a comparison with other settings.
        """
        found = cls(
            folder, configurations(config, methods), config.model_copy(update={"trials": 1})
        )
        recover(found.path)
        if not found.path.is_file():
            try:
                require_free(folder)
            except FileExistsError as error:
                raise FileExistsError(f"{error} with --out") from error
        elif unlike := differences(read_config(dict(found.record["config"])), found.asked):
            raise ValueError(
                f"{folder} holds a comparison with other settings ({'; '.join(unlike)}): give "
                "those again, or choose another folder with --out"
            )
        return found

    @property
    def path(self) -> Path:
        """What is compared, and what came of it."""
        return within(self.folder, self.folder / COMPARISON)

    @property
    def record(self) -> Record:
        """What :attr:`path` holds; empty before the beginning."""
        return read_json(self.path) if self.path.is_file() else {}

    @property
    def failed(self) -> dict[str, str]:
        """By the name of a run that could not be trained to its end, the reason."""
        return dict(self.record.get("failed", {}))

    def write(self, **content: Any) -> None:  # noqa: ANN401
        """Write what is compared, and ``content`` beside what the record has already."""
        asked = {
            "config": self.asked.model_dump(mode="json"),
            "methods": [*self.configs],
            "trials": max(map(len, self.configs.values())),
        }
        text = json.dumps(plain(self.record | asked | content), indent=1, ensure_ascii=False)
        with writing(self.path) as file:
            file.write(f"{text}\n".encode())

    def runs(self, method: str) -> list[Run]:
        """The runs of a method, one for each seed."""
        return [Run(self.folder / folder_name(config)) for config in self.configs[method]]

    def ended(self, method: str) -> list[Run]:
        """Those of them that were trained to their end."""
        failed = self.failed
        return [run for run in self.runs(method) if run.folder.name not in failed]

    @property
    def all(self) -> dict[str, Config]:
        """By name of its folder, what trains each run: method after method with each seed."""
        by_seed = zip(*self.configs.values(), strict=True)
        return {folder_name(config): config for configs in by_seed for config in configs}

    def ends(self) -> dict[str, dict[str, list[float]]]:
        """By metric and method, the value of each run that ended, after its last update."""
        found: dict[str, dict[str, list[float]]] = {}
        for method in self.configs:
            for run in self.ended(method):
                for metric, value in metrics_of(run.records[-1]).items():
                    found.setdefault(metric, {}).setdefault(method, []).append(value)
        return found


def configurations(config: Config, methods: Sequence[str]) -> dict[str, tuple[Config, ...]]:
    """By method, what trains it with each seed: the same updates, networks, rates and seeds.

    Args:
        config: Of the α-Bridge, with a trial for each seed.
        methods: Names of methods.

    Example:
        >>> found = configurations(Config(trials=2), ["ml", "naive"])
        >>> [(c.method, c.seed, c.path.lengths(c.steps)) for c in found["naive"]]
        [('naive', 0, (2000, 0, 8000)), ('naive', 1, (2000, 0, 8000))]
    """
    return {name: METHODS[name].apply(config).singles for name in methods}


def folder_name(config: Config) -> str:
    """Of the run that it trains."""
    return f"{config.method}-seed-{config.seed}"
