"""A data set of the hub, at the newest revision or as it is on this machine."""

import contextlib
import hashlib
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import writing
from .datasets_library import explained, offline, prepared
from .origin import Loaded, Origin
from .own_files import content, own, require_own

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetInfo


class Hub(Origin):
    """A data set of the hub, known by its id and revision."""

    def __init__(self, name: str, cache: Path, fetch: bool = True) -> None:
        """Look for the newest revision, or without ``fetch`` for what is on this machine.

        The revision that was read last is noted in ``cache``. An id that is a path raises
        ``FileNotFoundError``; a gated one, or the name of a reader, raises ``ValueError``.
        """
        if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", name):
            raise FileNotFoundError(
                f"data path '{name}' does not exist: give an existing folder with --data PATH"
            )
        if _is_reader(name):
            raise ValueError(
                f"there is no data set '{name}', which is the name of a reader of datasets: give a "
                f"folder by its path, such as ./{name}, with --data PATH"
            )
        self.name, self.fetch = name, fetch
        self._note = cache / "hub" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.txt"
        self._info = self._newest() if fetch else None
        self._revision = self._info.sha if self._info else None
        self._last = self._note.read_text() if self._note.exists() else None

    def _newest(self) -> "DatasetInfo | None":
        """What the hub says; None without a network, which ``datasets`` is slow to notice."""
        import huggingface_hub

        try:
            return huggingface_hub.HfApi().dataset_info(self.name, timeout=10)
        except huggingface_hub.errors.GatedRepoError as error:
            raise ValueError(
                f"data set '{self.name}' is gated: accept its terms on the hub and log in with "
                "'hf auth login', or give a local folder with --data PATH"
            ) from error
        except Exception:  # whatever the network layer of the day raises
            return None

    def fingerprint(self) -> str:
        return f"{self.name}@{self._revision or self._last}"

    def load(
        self,
        scratch: Path,  # noqa: ARG002
        column: str | None = None,  # noqa: ARG002
        names: bool = True,  # noqa: ARG002
    ) -> Loaded:
        """Its splits, kept where the hub's libraries keep them, whatever the arguments."""
        import datasets
        import huggingface_hub
        from huggingface_hub.errors import HFValidationError

        absent = (ConnectionError, FileNotFoundError, HFValidationError)
        ids = {self.name, self._info.id if self._info else self.name}
        if self._info is not None and self._info.card_data is not None:
            require_own(content(self._info.card_data), f"the card of {self.name}", self.name)
        kept = (datasets.config.HF_DATASETS_CACHE, huggingface_hub.constants.HF_HUB_CACHE)
        try:
            with (
                explained(f"data set '{self.name}'", "give another id, or a local folder", *absent),
                contextlib.nullcontext() if self._revision else offline(),
            ):
                builder = datasets.load_dataset_builder(self.name, revision=self._revision)
                begins = tuple(f"hf://datasets/{name}@" for name in ids)
                data = prepared(own(builder, begins, self.name))
        except absent as error:
            if not self.fetch:
                raise ValueError(
                    f"data set '{self.name}' of the hub is not on this machine: it is fetched if "
                    f"the command names it, with --data {self.name} (--prior for a second domain)"
                ) from error
            raise ValueError(
                f"data set '{self.name}' could not be loaded: no network or no such id; "
                "give a local folder with --data PATH"
            ) from error
        if self._revision:
            with writing(self._note) as file:
                file.write(self._revision.encode())
        return Loaded(data, tuple(Path(place).resolve() for place in kept))


def _is_reader(name: str) -> bool:
    """Whether ``datasets`` has a reader of that name, which would look at the current folder."""
    package = find_spec("datasets")
    assert package is not None and package.submodule_search_locations
    return any(
        (Path(place) / "packaged_modules" / name).is_dir()
        for place in package.submodule_search_locations
    )
