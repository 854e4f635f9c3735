"""The HTML report: one file that opens anywhere, with no network and no script.

First comes one page for who decides, then a technical part for who checks. The page is a Jinja
template (`templates/analysis.html.j2`) over what the results say of themselves; pictures are inline
SVG.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from typing import TYPE_CHECKING, Any

from causalkit import __version__
from causalkit._core.report import format_value
from causalkit.graph import LaggedGraph
from causalkit.report.code import rerun_code, source_of
from causalkit.report.summary import summary_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["render"]

_VERSIONS = (
    "causalkit-toolkit",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "statsmodels",
    "numba",
)


def render(analysis: Any, certificate: Any = None) -> str:
    """Render an :class:`~causalkit.workflow.Analysis`, and its certificate, as one HTML page."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("causalkit.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_value
    page = environment.get_template("analysis.html.j2").render(
        analysis=analysis,
        certificate=certificate,
        summary=summary_of(analysis),
        graph_svg=_graph_svg(analysis),
        graph_text=analysis.graph.to_text(),
        roles=_roles(analysis),
        effect_svg=_effect_svg(analysis),
        discovery=None if analysis.discovery is None else source_of(analysis.discovery),
        code=rerun_code(analysis),
        versions=_versions(),
        platform=f"Python {platform.python_version()} on {platform.system()}",
    )
    return str(page)


def _roles(analysis: Any) -> list[tuple[str, tuple[Any, ...], str]]:
    """What the colours of the graph mean, and which names have them."""
    from causalkit.plotting import GraphStyle

    style = GraphStyle()
    roles = [
        ("treatment", (analysis.treatment,), style.treatment_color),
        ("outcome", (analysis.outcome,), style.outcome_color),
        ("adjusted for", _adjustment(analysis), style.adjustment_color),
    ]
    return [role for role in roles if role[1]]


def _adjustment(analysis: Any) -> tuple[Any, ...]:
    return tuple(getattr(analysis.estimand, "adjustment", ()))


def _graph_svg(analysis: Any) -> str:
    from causalkit.plotting import graph_svg

    roles = {
        "treatment": analysis.treatment,
        "outcome": analysis.outcome,
        "adjustment": _adjustment(analysis),
    }
    room = {}
    if isinstance(analysis.graph, LaggedGraph):  # as far back as what is coloured
        nodes = (analysis.treatment, analysis.outcome, *_adjustment(analysis))
        room["window"] = max(analysis.graph.node(node).lag for node in nodes)
    return _inline(graph_svg(analysis.graph, **roles, **room))


def _effect_svg(analysis: Any) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(7, 1.2 + 0.4 * len(getattr(analysis.effect, "effects", (1,)))),
        layout="constrained",
    )
    FigureCanvasSVG(figure)
    analysis.effect.plot(ax=figure.add_subplot())
    return _inline(_figure_svg(figure))


def _figure_svg(figure: Figure) -> str:
    import matplotlib as mpl

    buffer = StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "causalkit"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _inline(svg: str) -> str:
    """Drop the XML prolog: inside a page it is noise."""
    return svg[svg.index("<svg") :]


def _versions() -> list[tuple[str, str]]:
    found = [("causalkit", __version__)]
    for package in _VERSIONS:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            found.append((package, "not installed as a package"))
    return found
