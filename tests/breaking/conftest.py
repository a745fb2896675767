"""One set of scenes for all tests."""

import pytest

from tests.breaking.scenes import Scenes


@pytest.fixture(scope="session")
def scenes():
    with Scenes() as scenes:
        yield scenes
