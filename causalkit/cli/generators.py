"""`generate` and `compare`: data with a known truth, and which algorithm suits a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from causalkit.cli import options
from causalkit.cli.choices import METHODS, SERIES_METHODS, class_named
from causalkit.cli.json_text import graph_values, records_of
from causalkit.cli.learning import with_test
from causalkit.cli.running import Answer, Status, remark
from causalkit.cli.writing import check_table_name, is_stdout, write_table
from causalkit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.benchmark import Leaderboard

__all__ = ["compare", "generate"]

_USUAL: Final = {
    False: "pc,ges,boss,direct-lingam",
    True: "granger,pcmci,pcmci-plus,var-lingam",
}
"""Methods that are compared on random models unless it is said: of tables, of series."""

_Out = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="Where the data go: .csv, .csv.gz, .tsv or .parquet; - prints CSV."
    ),
]
_Like = Annotated[
    Path | None,
    typer.Option(metavar="DATA", help="Data file of which to make a twin; left out, random."),
]
_Kind = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Without --like. Tables: linear, gaussian-process, mlp, post-nonlinear, "
        "location-scale, discrete, mixed. Series: linear, nonlinear, heavy-tailed, regimes, "
        "change-points, drift, seasonal, latent, subsampled, aggregated, lorenz96, ...",
    ),
]
_Rows = Annotated[int, typer.Option(help="Rows, or steps, of each data set.")]
_Columns = Annotated[int, typer.Option(help="Variables of a random model.")]
_TwinGraph = Annotated[
    str | None, typer.Option(metavar="GRAPH", help="Of the twin; left out, it is learnt.")
]
_Truth = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the true graph here.")]
_Fidelity = Annotated[bool, typer.Option("--fidelity", help="Say how alike twin and data are.")]
_MaybeData = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DATA]",
        help="Compare on twins of this file (- for standard input); left out, on models.",
    ),
]
_Models = Annotated[
    str, typer.Option(metavar="NAMES", help="Kinds of random models; see generate.")
]
_Methods = Annotated[
    str,
    typer.Option(metavar="NAMES", help="With commas, as discover and series know them."),
]
_Repeats = Annotated[int, typer.Option(help="Data sets of each model or twin.")]
_Store = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Keep results here; the same call continues."),
]
_TimeLimit = Annotated[float | None, typer.Option(help="Seconds for a method on a data set.")]


def generate(
    out: _Out,
    like: _Like = None,
    kind: _Kind = "linear",
    rows: _Rows = 1000,
    columns: _Columns = 8,
    max_lag: options.MaxLag = None,
    graph: _TwinGraph = None,
    truth: _Truth = None,
    fidelity: _Fidelity = False,
    drop: options.Drop = None,
    separator: options.Separator = None,
    decimal: options.Decimal = ".",
    seed: options.Seed = 0,
) -> Answer:
    """Draw data with an exactly known graph: a twin of a file, or from a random model."""
    if like is None and (graph is not None or fidelity):
        raise InputError("--graph or --fidelity without --like; expected a data file to imitate.")
    check_table_name(out)
    report = None
    if like is not None:
        from causalkit.cli.reading import read_table

        table = read_table(like, drop=drop, separator=separator, decimal=decimal)
        twin = _twin(table, graph, max_lag, seed)
        data, found = twin.sample(rows, rng=seed), twin.graph_
        report = twin.fidelity(rng=seed) if fidelity else None
    else:
        data, found = _random(kind, rows, columns, max_lag, seed)
    write_table(data, out)
    if truth is not None:
        found.save(truth)
    remark(str(found), f"{len(data)} rows written to {out}")
    if report is not None and is_stdout(out):
        remark(*report.sentences)
    return Answer(
        "" if report is None or is_stdout(out) else repr(report),
        {
            "out": str(out),
            "n_rows": len(data),
            "truth": None if truth is None else str(truth),
            "text": found.to_text(),
            "graph": graph_values(found),
            "fidelity": None if report is None else {"grade": report.grade, **report.figures()},
        },
    )


def compare(
    data: _MaybeData = None,
    models: _Models = "linear",
    methods: _Methods = "",
    rows: _Rows = 500,
    columns: _Columns = 8,
    repeats: _Repeats = 5,
    max_lag: options.MaxLag = None,
    store: _Store = None,
    time_limit: _TimeLimit = None,
    strict: options.Strict = False,
    drop: options.Drop = None,
    separator: options.Separator = None,
    decimal: options.Decimal = ".",
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
) -> Answer:
    """Say which discovery algorithm does best: on data like a file, or on random models."""
    from causalkit.benchmark import recommend

    settings: dict[str, Any] = {
        "n_repeats": repeats,
        "store": store,
        "n_jobs": jobs,
        "time_limit": time_limit,
        "random_state": seed,
    }
    chosen = _algorithms(methods, max_lag)
    if data is not None:
        from causalkit.cli.reading import read_table

        table = read_table(data, drop=drop, separator=separator, decimal=decimal)
        for algorithm in chosen.values():
            with_test(algorithm, None, table)
        found: Any = recommend(table, chosen or None, max_lag=max_lag, **settings)
        board, best, notes = found.board, found.best, list(found.sentences())
        scores = records_of(found.to_frame(), "method")
    else:
        found = board = _on_models(chosen, models, rows, columns, max_lag, settings)
        best, notes, scores = board.best(), [], []
    summary = board.summary("discovery")
    failed = strict and not _beats_baselines(board, summary)
    return Answer(
        repr(found),
        {
            "best": best,
            "notes": notes,
            "baselines": board.baselines,
            "recommendation": scores,
            "summary": records_of(summary, "method"),
        },
        Status.CHECK_FAILED if failed else Status.FINE,
    )


def _on_models(
    algorithms: dict[str, Any],
    models: str,
    rows: int,
    columns: int,
    max_lag: int | None,
    settings: dict[str, Any],
) -> Leaderboard:
    """Compare algorithms, or the usual ones, on random models of the kinds that are named."""
    from causalkit.benchmark import compare as run_comparison

    kinds = [kind.strip() for kind in models.split(",") if kind.strip()]
    families = {kind: _family(kind, columns, max_lag) for kind in kinds}
    asked = algorithms or _algorithms(_USUAL[max_lag is not None], max_lag)
    return run_comparison(asked, families, tasks="discovery", n_obs=rows, **settings)


def _beats_baselines(board: Any, summary: Any) -> bool:
    """Whether a method is better than every baseline in the mean; who is told the truth is none."""
    mean = summary[summary["rank"].notna()]["shd"]
    guessed = mean.index.isin(board.baselines)
    return bool(mean[~guessed].min() < mean[guessed].min())


def _algorithms(names: str, max_lag: int | None) -> dict[str, Any]:
    """Algorithms that are named; those of series get the lag."""
    found = {}
    for name in (part.strip() for part in names.split(",") if part.strip()):
        algorithm = class_named(name, {**METHODS, **SERIES_METHODS}, "--methods")()
        if max_lag is not None and "max_lag" in algorithm.get_params():
            algorithm.set_params(max_lag=max_lag)
        found[type(algorithm).__name__] = algorithm
    return found


def _family(kind: str, columns: int, max_lag: int | None) -> Any:
    """Random models of a kind, from a generator."""
    from causalkit.models import random_model, random_series

    if max_lag is None:
        return lambda rng: random_model(n_nodes=columns, mechanism=kind, rng=rng)
    lags = {} if kind in ("lorenz96", "logistic-maps") else {"max_lag": max_lag}
    return lambda rng: random_series(kind, n_series=columns, rng=rng, **lags)


def _random(
    kind: str, rows: int, columns: int, max_lag: int | None, seed: int
) -> tuple[pd.DataFrame, Any]:
    """Data and graph of a random model."""
    import numpy as np

    of_model, of_data = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    drawn = _family(kind, columns, max_lag)(of_model).sample(rows, rng=of_data)
    return drawn.data, drawn.graph


def _twin(table: pd.DataFrame, graph: str | None, max_lag: int | None, seed: int) -> Any:
    """Fit a twin to a table."""
    from causalkit.cli.reading_graphs import read_graph
    from causalkit.models import Twin

    known: Any = "discover" if graph is None else read_graph(graph)
    return Twin(known, max_lag=max_lag or 0, random_state=seed).fit(table)
