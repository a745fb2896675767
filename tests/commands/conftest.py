"""Commands train many tiny runs, whose pages are not what is tested here."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def quick_pages(pages_without_figures):
    """Write pages without figures."""
    return pages_without_figures
