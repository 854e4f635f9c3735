"""`plot` and `convert`: graphs, and effects that were computed, to pictures and other formats."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from causalkit.cli import options
from causalkit.cli.json_text import graph_values
from causalkit.cli.running import Answer, remark
from causalkit.cli.writing import is_stdout
from causalkit.errors import InputError

__all__ = ["convert", "plot"]

_PICTURES: Final = (".svg", ".png", ".pdf")
_WRITERS: Final = {
    "json": "to_json",
    "txt": "to_text",
    "dot": "to_dot",
    "graphml": "to_graphml",
    "dagitty": "to_dagitty",
    "tetrad": "to_tetrad",
    "mermaid": "to_mermaid",
}
"""Formats, and the methods of graphs that write them."""

_ALSO: Final = {"gv": "dot", "mmd": "mermaid"}
"""Other suffixes of these formats."""


def plot(
    source: Annotated[
        str,
        typer.Argument(
            metavar="GRAPH",
            help="A graph as for identify; with --effects what estimate or analyze printed with "
            "--json. - reads standard input.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="A .svg, .png or .pdf file; - prints SVG.")
    ],
    treatment: Annotated[str, typer.Option(metavar="NAMES", help="Coloured as treatment.")] = "",
    outcome: Annotated[str, typer.Option(metavar="NAMES", help="Coloured as outcome.")] = "",
    adjustment: Annotated[
        str, typer.Option(metavar="NAMES", help="Coloured as adjusted for.")
    ] = "",
    effects: Annotated[
        bool, typer.Option("--effects", help="Draw effects with their intervals, not a graph.")
    ] = False,
    kind: options.KindName = None,
) -> Answer:
    """Draw a graph, or effects with their intervals."""
    if not is_stdout(out) and out.suffix.lower() not in _PICTURES:
        raise InputError(f"the picture would go to {out}; expected {', '.join(_PICTURES)} or -.")
    if effects:
        _draw_effects(source, out)
    else:
        from causalkit.cli.questions import nodes_named
        from causalkit.cli.reading_graphs import read_graph
        from causalkit.plotting import graph_svg, save_picture

        graph = read_graph(source, kind=kind)
        roles = {"treatment": treatment, "outcome": outcome, "adjustment": adjustment}
        named: dict[str, Any] = {
            role: nodes_named(text, graph) for role, text in roles.items() if text
        }
        if is_stdout(out):
            return Answer(graph_svg(graph, **named), {})
        save_picture(graph, out, **named)
    if is_stdout(out):
        return Answer("", {})
    remark(f"written to {out}")
    return Answer("", {"out": str(out)})


def convert(
    graph: options.GraphText,
    out: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Where it goes; left out, standard output."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help=f"{', '.join(_WRITERS)}. Left out, by the suffix of FILE, or txt.",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--from", metavar="FORMAT", help="Left out, by suffix, or how it begins."),
    ] = None,
    kind: options.KindName = None,
) -> Answer:
    """Write a graph in another format."""
    from causalkit.cli.reading_graphs import read_graph

    known = read_graph(graph, kind=kind, form=form)
    values: dict[str, Any] = {
        "graph": graph_values(known),
        "out": None if out is None else str(out),
    }
    if out is not None and to is None and out.suffix.lower() in _PICTURES:
        known.save(out)
        return Answer("", {**values, "to": out.suffix.lower()[1:], "text": None})
    wanted = to or ("txt" if out is None or str(out) == "-" else out.suffix.removeprefix("."))
    wanted = _ALSO.get(wanted.lower(), wanted.lower())
    if wanted not in _WRITERS:
        raise InputError(f"{wanted!r} is no format of graphs; expected {', '.join(_WRITERS)}.")
    text = _written(known, wanted).rstrip("\n")
    values |= {"to": wanted, "text": text}
    if out is None or str(out) == "-":
        return Answer(text, values)
    out.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    remark(f"written to {out}")
    return Answer("", values)


def _written(graph: Any, form: str) -> str:
    """The text of a graph; formats that know no series get its steps as nodes."""
    writer = getattr(graph, _WRITERS[form], None) or getattr(
        getattr(graph, "template", None), _WRITERS[form], None
    )
    if writer is None:
        raise InputError(f"this graph cannot be written as {form}; expected another format.")
    return str(writer())


@dataclass(frozen=True, slots=True)
class _Read:
    """An effect that was computed before."""

    value: float
    lower: float
    upper: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:  # noqa: ARG002
        """The interval that was written down."""
        return self.lower, self.upper


def _draw_effects(source: str, out: Path) -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from causalkit.plotting import plot_effects

    found, labels, level = _effects_of(source)
    figure = Figure(figsize=(6.4, 0.9 + 0.42 * len(found)), layout="constrained")
    plot_effects(found, figure.add_subplot(), labels=labels, level=level)
    form = "svg" if is_stdout(out) else out.suffix.lower()[1:]
    target: Any = sys.stdout.buffer if is_stdout(out) else out
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "causalkit"}):
        figure.savefig(target, format=form, dpi=200)


def _effects_of(source: str) -> tuple[Sequence[_Read], list[str], float]:
    """Effects of a JSON document of `estimate` or `analyze`.

    Raises
    ------
    InputError
        If it is none, or has no effect with an interval.
    """
    try:
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        content = json.loads(raw)
        rows = [row for row in content["effects"] if row["lower"] is not None]
        found = [_Read(row["effect"], row["lower"], row["upper"]) for row in rows]
        asked = f"{content['treatment']} on {content['outcome']}"
        labels = [str(row.get("label", row.get("question", asked))) for row in rows]
        level = float(content.get("level", 0.95))
    except (ValueError, KeyError, TypeError, RecursionError):
        found, labels, level = [], [], 0.95
    if not found:
        raise InputError(
            f"{source} has no effects with intervals; expected what `causalkit estimate --json` or "
            "`causalkit analyze --json` printed."
        )
    return found, labels, level
