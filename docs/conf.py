"""Sphinx configuration."""

import shutil
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
autodoc_default_options = {
    "members": True,
    # All that a class can do stands on its page, but for what Python and scikit-learn gave it.
    "inherited-members": "object,BaseException,str,int,tuple,Enum,BaseEstimator",
    "show-inheritance": False,
    "exclude-members": "set_fit_request, get_metadata_routing",  # scikit-learn's, not ours
}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 2
nb_execution_mode = "auto"  # the notebooks are kept without outputs
nb_execution_timeout = 600
nb_execution_raise_on_error = True
# "ref.python": attributes that FCI inherits from a private base have no page of their own, and PC's
# and CDNOD's are called the same.
suppress_warnings = ["myst.header", "ref.python"]
nitpicky = False


def inherited(_app, _what, name, obj, *_):
    """Whether it is a method of `Lagged` because it is a string, or one of scikit-learn's own."""
    of_str = hasattr(str, name) and obj is getattr(str, name)
    of_sklearn = (getattr(obj, "__module__", None) or "").startswith("sklearn.")
    return True if of_str or of_sklearn else None


def setup(app):
    """Write the pages that follow from the code, before Sphinx reads them."""
    here = Path(__file__).parent
    sys.path.insert(0, str(here))
    from _pages import write_assumptions, write_reference

    app.connect("autodoc-skip-member", inherited)
    shutil.rmtree(here / "reference" / "generated", ignore_errors=True)
    write_assumptions(here / "reference" / "generated" / "assumptions.md")
    write_reference(here / "reference" / "generated")
    shutil.copytree(here.parent / "notebooks", here / "notebooks", dirs_exist_ok=True)
