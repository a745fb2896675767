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
