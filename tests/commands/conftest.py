"""Commands train many tiny runs; their pages and their classifiers are not what is tested."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def quick_runs(pages_without_figures, quick_classifiers):
    """Write pages without figures, and train classifiers for a moment."""
