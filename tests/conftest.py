"""Command lines in processes forked from one that has imported the package."""

import pytest

from tests.breaking.scenes import Scenes


@pytest.fixture(scope="session")
def scenes():
    """Folders with data and runs on them, built once each."""
    with Scenes(drawn=False) as scenes:
        yield scenes


@pytest.fixture(scope="session")
def children(scenes):
    """What starts a command within milliseconds, where a new interpreter needs seconds."""
    return scenes.children


@pytest.fixture(scope="session")
def read_by_its_library():
    """What a library itself makes of a folder: from images in [-1, 1] to reconstructions."""
    return reconstructions


def reconstructions(library, folder):
    if library == "diffusers":
        from diffusers import AutoencoderKL

        model = AutoencoderKL.from_pretrained(str(folder), local_files_only=True).eval()
        return lambda x: model(x).sample
    from pythae.models import AutoModel

    model = AutoModel.load_from_folder(str(folder)).eval()
    return lambda x: 2 * model.predict((x + 1) / 2).recon_x - 1
