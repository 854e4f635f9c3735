"""Sphinx configuration."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import causalkit

project = "causalkit"
author = "The causalkit developers"
copyright = "2026, The causalkit developers"
release = version = causalkit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build", "jupyter_execute", "**.ipynb_checkpoints"]
html_theme = "furo"
html_title = "causalkit"

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc states the types
autodoc_default_options = {"members": True, "show-inheritance": False}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

myst_enable_extensions = ["colon_fence", "dollarmath"]
nb_execution_mode = "off"  # the tests execute the notebooks
suppress_warnings = ["myst.header"]
nitpicky = False


def setup(app):
    """Write the pages that follow from the code before Sphinx reads them."""
    sys.path.insert(0, str(Path(__file__).parent))
    from _assumptions import write_page

    write_page(Path(__file__).parent / "reference" / "generated" / "assumptions.md")
