"""Sphinx configuration; notebooks are executed when the pages are built."""

import os
from pathlib import Path

# the kernels of the pages find the contracts that parts are tested against, in tests/contracts
ROOT = str(Path(__file__).parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")]))

project = "alpha_bridge"
copyright = "2026, the alpha_bridge founders"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
html_theme = "furo"
html_title = "alpha_bridge"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
exclude_patterns = [
    "_build",
    "jupyter_execute",
    "readme",
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
