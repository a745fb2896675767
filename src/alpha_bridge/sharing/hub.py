"""The hub of Hugging Face, and a line for each of its errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.errors import HTTPError as HTTPError  # type: ignore[attr-defined]

from ..errors import one_line
from ..files.run_folder import CONFIG, WEIGHTS

NOT_ALLOWED = (401, 403)


@contextmanager
def hub_errors(hub_id: str, before: str = "") -> Iterator[None]:
    """Turn the hub's errors into errors of one line, which begins with ``before``."""
    try:
        yield
    except HFValidationError as error:
        raise ValueError(
            f"{before}{hub_id!r} is not the id of a model on the hub: give owner/name, of letters, "
            "digits, '-', '_' and '.'"
        ) from error
    except RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"{before}the hub has no {hub_id}, or it is private: check the name, or log in with "
            "'hf auth login'"
        ) from error
    except RevisionNotFoundError as error:
        raise ValueError(f"{hub_id} has no such revision on the hub: give another") from error
    except (LocalTokenNotFoundError, HfHubHTTPError) as error:
        if isinstance(error, HfHubHTTPError) and error.response.status_code not in NOT_ALLOWED:
            raise ConnectionError(f"the hub failed for {hub_id}: {one_line(error)}") from error
        raise PermissionError(
            f"the hub denies access to {hub_id}: log in with 'hf auth login' as a user with access"
        ) from error
    except (HTTPError, LocalEntryNotFoundError, ConnectionError) as error:
        raise ConnectionError(
            f"{before}the hub cannot be reached for {hub_id} ({one_line(error)}): check the "
            "connection"
        ) from error


def folder_of(source: str | Path, **download: Any) -> Path:  # noqa: ANN401
    """The folder with the two files of a shared model; of the hub, no others are fetched.

    Errors are those of ``hub_errors``; the options are ``snapshot_download``'s.
    """
    folder = Path(source)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise FileNotFoundError(f"{folder} is a file: give the folder that it lies in")
    with hub_errors(str(source), f"there is no folder {source}, and "):
        files = [CONFIG, WEIGHTS]
        return Path(snapshot_download(str(source), allow_patterns=files, **download))
