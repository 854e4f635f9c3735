"""The commands, how they are found, and where a run of one ends.

`main` is the entry point. An error that causalkit raises on purpose is a sentence and a status of
its own (:class:`~causalkit.cli.running.Status`); any other is a fault of the program: it is shown
in full, with status 1.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Final

import typer

from causalkit import __version__
from causalkit.cli.answering import analyze, estimate, identify
from causalkit.cli.bundled import datasets, demo
from causalkit.cli.drawing import convert, plot
from causalkit.cli.generators import compare, generate
from causalkit.cli.learning import discover, series, suggest
from causalkit.cli.running import Answer, Status, as_command

__all__ = ["app", "main"]

_STATUSES: Final = (
    "Status: 0 fine; 1 a fault of the program; 2 options, files or data that cannot be used; 3 the "
    "effect does not follow from the graph; 4 the arithmetic broke down; 5 with --strict, a check "
    "failed; 130 interrupted."
)

_COMMANDS: Final[tuple[tuple[str, Callable[..., Answer], tuple[str, ...]], ...]] = (
    (
        "The chain",
        analyze,
        (
            "causalkit analyze data.csv --treatment dose --outcome health --report report.html",
            "causalkit analyze data.csv --treatment dose --outcome health --graph g.json --json",
        ),
    ),
    (
        "The chain",
        discover,
        (
            "causalkit discover data.csv --tiers tiers.yaml --out graph.svg",
            "causalkit discover data.csv --method fci --test rank --alpha 0.01 --json",
        ),
    ),
    (
        "The chain",
        series,
        (
            "causalkit series weather.csv --method pcmci-plus --max-lag 3 --time date",
            "causalkit series weather.csv --diagnose",
        ),
    ),
    (
        "The chain",
        identify,
        (
            "causalkit identify 'Z -> X -> Y; Z -> Y' X Y",
            "causalkit discover data.csv --json | causalkit identify - dose health",
        ),
    ),
    (
        "The chain",
        estimate,
        (
            "causalkit estimate data.csv --treatment dose --outcome health --adjust-for age,sex",
            "causalkit estimate card.csv --treatment educ --outcome lwage --instrument nearc4 "
            "--adjust-for exper --estimator 2sls",
        ),
    ),
    (
        "Around it",
        suggest,
        (
            "causalkit suggest data.csv",
            "causalkit suggest weather.csv --time date --hidden-causes",
        ),
    ),
    (
        "Around it",
        generate,
        (
            "causalkit generate twin.csv --like data.csv --truth graph.json --fidelity",
            "causalkit generate - --kind linear --rows 500 | causalkit discover -",
        ),
    ),
    (
        "Around it",
        compare,
        (
            "causalkit compare data.csv --methods pc,ges,direct-lingam",
            "causalkit compare --models linear,mlp --store results --json",
        ),
    ),
    (
        "Around it",
        plot,
        (
            "causalkit plot graph.json --treatment X --outcome Y --out graph.svg",
            "causalkit estimate ... --json | causalkit plot - --effects --out effect.png",
        ),
    ),
    (
        "Around it",
        convert,
        (
            "causalkit convert graph.dot graph.json",
            "causalkit convert 'Z -> X -> Y' --to dagitty",
        ),
    ),
    (
        "Around it",
        datasets,
        (
            "causalkit datasets",
            "causalkit datasets sachs --out sachs.csv --truth sachs.json",
        ),
    ),
    ("Around it", demo, ("causalkit demo --report report.html",)),
)
"""Panel of the help, command, and examples."""

app = typer.Typer(
    name="causalkit",
    help="From a table to a defended causal effect.",
    epilog=_STATUSES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _panel, _command, _examples in _COMMANDS:
    app.command(
        epilog="\n\n".join(("Examples:", *_examples)),
        rich_help_panel=_panel,
    )(as_command(_command))


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"causalkit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print and exit.")
    ] = False,
) -> None:
    """From a table to a defended causal effect."""


def main() -> None:
    """Entry point of `causalkit` and of `python -m causalkit`."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal that lacks a letter
        app()
    except KeyboardInterrupt:
        sys.exit(int(Status.INTERRUPTED))
    except Exception:
        traceback.print_exc()
        sys.stderr.write(
            "causalkit: this is a fault of the program, not of the data; please report it with the "
            f"lines above (causalkit {__version__}).\n"
        )
        sys.exit(int(Status.UNEXPECTED))
