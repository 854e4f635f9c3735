"""The HTML report: one file that opens anywhere, with no network and no script.

First comes one page for who decides, then a technical part for who checks. The page is a Jinja
template (`templates/analysis.html.j2`) over what the results say of themselves; pictures are inline
SVG. It is to be read on a wide window, on a phone and on paper, and heard: headings go down one
level at a time, tables have captions and row heads, pictures have names, and whatever is wider than
the window scrolls in a box of its own.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from numbers import Real
from typing import Any

from causalkit import __version__
from causalkit._core.report import Report, format_value
from causalkit.errors import GraphError
from causalkit.estimation.asked_in_words import sides_of
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.plotting import GraphStyle, focus_on, graph_svg
from causalkit.plotting.focus import FEW_NODES
from causalkit.report.code import rerun_code, source_of
from causalkit.report.interval_picture import Bar, draw_intervals
from causalkit.report.pictures import as_part_of_a_page, responsive_graph
from causalkit.report.summary import summary_of
from causalkit.typing import Name

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
_FEW_SERIES = 12
"""So many rows of a grid of steps can be taken in at a glance."""

_MOST_NODES = 100
"""Of a larger graph only the part is drawn that bears on the effect."""


def render(analysis: Any, certificate: Any = None, *, again: str = "") -> str:
    """Render an :class:`~causalkit.workflow.Analysis`, and its certificate, as one HTML page.

    Parameters
    ----------
    analysis : Analysis
    certificate : Certificate, optional
        Of :func:`~causalkit.workflow.certify`; a section of the page.
    again : str, optional
        What runs it again: the command of a shell that made it. Left out, :func:`rerun_code`, which
        takes the data as they were passed.

    Returns
    -------
    str
        A whole page that loads nothing from elsewhere.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("causalkit.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_value
    environment.filters["numeric"] = _numeric_columns
    page = environment.get_template("analysis.html.j2").render(
        analysis=analysis,
        certificate=certificate,
        summary=summary_of(analysis),
        sections=tuple(_sections(analysis, certificate)),
        data_rows=[_data_row(row) for row in analysis.data_summary],
        graph=_graph_on_page(analysis),
        effect_svg=_effect_svg(analysis),
        discovery=None if analysis.discovery is None else source_of(analysis.discovery),
        rerun=again or rerun_code(analysis),
        provenance=tuple(_provenance(analysis)),
    )
    return str(page).lstrip()


def _sections(analysis: Any, certificate: Any) -> Iterator[tuple[str, str]]:
    """Anchors of the technical part, and what is to be found there."""
    yield "data", "Data"
    yield "decisions", "Decisions"
    yield "graph", "Graph"
    yield "estimand", "What is estimated"
    yield "effect", "Effect"
    if analysis.learnt is not None:
        yield "other-graphs", "If another graph is right"
    if certificate is not None:
        yield "certificate", "Does the interval cover?"
    yield "challenges", "Challenges"
    yield "again", "Run it again"


def _data_row(row: Any) -> tuple[Any, ...]:
    kind = f"{row['kind']}: {row['levels']}" if row.get("levels") else row["kind"]
    if row["level"] is not None:
        share = f"{format_value(100 * row['share'])} % {row['level']}"
        return (str(row["name"]), kind, share, None, None, None, row["missing"])
    numbers = (row[key] for key in ("mean", "sd", "min", "max", "missing"))
    return (str(row["name"]), kind, *numbers)


def _numeric_columns(report: Report) -> tuple[int, ...]:
    """Which columns of a result's table hold numbers only, and are set flush right."""
    return tuple(
        k
        for k in range(len(report.columns))
        if report.rows and all(isinstance(row[k], Real) for row in report.rows)
    )


# --- pictures -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _GraphOnPage:
    """The graph as the page shows it.

    Attributes
    ----------
    svg, whole : str
        What bears on the effect, and all of it where that is more (empty where it is not).
    note : str
        Says what is left out.
    left_out : tuple of names
    n_variables : int
    roles : tuple of (str, names, color)
        What the colours mean.
    texts : tuple of (str, str)
        The formats to be copied from.
    """

    svg: str
    whole: str
    note: str
    left_out: tuple[Name, ...]
    n_variables: int
    roles: tuple[tuple[str, tuple[Name, ...], str], ...]
    texts: tuple[tuple[str, str], ...]


def _graph_on_page(analysis: Any) -> _GraphOnPage:
    graph, style = analysis.graph, GraphStyle()
    roles = {
        "treatment": (analysis.treatment,),
        "outcome": (analysis.outcome,),
        "adjustment": tuple(getattr(analysis.estimand, "adjustment", ())),
    }
    legend = (
        ("treatment", roles["treatment"], style.treatment_color),
        ("outcome", roles["outcome"], style.outcome_color),
        ("adjusted for", roles["adjustment"], style.adjustment_color),
    )
    svg, whole, note, left_out = _drawn(graph, roles)
    lagged = isinstance(graph, LaggedGraph)
    plain = graph.template if lagged else graph
    return _GraphOnPage(
        svg,
        whole,
        note,
        left_out,
        n_variables=len(graph.variables if lagged else graph.nodes),
        roles=tuple(role for role in legend if role[1]),
        texts=tuple(
            (name, _written(write))
            for name, write in (
                ("Edges", graph.to_text),
                ("DOT", plain.to_dot),
                ("Mermaid", plain.to_mermaid),
                ("JSON", graph.to_json),
            )
        ),
    )


def _written(write: Callable[[], str]) -> str:
    """The graph in a format, or why it cannot be written in it."""
    try:
        return write()
    except GraphError as error:
        return str(error)


def _drawn(
    graph: Any, roles: dict[str, tuple[Name, ...]]
) -> tuple[str, str, str, tuple[Name, ...]]:
    """The picture, the whole one if that is a part, and what is left out."""
    lagged = isinstance(graph, LaggedGraph)
    if len(graph.variables if lagged else graph) <= (_FEW_SERIES if lagged else FEW_NODES):
        return _picture(graph, roles, "drawing", "Graph"), "", "", ()
    found = focus_on(graph, roles["treatment"], roles["outcome"], keep=roles["adjustment"])
    title = "Part of the graph that bears on the effect" if found.left_out else "Graph"
    svg, whole = _picture(found.graph, roles, "drawing", title), ""
    if found.left_out and len(graph.nodes) <= _MOST_NODES:
        whole = _picture(graph, roles, "whole", "Whole graph")
    return svg, whole, found.sentence, found.left_out


def _picture(
    graph: CausalGraph | LaggedGraph, roles: dict[str, tuple[Name, ...]], name: str, title: str
) -> str:
    """A graph whose nodes can be touched; of series, its steps as far back as what is coloured."""
    if isinstance(graph, CausalGraph):
        return responsive_graph(graph, roles, name=name, title=title)
    window = max(graph.node(node).lag for names in roles.values() for node in names)
    svg = graph_svg(graph, shrink=False, window=window, **roles)
    return as_part_of_a_page(svg, name=name, title=f"{title}, by steps", text=graph.to_text())


def _effect_svg(analysis: Any) -> str:
    """Each estimate with its interval."""
    effects = getattr(analysis.effect, "effects", (analysis.effect,))
    labels = getattr(analysis.effect, "labels", [effect.method for effect in effects])
    bars = [
        Bar.of(str(label), effect.interval(), effect.value, honest=False)
        for label, effect in zip(labels, effects, strict=True)
    ]
    about = "effect of {} on {}".format(*sides_of(effects))
    return draw_intervals(bars, about, name="effects")


# --- provenance -----------------------------------------------------------------------------------


def _provenance(analysis: Any) -> Iterator[tuple[str, Any]]:
    yield "Random state", analysis.settings["random_state"]
    yield "Data (SHA-256)", analysis.fingerprint
    yield "Platform", f"Python {platform.python_version()} on {platform.system()}"
    yield "causalkit", __version__
    for package in _VERSIONS:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "not installed as a package"
