"""`discover`, `series` and `suggest`: from data to a graph, and by which algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from causalkit.cli import options
from causalkit.cli.choices import METHODS, SERIES_METHODS, algorithm_named, fit_to_columns
from causalkit.cli.json_text import graph_values, records_of
from causalkit.cli.running import Answer, remark

__all__ = ["as_known", "discover", "searcher", "series", "suggest", "with_test"]


def discover(
    data: options.DataFile,
    method: options.Method = None,
    test: options.TestName = None,
    score: options.ScoreName = None,
    alpha: options.Alpha = None,
    tiers: options.Tiers = None,
    domain: options.Domain = None,
    time: options.TimeColumn = None,
    drop: options.Drop = None,
    complete_rows: options.CompleteRows = False,
    separator: options.Separator = None,
    decimal: options.Decimal = ".",
    out: options.Picture = None,
    max_seconds: options.Seconds = None,
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
) -> Answer:
    """Learn a graph from a table."""
    from causalkit._core.table import as_table
    from causalkit.cli.reading import read_table
    from causalkit.cli.reading_graphs import read_knowledge

    asked = {
        "test": test,
        "score": score,
        "alpha": alpha,
        "domain": domain,
        "time": time,
        "max_seconds": max_seconds,
        "random_state": seed,
        "n_jobs": jobs,
    }
    algorithm = searcher(method, tiers, asked)  # before the file is read: it may be long
    table: Any = read_table(
        data,
        drop=drop,
        labels=[domain],
        dates=time,
        complete=complete_rows,
        separator=separator,
        decimal=decimal,
    )
    if algorithm is None:
        known = read_knowledge(tiers)
        table = as_table(as_known(table, known))
        algorithm = _by_columns(table, known)
    else:
        table = as_known(table, getattr(algorithm, "knowledge", None))
        with_test(algorithm, test, table)
    fitted = algorithm.fit(table)
    if out is not None:
        fitted.graph_.save(out)
    return _of_table(fitted)


def series(
    data: options.DataFile,
    method: options.SeriesMethod = "pcmci-plus",
    max_lag: options.MaxLag = 3,
    test: options.TestName = None,
    alpha: options.Alpha = None,
    tiers: options.Tiers = None,
    panel: options.Panel = None,
    time: options.TimeColumn = None,
    diagnose: Annotated[
        bool, typer.Option("--diagnose", help="Only look: trends, unit roots, seasons, lags.")
    ] = False,
    drop: options.Drop = None,
    separator: options.Separator = None,
    decimal: options.Decimal = ".",
    out: options.Picture = None,
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
) -> Answer:
    """Learn a graph of time series, a row a step in the order of time."""
    from causalkit.cli.reading import read_table

    asked = {
        "max_lag": max_lag,
        "test": test,
        "alpha": alpha,
        "panel": panel,
        "time": time,
        "random_state": seed,
        "n_jobs": jobs,
    }
    algorithm = None if diagnose else searcher(method, tiers, asked, table=SERIES_METHODS)
    table = read_table(
        data, drop=drop, labels=[panel], dates=time, separator=separator, decimal=decimal
    )
    if algorithm is None:
        return _looked_at(table, panel, time)
    fitted = algorithm.fit(as_known(table, getattr(algorithm, "knowledge", None)))
    if out is not None:
        fitted.graph_.save(out)
    return _of_series(fitted, max_lag)


def suggest(
    data: options.DataFile,
    max_seconds: Annotated[float, typer.Option(help="What a fit may take, on one core.")] = 60.0,
    hidden_causes: Annotated[
        bool | None,
        typer.Option(
            "--hidden-causes/--no-hidden-causes",
            help="Whether common causes may be missing from the columns. Left out, both.",
        ),
    ] = None,
    steps: Annotated[
        bool | None,
        typer.Option(
            "--series/--no-series", help="Whether rows are steps in time. Left out, by the columns."
        ),
    ] = None,
    domain: options.Domain = None,
    panel: options.Panel = None,
    time: options.TimeColumn = None,
    drop: options.Drop = None,
    separator: options.Separator = None,
    decimal: options.Decimal = ".",
) -> Answer:
    """Say which discovery algorithm suits a table or series, and why."""
    from causalkit import discovery
    from causalkit.cli.reading import read_table

    table = read_table(
        data,
        drop=drop,
        labels=[domain, panel],
        dates=time,
        separator=separator,
        decimal=decimal,
    )
    found = discovery.suggest(
        table,
        max_seconds=max_seconds,
        hidden_causes=hidden_causes,
        series=steps,
        panel=panel,
        time=time,
        domain=domain,
    )
    return Answer(repr(found), found.to_dict())


def searcher(
    method: str | None, tiers: Path | None, asked: dict[str, Any], table: Any = METHODS
) -> Any:
    """The algorithm that is asked for; None if it is to follow from the columns.

    A level or a test without a method means PC, which is where they are at home, a score GES.
    """
    from causalkit.cli.reading_graphs import read_knowledge

    if method is None:
        if asked.get("domain") is not None or asked.get("time") is not None:
            method = "cdnod"
        elif asked.get("test") is not None or asked.get("alpha") is not None:
            method = "pc"
        elif asked.get("score") is not None:
            method = "ges"
        elif asked.get("max_seconds") is not None:
            method = "flop"
        else:
            return None
    return algorithm_named(method, table, {**asked, "knowledge": read_knowledge(tiers)})


def _by_columns(table: Any, known: Any) -> Any:
    """The algorithm that `analyze` takes, too, and why."""
    from causalkit.workflow.learnt.graph_learning import default_with_reason

    algorithm, why = default_with_reason(table, known)
    remark(f"{type(algorithm).__name__}: {why}")
    return algorithm


def with_test(algorithm: Any, asked: str | None, table: Any) -> None:
    """Let a search by tests have the test that fits the columns, and say which."""
    chosen = fit_to_columns(algorithm, asked, table)
    if chosen is not None:
        remark(f"test: {chosen}")


def as_known(table: Any, knowledge: Any) -> Any:
    """The table with the names that the knowledge has for its columns: 7 for '7'."""
    by_text = {} if knowledge is None else {str(name): name for name in knowledge.names}
    return table.rename(columns={name: by_text.get(str(name), name) for name in table.columns})


def _of_table(fitted: Any) -> Answer:
    graph = fitted.graph_
    n_tests = getattr(fitted, "n_tests_", None)
    conflicts = [str(conflict) for conflict in getattr(fitted, "conflicts_", ())]
    changing = {str(name): test.p_value for name, test in getattr(fitted, "changing_", {}).items()}
    said = f"{type(fitted).__name__}: {graph.kind.name}"
    remark(said if n_tests is None else f"{said}; {n_tests} tests")
    if hasattr(fitted, "changing_"):
        listed = ", ".join(f"{name} (p = {p:.3g})" for name, p in changing.items())
        remark(f"changing with {fitted.surrogate_}: {listed or 'nothing'}")
    remark(*conflicts)
    return Answer(
        graph.to_text(),
        {
            "method": type(fitted).__name__,
            "n_tests": n_tests,
            "conflicts": conflicts,
            "changing": changing,
            "text": graph.to_text(),
            "graph": graph_values(graph),
        },
    )


def _of_series(fitted: Any, max_lag: int | None) -> Answer:
    graph = fitted.graph_
    remark(f"{graph.kind.name}; lags to {max_lag}; {fitted.n_obs_} steps used")
    return Answer(
        graph.to_text(),
        {
            "method": type(fitted).__name__,
            "max_lag": max_lag,
            "n_steps": fitted.n_obs_,
            "text": graph.to_text(),
            "graph": graph_values(graph),
        },
    )


def _looked_at(table: Any, panel: str | None, time: str | None) -> Answer:
    from causalkit.discovery import diagnose_series

    looked = diagnose_series(table, panel=panel, time=time)
    return Answer(
        repr(looked),
        {
            "series": records_of(looked.to_frame(), "name"),
            "lags": looked.lags,
            "advice": looked.advice,
        },
    )
