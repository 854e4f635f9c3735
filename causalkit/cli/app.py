"""The commands. Each reads files, calls the library, and prints; the library does the work."""

from __future__ import annotations

import json
import sys
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from causalkit import __version__
from causalkit._core.progress import shown_progress
from causalkit.cli.generators import compare, generate
from causalkit.errors import CausalkitError, InputError

__all__ = ["app", "main"]

app = typer.Typer(
    name="causalkit",
    help="From a table to a defended causal effect.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataFile = Annotated[Path, typer.Argument(help="A .csv, .csv.gz, .tsv or .parquet file.")]
Tiers = Annotated[
    Path | None,
    typer.Option(help="YAML file with `tiers:`, `required:`, `forbidden:` (what is known)."),
]
Alpha = Annotated[float, typer.Option(help="Level of the independence tests.")]
Drop = Annotated[list[str] | None, typer.Option(help="Column to leave out; may be repeated.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars, no remarks.")]
Jobs = Annotated[int | None, typer.Option(help="Parallel workers; -1 uses all cores.")]


class Method(StrEnum):
    """Discovery algorithms by the name they have on the command line."""

    pc = "pc"
    fci = "fci"
    rfci = "rfci"
    cdnod = "cdnod"


class SeriesMethod(StrEnum):
    """Algorithms for series by the name they have on the command line."""

    pcmci = "pcmci"
    pcmci_plus = "pcmci-plus"
    lpcmci = "lpcmci"
    ts_icd = "ts-icd"
    granger = "granger"
    var_lingam = "var-lingam"


class Test(StrEnum):
    """Conditional-independence tests by the name they have on the command line."""

    fisher_z = "fisher-z"
    rank = "rank"
    g_square = "g-square"
    mixed = "mixed"
    missing = "missing"
    kernel = "kernel"


class Estimator(StrEnum):
    """Effect estimators by the name they have on the command line."""

    auto = "auto"
    ols = "ols"
    ipw = "ipw"
    aipw = "aipw"
    plr = "plr"


@app.command()
def analyze(
    data: DataFile,
    treatment: Annotated[str, typer.Option(help="Column whose effect is asked for.")],
    outcome: Annotated[str, typer.Option(help="Column that it acts on.")],
    tiers: Tiers = None,
    graph: Annotated[
        Path | None, typer.Option(help="Use this graph (.json, .dot, .graphml, .txt).")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="How to identify: adjustment, front-door, instrument, compliers, …"),
    ] = None,
    alpha: Alpha = 0.01,
    estimator: Annotated[Estimator, typer.Option(help="How to estimate.")] = Estimator.auto,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    resamples: Annotated[
        int, typer.Option(help="Searches repeated to see which graphs are possible; 0: none.")
    ] = 100,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Say of each step what was chosen, and why.")
    ] = False,
    drop: Drop = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Discover, identify, estimate and challenge one effect."""
    from causalkit.cli.reading import read_knowledge, read_table
    from causalkit.discovery import PC
    from causalkit.graph import CausalGraph
    from causalkit.workflow import analyze as run_analysis

    if graph is not None and tiers is not None:
        raise InputError("both --graph and --tiers were given; expected one of them.")
    table, remarks = read_table(data, drop=drop or ())
    _remark(remarks, quiet=quiet)
    known = None if graph is None else CausalGraph.read(graph)
    discovery = PC(alpha=alpha, knowledge=read_knowledge(tiers)) if known is None else None
    with shown_progress(not quiet):
        analysis = run_analysis(
            table,
            treatment,
            outcome,
            graph=known,
            discovery=discovery,
            strategy=strategy,
            estimator=_estimator(estimator, seed),
            n_resamples=resamples,
            random_state=seed,
            n_jobs=jobs,
        )
    if report is not None:
        analysis.to_html(report)
    typer.echo(json.dumps(analysis.to_dict(), indent=2) if as_json else repr(analysis))
    if decisions and not as_json:  # the JSON has them
        typer.echo("".join(f"\n{decision!r}\n" for decision in analysis.decisions))
    if report is not None:
        _remark([f"report written to {report}"], quiet=quiet)


@app.command()
def discover(
    data: DataFile,
    method: Annotated[
        Method,
        typer.Option(
            help="pc; fci / rfci where causes may be hidden; cdnod where mechanisms change."
        ),
    ] = Method.pc,
    domain: Annotated[
        str | None, typer.Option(help="Column of sites or regimes, for cdnod.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column of times or dates, for cdnod.")] = None,
    test: Annotated[
        Test,
        typer.Option(
            help="fisher-z: numbers. rank: numbers, odd scales. g-square: categories. mixed: "
            "both. missing: numbers with empty cells. kernel: any shape, slowly."
        ),
    ] = Test.fisher_z,
    alpha: Alpha = 0.01,
    tiers: Tiers = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the graph here: .json .dot .graphml .txt .png .svg .pdf"),
    ] = None,
    drop: Drop = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Learn a graph from a table."""
    from causalkit import discovery, independence
    from causalkit.cli.reading import read_knowledge, read_table
    from causalkit.independence import kernel

    algorithm = getattr(discovery, method.name.upper())
    asked = {
        Test.fisher_z: independence.FisherZ,
        Test.rank: independence.RankZ,
        Test.g_square: independence.GSquare,
        Test.mixed: independence.DegenerateGaussian,
        Test.missing: independence.TestwiseDeletion,
        Test.kernel: kernel.KCI,
    }[test]
    surrogate = {"domain": domain, "time": time} if method is Method.cdnod else {}
    if not surrogate and (domain or time):
        raise InputError(
            f"--domain or --time with --method {method.value}; expected them with cdnod only. "
            "Write --method cdnod, or leave them out."
        )
    known = read_knowledge(tiers)
    table, remarks = read_table(data, drop=drop or (), labels=domain, dates=time)
    _remark(remarks, quiet=quiet)
    with shown_progress(not quiet):
        fitted = algorithm(asked(), alpha=alpha, knowledge=known, n_jobs=jobs, **surrogate)
        fitted.fit(table)
    if out is not None:
        fitted.graph_.save(out)
    if as_json:
        typer.echo(fitted.graph_.to_json())
    else:
        typer.echo(fitted.graph_.to_text())
        _remark([f"{fitted.graph_.kind.name}; {fitted.n_tests_} tests"], quiet=quiet)
    if surrogate:
        changing = ", ".join(f"{v} (p = {t.p_value:.3g})" for v, t in fitted.changing_.items())
        _remark([f"changing with {fitted.surrogate_}: {changing or 'nothing'}"], quiet=quiet)
    _remark(fitted.conflicts_, quiet=quiet)


@app.command()
def series(
    data: DataFile,
    method: Annotated[
        SeriesMethod,
        typer.Option(
            help="pcmci, granger: links from the past. pcmci-plus: within a step too. lpcmci, "
            "ts-icd: causes may be hidden. var-lingam: linear, the noise not Gaussian."
        ),
    ] = SeriesMethod.pcmci_plus,
    max_lag: Annotated[int, typer.Option(help="Longest lag, in steps.")] = 3,
    alpha: Alpha = 0.01,
    panel: Annotated[str | None, typer.Option(help="Column that tells subjects apart.")] = None,
    time: Annotated[str | None, typer.Option(help="Column of times or dates.")] = None,
    diagnose: Annotated[
        bool, typer.Option("--diagnose", help="Only look: trends, unit roots, seasons, lags.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the graph here: .json .dot .graphml .txt .png .svg .pdf"),
    ] = None,
    drop: Drop = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Learn a graph of time series, a row a step in the order of time."""
    from causalkit import discovery
    from causalkit.cli.reading import read_table

    table, remarks = read_table(data, drop=drop or (), labels=panel, dates=time)
    _remark(remarks, quiet=quiet)
    if diagnose:
        looked = discovery.diagnose_series(table, panel=panel, time=time)
        typer.echo(looked.to_frame().to_json(orient="table") if as_json else repr(looked))
        return
    algorithm = {
        SeriesMethod.pcmci: discovery.PCMCI,
        SeriesMethod.pcmci_plus: discovery.PCMCIPlus,
        SeriesMethod.lpcmci: discovery.LPCMCI,
        SeriesMethod.ts_icd: discovery.TSICD,
        SeriesMethod.granger: discovery.Granger,
        SeriesMethod.var_lingam: discovery.VARLiNGAM,
    }[method]
    with shown_progress(not quiet):
        found = algorithm(max_lag=max_lag, alpha=alpha, panel=panel, time=time).fit(table)
    if out is not None:
        found.graph_.save(out)
    typer.echo(found.graph_.to_json() if as_json else found.graph_.to_text())
    said = f"{found.graph_.kind.name}; lags to {max_lag}; {found.n_obs_} steps used"
    _remark([] if as_json else [said], quiet=quiet)


@app.command()
def identify(
    graph: Annotated[
        str, typer.Argument(help="'X -> M -> Y; X <-> Y', or a .json, .dot, .graphml, .txt file.")
    ],
    treatment: Annotated[str, typer.Argument(help="What is set; several with commas.")],
    outcome: Annotated[str, typer.Argument(help="What is looked at; several with commas.")],
    given: Annotated[str, typer.Option(help="Within strata of these; with commas.")] = "",
    observed: Annotated[
        str, typer.Option(help="Variables that data has, with commas; left out, all.")
    ] = "",
    strategy: Annotated[
        str | None, typer.Option(help="adjustment, front-door, general, instrument, possible.")
    ] = None,
    all_strategies: Annotated[
        bool, typer.Option("--all", help="Show every strategy, and why those that fail do.")
    ] = False,
) -> None:
    """Ask whether an effect follows from a graph; no data are needed."""
    from causalkit import identification
    from causalkit.cli.reading import read_graph

    question: dict[str, Any] = {
        "given": _names(given) or (),
        "observed": _names(observed) or None,
    }
    asked = read_graph(graph), _names(treatment), _names(outcome)
    if all_strategies:
        typer.echo(repr(identification.strategies(*asked, **question)))
    else:
        typer.echo(repr(identification.identify(*asked, **question, strategy=strategy)))


@app.command()
def demo(
    report: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("report.html"),
    quiet: Quiet = False,
) -> None:
    """Run the whole chain on real data: 401(k) eligibility and household wealth."""
    from causalkit.cli.demo import run_demo

    with shown_progress(not quiet):
        typer.echo(run_demo(report))


app.command()(generate)
app.command()(compare)


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


def _estimator(choice: Estimator, seed: int) -> Any:
    from causalkit import estimation

    if choice is Estimator.auto:
        return None
    if choice is Estimator.ols:
        return estimation.OLS()
    return {"ipw": estimation.IPW, "aipw": estimation.AIPW, "plr": estimation.PLR}[choice.value](
        random_state=seed
    )


def _names(text: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _remark(remarks: Any, *, quiet: bool) -> None:
    for remark in () if quiet else remarks:
        typer.echo(f"· {remark}", err=True)


def _said(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Show a warning without the line of this code that led to it."""
    typer.echo(f"causalkit: {category.__name__}: {message}", err=True)


def main() -> None:
    """Entry point: an error that causalkit raises on purpose is a sentence, not a traceback."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _said  # a sentence, too
            app()
    except CausalkitError as error:
        typer.echo(f"causalkit: {error}", err=True)
        sys.exit(2)
    except OSError as error:  # a file that cannot be read or written
        typer.echo(f"causalkit: {error.filename or 'file'}: {error.strerror or error}.", err=True)
        sys.exit(2)
