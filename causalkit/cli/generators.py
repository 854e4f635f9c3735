"""Commands around models: data with a known truth, and which algorithm suits a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from causalkit._core.progress import shown_progress
from causalkit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare", "generate"]

_Lag = Annotated[
    int | None, typer.Option(help="Rows are steps of series; how far back causes reach.")
]
_Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
_Drop = Annotated[list[str] | None, typer.Option(help="Column to leave out; may be repeated.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars, no remarks.")]


def generate(
    out: Annotated[Path, typer.Argument(help="Where the data go: .csv or .parquet.")],
    like: Annotated[
        Path | None, typer.Option(help="Data file of which to make a twin; left out, random.")
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="Without --like. Tables: linear, gaussian-process, mlp, post-nonlinear, "
            "location-scale, discrete, mixed. Series: linear, nonlinear, heavy-tailed, regimes, "
            "change-points, drift, seasonal, latent, subsampled, aggregated, lorenz96, ..."
        ),
    ] = "linear",
    rows: Annotated[int, typer.Option(help="Rows, or steps.")] = 1000,
    columns: Annotated[int, typer.Option(help="Variables, without --like.")] = 8,
    max_lag: _Lag = None,
    graph: Annotated[
        Path | None, typer.Option(help="Graph of the twin; left out, it is learnt.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Write the true graph here.")] = None,
    fidelity: Annotated[
        bool, typer.Option("--fidelity", help="Say how alike twin and data are.")
    ] = False,
    drop: _Drop = None,
    seed: _Seed = 0,
    quiet: _Quiet = False,
) -> None:
    """Draw data with an exactly known graph: a twin of a file, or from a random model."""
    if like is None and (graph is not None or fidelity):
        raise InputError("--graph or --fidelity without --like; expected a data file to imitate.")
    if out.suffix not in (".csv", ".parquet"):
        raise InputError(f"the data would go to {out}; expected a name in .csv or .parquet.")
    with shown_progress(not quiet):
        if like is not None:
            twin = _twin(like, graph, max_lag, drop or (), seed, quiet=quiet)
            data, found = twin.sample(rows, rng=seed), twin.graph_
        else:
            data, found = _random(kind, rows, columns, max_lag, seed)
        if fidelity:
            typer.echo(repr(twin.fidelity(rng=seed)))
    data.to_csv(out, index=False) if out.suffix == ".csv" else data.to_parquet(out)
    if truth is not None:
        found.save(truth)
    if not quiet:
        typer.echo(f"· {found}", err=True)
        typer.echo(f"· {len(data)} rows written to {out}", err=True)


def compare(
    data: Annotated[
        Path | None, typer.Argument(help="Compare on twins of this file; left out, on models.")
    ] = None,
    models: Annotated[
        str, typer.Option(help="Kinds of random models, with commas; see generate.")
    ] = "linear",
    methods: Annotated[
        str, typer.Option(help="Classes of causalkit.discovery, with commas: PC,GES,BOSS.")
    ] = "",
    rows: Annotated[int, typer.Option(help="Rows of each data set of a model.")] = 500,
    columns: Annotated[int, typer.Option(help="Variables of a model.")] = 8,
    repeats: Annotated[int, typer.Option(help="Data sets of each model or twin.")] = 5,
    max_lag: _Lag = None,
    store: Annotated[
        Path | None, typer.Option(help="Keep results here; the same call continues.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds for a method on a data set.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Parallel workers; -1 uses all cores.")] = None,
    drop: _Drop = None,
    seed: _Seed = 0,
    quiet: _Quiet = False,
) -> None:
    """Say which discovery algorithm does best: on data like a file, or on random models."""
    from causalkit.benchmark import compare as run_comparison
    from causalkit.benchmark import recommend

    settings: dict[str, Any] = {
        "n_repeats": repeats,
        "store": store,
        "n_jobs": jobs,
        "time_limit": time_limit,
        "random_state": seed,
    }
    chosen = _algorithms(methods, max_lag)
    with shown_progress(not quiet):
        if data is not None:
            table = _table(data, drop or (), quiet=quiet)
            found: Any = recommend(table, chosen or None, max_lag=max_lag, **settings)
        else:
            kinds = [kind.strip() for kind in models.split(",") if kind.strip()]
            families = {kind: _family(kind, columns, max_lag) for kind in kinds}
            asked = chosen or _algorithms(_USUAL[max_lag is not None], max_lag)
            found = run_comparison(asked, families, tasks="discovery", n_obs=rows, **settings)
    typer.echo(repr(found))


_USUAL = {False: "PC,GES,BOSS,DirectLiNGAM", True: "Granger,PCMCI,PCMCIPlus,VARLiNGAM"}


def _algorithms(names: str, max_lag: int | None) -> dict[str, Any]:
    """Objects of classes that are named; those of series get the lag."""
    from causalkit import discovery

    found = {}
    for name in (part.strip() for part in names.split(",") if part.strip()):
        if name not in discovery.__all__ or not hasattr(getattr(discovery, name), "fit"):
            raise InputError(
                f"--methods names {name!r}; expected classes of causalkit.discovery such as PC."
            )
        algorithm = getattr(discovery, name)()
        if max_lag is not None and "max_lag" in algorithm.get_params():
            algorithm.set_params(max_lag=max_lag)
        found[name] = algorithm
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


def _twin(
    like: Path, graph: Path | None, max_lag: int | None, drop: Any, seed: int, *, quiet: bool
) -> Any:
    """Fit a twin to a file."""
    from causalkit.graph import CausalGraph, LaggedGraph
    from causalkit.models import Twin

    table = _table(like, drop, quiet=quiet)
    known: Any = "discover"
    if graph is not None:
        known = CausalGraph.read(graph) if max_lag is None else LaggedGraph.read(graph)
    return Twin(known, max_lag=max_lag or 0, random_state=seed).fit(table)


def _table(path: Path, drop: Any, *, quiet: bool) -> Any:
    from causalkit.cli.reading import read_table

    table, remarks = read_table(path, drop=drop)
    for remark in () if quiet else remarks:
        typer.echo(f"· {remark}", err=True)
    return table
