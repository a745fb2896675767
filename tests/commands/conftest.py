"""Commands train many tiny runs; their figures and their classifiers are not what is tested."""

import pytest

from tests.undrawn import drawing, leave_pictures_blank


@pytest.fixture(scope="module", autouse=True)
def quick_runs(pages_without_figures, quick_classifiers):  # noqa: ARG001
    """Write pages and pictures without figures, and train classifiers for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        leave_pictures_blank(patch.setattr)
        yield


@pytest.fixture
def drawn():
    """Pictures as they are."""
    with drawing():
        yield
