"""`identify`, `estimate` and `analyze`: from a graph and a question to an effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from causalkit.cli import options
from causalkit.cli.choices import METHODS, SERIES_METHODS, estimator_named
from causalkit.cli.json_text import records_of
from causalkit.cli.learning import as_known, searcher, with_test
from causalkit.cli.running import Answer, Status, as_typed, remark
from causalkit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.cli.questions import Question

__all__ = ["analyze", "estimate", "identify"]

_USUAL_LEVEL: Final = 0.95


def identify(
    graph: options.GraphText,
    treatment: Annotated[str, typer.Argument(help="What is set; several with commas.")],
    outcome: Annotated[str, typer.Argument(help="What is looked at; several with commas.")],
    given: Annotated[
        str, typer.Option(metavar="NAMES", help="Within strata of these; with commas.")
    ] = "",
    observed: Annotated[
        str,
        typer.Option(metavar="NAMES", help="Variables that data has, with commas; left out, all."),
    ] = "",
    strategy: options.Strategy = None,
    kind: options.KindName = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show every strategy, and why those that fail do.")
    ] = False,
) -> Answer:
    """Ask whether an effect follows from a graph; no data are needed."""
    from causalkit import identification
    from causalkit.cli.questions import estimand_values, nodes_named
    from causalkit.cli.reading_graphs import read_graph

    known = read_graph(graph, kind=kind)
    asked = known, nodes_named(treatment, known), nodes_named(outcome, known)
    question: dict[str, Any] = {
        "given": nodes_named(given, known) or (),
        "observed": nodes_named(observed, known) or None,
    }
    words = {"treatment": asked[1], "outcome": asked[2], **question}
    if every:
        found = identification.strategies(*asked, **question)
        table = [
            {**row, "estimand": None if one.estimand is None else estimand_values(one.estimand)}
            for row, one in zip(records_of(found.to_frame(), "strategy"), found, strict=True)
        ]
        return Answer(repr(found), {**words, "strategies": table})
    estimand = identification.identify(*asked, **question, strategy=strategy)
    return Answer(repr(estimand), {**words, "estimand": estimand_values(estimand)})


def estimate(
    data: options.DataFile,
    treatment: options.Treatment,
    outcome: options.Outcome,
    graph: options.KnownGraph = None,
    adjust_for: options.AdjustFor = None,
    instrument: options.Instrument = None,
    strategy: options.Strategy = None,
    estimator: options.Estimator = None,
    contrast: options.Contrast = None,
    level: options.Level = 0.95,
    clusters: options.Clusters = None,
    weights: options.Weights = None,
    panel: options.Panel = None,
    time: options.TimeColumn = None,
    drop: options.Drop = None,
    complete_rows: options.CompleteRows = False,
    separator: options.Separator = None,
    decimal: options.Decimal = ".",
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
) -> Answer:
    """Estimate an effect, given a graph, or the columns to adjust for."""
    from causalkit.cli.questions import Question, estimand_values

    chosen = estimator_named(estimator, jobs, of_contrast=contrast is not None)
    question = Question(treatment, outcome, graph, adjust_for or (), instrument or ())
    beside: dict[str, Any] = {
        "clusters": _clusters(clusters),
        "sample_weight": weights,
        "panel": panel,
        "time": time,
    }
    written = {"complete": complete_rows, "separator": separator, "decimal": decimal}
    table = _read(data, beside, question, drop=drop, of_series=question.is_of_series, **written)
    if contrast is not None:
        chosen.set_params(contrast=question.levels(contrast, table))
    estimand = question.estimand(table, strategy, estimator)
    effect = estimand.estimate(table, chosen, random_state=seed, **beside)
    asked = {"treatment": treatment, "outcome": outcome, "n_rows": len(table), "level": level}
    return _of_effect(effect, level, {**asked, "estimand": estimand_values(estimand)})


def analyze(
    data: options.DataFile,
    treatment: options.Treatment,
    outcome: options.Outcome,
    graph: options.KnownGraph = None,
    strategy: options.Strategy = None,
    estimator: options.Estimator = None,
    contrast: options.Contrast = None,
    method: options.Method = None,
    test: options.TestName = None,
    score: options.ScoreName = None,
    alpha: options.Alpha = None,
    tiers: options.Tiers = None,
    max_lag: options.MaxLag = None,
    resamples: options.Resamples = 100,
    clusters: options.Clusters = None,
    weights: options.Weights = None,
    panel: options.Panel = None,
    time: options.TimeColumn = None,
    drop: options.Drop = None,
    complete_rows: options.CompleteRows = False,
    separator: options.Separator = None,
    decimal: options.Decimal = ".",
    report: options.ReportFile = None,
    decisions: options.Decisions = False,
    strict: options.Strict = False,
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
) -> Answer:
    """Discover, identify, estimate and challenge one effect."""
    from causalkit.cli.questions import Question
    from causalkit.cli.reading_graphs import read_knowledge
    from causalkit.discovery import SeriesAlgorithm
    from causalkit.workflow import analyze as run_analysis

    search = {"method": method, "test": test, "score": score, "alpha": alpha, "max_lag": max_lag}
    labels = {"panel": panel, "time": time}
    beside: dict[str, Any] = {"clusters": _clusters(clusters), "sample_weight": weights, **labels}
    question = Question(treatment, outcome, graph)
    if graph is not None:
        _refuse_search(search, tiers)
    algorithm = _search(search, labels, tiers, seed, jobs) if graph is None else None
    chosen = estimator_named(estimator, jobs, of_contrast=contrast is not None)
    of_series = question.is_of_series or isinstance(algorithm, SeriesAlgorithm)
    needed = None if graph is None else question
    written = {"complete": complete_rows, "separator": separator, "decimal": decimal}
    table = _read(data, beside, needed, drop=drop, of_series=of_series, **written)
    known = read_knowledge(tiers) if algorithm is None else algorithm.get_params().get("knowledge")
    table = as_known(table, known)
    with_test(algorithm, test, table.drop(columns=_names_beside(beside), errors="ignore"))
    if contrast is not None:
        chosen.set_params(contrast=question.levels(contrast, table))
    treated, result = question.nodes(table)
    analysis = run_analysis(
        table,
        treated,
        result,
        graph=question.known,
        discovery=algorithm,
        knowledge=known if algorithm is None else None,
        strategy=strategy,
        estimator=chosen,
        n_resamples=resamples,
        random_state=seed,
        n_jobs=jobs,
        **beside,
    )
    return _of_analysis(analysis, report, decisions=decisions, strict=strict)


def _read(
    data: Path,
    beside: Mapping[str, Any],
    question: Question | None,
    *,
    drop: Sequence[str] | None,
    of_series: bool = False,
    **written: Any,
) -> pd.DataFrame:
    """The columns that are asked about, and those beside them; all, where there is no question."""
    from causalkit.cli.reading import read_table

    if written["complete"] and of_series:
        raise InputError(
            "--complete-rows leaves rows out, and steps of series follow each other; expected all "
            "of them. Leave it out: no lag reaches over an empty cell."
        )
    named = _names_beside(beside)
    return read_table(
        data,
        drop=drop,
        only=None if question is None else lambda columns: question.columns(columns, named),
        labels=[name for name in named if name not in (beside["sample_weight"], beside["time"])],
        dates=beside["time"],
        subject=beside["panel"],
        steps=question is not None and of_series,
        **written,
    )


def _names_beside(beside: Mapping[str, Any]) -> list[str]:
    """Columns that are named beside the question."""
    clusters = beside["clusters"]
    groups = clusters if isinstance(clusters, tuple) else (clusters,)
    further = (*groups, *(beside[name] for name in ("sample_weight", "panel", "time")))
    return [name for name in further if name is not None]


def _clusters(named: Sequence[str] | None) -> str | tuple[str, str] | None:
    """One column, or two of clusters that cross."""
    different = list(dict.fromkeys(named or ()))
    if len(different) > 2:
        raise InputError(
            f"--clusters was given {len(different)} times; expected one column, or two for "
            "clusters of two kinds. Drop the others."
        )
    if len(different) == 2:
        return different[0], different[1]
    return different[0] if different else None


def _of_effect(effect: Any, level: float, values: dict[str, Any]) -> Answer:
    from causalkit.report.plain import effect_values

    effects = effect_values(effect, level)
    text = repr(effect)
    if level != _USUAL_LEVEL:
        rows = effect.to_frame(level)
        ends = ", ".join(
            f"{low:.4g} to {high:.4g}"
            for low, high in zip(rows["lower"], rows["upper"], strict=True)
        )
        text += f"\n\n{100 * level:g} % interval: {ends}"
    return Answer(text, {**values, "effects": effects})


def _of_analysis(analysis: Any, report: Path | None, *, decisions: bool, strict: bool) -> Answer:
    """The answer, with what was decided; the report is written."""
    if report is not None:
        from causalkit.report import render

        report.write_text(render(analysis, again=as_typed()), encoding="utf-8")
        remark(f"report written to {report}")
    text = repr(analysis)
    if decisions:  # the JSON has them
        text = "\n\n".join([text, *map(repr, analysis.decisions)])
    failed = strict and analysis.challenges.verdict == "fails"
    return Answer(
        text,
        {**analysis.to_dict(), "report": None if report is None else str(report)},
        Status.CHECK_FAILED if failed else Status.FINE,
    )


def _search(
    search: dict[str, Any], labels: dict[str, Any], tiers: Path | None, seed: int, jobs: int | None
) -> Any:
    """The algorithm that is asked for; of series if a lag or such a method is named."""
    asked = {**search, "random_state": seed, "n_jobs": jobs}
    method = asked.pop("method")
    if asked["max_lag"] is None and (method is None or method in METHODS):
        return searcher(method, tiers, asked)
    method = method or "pcmci-plus"
    return searcher(method, tiers, {**asked, **labels}, {**METHODS, **SERIES_METHODS})


def _refuse_search(search: dict[str, Any], tiers: Path | None) -> None:
    given = {**search, "tiers": tiers}
    named = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    if named:
        raise InputError(
            f"both --graph and {', '.join(named)} were given; expected a graph, or how to learn "
            "one. Drop one of them."
        )
