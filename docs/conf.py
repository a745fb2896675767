"""Sphinx configuration; notebooks are executed and equations rendered when the pages are built."""

import json
import os
import re
from pathlib import Path

from docutils import nodes
from math_core import LatexToMathML
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

# the kernels of the pages find the contracts that parts are tested against, in tests/contracts
ROOT = str(Path(__file__).parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")]))

project = "alpha_bridge"
copyright = "2026, the alpha_bridge founders"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
html_theme = "furo"
html_title = "alpha_bridge"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_math_renderer = "mathml"
exclude_patterns = [
    "_build",
    "jupyter_execute",
    "readme",
    "bridge",
    "laboratory/*.json",
    "**.ipynb_checkpoints",
]

myst_enable_extensions = ["amsmath", "dollarmath"]
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 180
nb_output_stderr = "remove"  # progress bars without a widget say so

autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # the fields of a named tuple are described once, with it

repository = ""
"""Where the pages lie in public, such as ``OWNER/NAME`` on GitHub; empty while they do not."""

latex = LatexToMathML(fancy_error=False)


def inline(page: HTML5Translator, node: nodes.math) -> None:
    """Write an equation within a line as MathML, which browsers show without a network."""
    page.body.append(latex.convert_with_local_state(node.astext(), displaystyle=False))
    raise nodes.SkipNode


def displayed(page: HTML5Translator, node: nodes.math_block) -> None:
    r"""Write equations of their own; only in an environment may they have ``&`` and ``\tag``."""
    equation = f"\\begin{{align*}}{' '.join(node.astext().split())}\\end{{align*}}"
    shown = latex.convert_with_local_state(equation, displaystyle=True)
    page.body.append(f"{page.starttag(node, 'div', CLASS='math')}{shown}</div>")
    raise nodes.SkipNode


def badges(_: Sphinx, page: str, source: list[str]) -> None:
    """Offer a page that is run as a notebook, and where it can be opened without installing."""
    if "jupytext:" not in source[0]:
        return
    offered = f"{{nb-download}}`This page as a notebook <{page}.ipynb>`"
    if repository:
        binder = f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/docs/{page}.md"
        offered += f" · [Open it in Binder]({binder})"
    title = re.search(r"^# .*\n", source[0], re.M)
    assert title, f"{page} has no title"
    source[0] = f"{source[0][: title.end()]}\n{offered}\n{source[0][title.end() :]}"


def browser(app: Sphinx, page: str, source: list[str]) -> None:
    """Write the page that runs in a browser, and link it; without npm it is left out."""
    if page != "browser":
        return
    from alpha_bridge.runs.bridge_page import write_bridge_page

    place = Path(app.outdir) / "bridge" / "gaussians25.html"
    try:
        write_bridge_page(
            json.loads(Path(app.srcdir, "bridge", "gaussians25.json").read_text()), place
        )
        shown = (
            '<p><a href="bridge/gaussians25.html">Open the page of the 25 Gaussians</a> (6 MB).</p>'
        )
    except ValueError as error:
        print(f"docs/browser.md is built without its page: {error}")
        shown = "The page itself is not part of this build."
    source[0] = source[0].replace("<!-- the page -->", shown)


def setup(app: Sphinx) -> None:
    """Let MathML be what equations are rendered as, and notebooks be opened elsewhere."""
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    app.connect("source-read", badges)
    app.connect("source-read", browser)
