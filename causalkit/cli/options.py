"""Options that several commands have, each written once, in the panels that `--help` shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = [
    "AdjustFor", "Alpha", "Clusters", "CompleteRows", "Contrast", "DataFile", "Decimal",
    "Decisions", "Domain", "Drop",
    "Estimator", "GraphText", "Instrument", "Jobs", "KindName", "KnownGraph", "Level", "MaxLag",
    "Method", "Outcome", "Panel", "Picture", "ReportFile", "Resamples", "ScoreName", "Seconds",
    "Seed", "Separator", "SeriesMethod", "Strategy", "Strict", "TestName", "Tiers", "TimeColumn",
    "Treatment", "Weights",
]  # fmt: skip

_DATA: Final = "Data"
_SEARCH: Final = "Search"
_QUESTION: Final = "Question"
_OUTPUT: Final = "Output"
_WORK: Final = "Computing"

# --- data -------------------------------------------------------------------------------------

DataFile = Annotated[
    Path,
    typer.Argument(
        metavar="DATA", help="A .csv, .csv.gz, .tsv or .parquet file; - reads standard input."
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Leave out; may be repeated.", rich_help_panel=_DATA),
]
CompleteRows = Annotated[
    bool,
    typer.Option(
        "--complete-rows",
        help="Leave out rows with an empty cell, as if cells were empty by chance.",
        rich_help_panel=_DATA,
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(
        metavar="SIGN",
        help="What separates values: , ; | or tab. Left out, by the name of the file.",
        rich_help_panel=_DATA,
    ),
]
Decimal = Annotated[
    str, typer.Option(metavar="SIGN", help="Decimal sign: . or ,", rich_help_panel=_DATA)
]
Panel = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Of series: tells subjects apart.", rich_help_panel=_DATA),
]
TimeColumn = Annotated[
    str | None,
    typer.Option("--time", metavar="COLUMN", help="Times or dates.", rich_help_panel=_DATA),
]
Domain = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Sites, studies or regimes of rows.", rich_help_panel=_DATA
    ),
]
Clusters = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN",
        help="Rows of one cluster depend on each other; given twice, clusters of two kinds.",
        rich_help_panel=_DATA,
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="How much each row counts.", rich_help_panel=_DATA),
]

# --- what is asked ----------------------------------------------------------------------------

Treatment = Annotated[
    str, typer.Option(metavar="COLUMN", help="Whose effect.", rich_help_panel=_QUESTION)
]
Outcome = Annotated[str, typer.Option(metavar="COLUMN", help="On what.", rich_help_panel=_QUESTION)]
KnownGraph = Annotated[
    str | None,
    typer.Option(
        metavar="GRAPH",
        help="A file of a graph, its text ('Z -> X -> Y; Z -> Y'), or - for standard input.",
        rich_help_panel=_QUESTION,
    ),
]
AdjustFor = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMNS",
        help="Instead of a graph: common causes, with commas or repeated.",
        rich_help_panel=_QUESTION,
    ),
]
Instrument = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMNS",
        help="Instead of a graph: what moves the treatment only.",
        rich_help_panel=_QUESTION,
    ),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How to identify: no effect, adjustment, front-door, general, instrument, "
        "compliers, possible. Left out, the first that works and assumes only the graph.",
        rich_help_panel=_QUESTION,
    ),
]
Estimator = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Adjusting: ols, g-computation, ipw, cbps, entropy-balancing, kernel-balancing, "
        "matching, aipw, plr, linear-dml, sparse-linear-dml, causal-forest, dr-learner. By "
        "instruments: 2sls, liml, gmm, pliv, late, dml-iv, ortho-iv. By mediators: front-door, "
        "linear-front-door. Of discrete data: plug-in. Of panels: fixed-effects, panel-plr, did, "
        "cross-section-did. Left out, by the question and the columns.",
        rich_help_panel=_QUESTION,
    ),
]
Contrast = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        help="Levels that --estimator compares, control first; or each, every level with the "
        "first.",
        rich_help_panel=_QUESTION,
    ),
]
Level = Annotated[float, typer.Option(help="Coverage of the intervals.", rich_help_panel=_QUESTION)]

# --- search -----------------------------------------------------------------------------------

Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="By tests: pc; fci, rfci, gfci (hidden causes); cdnod (mechanisms change). By score: "
        "ges, flop, boss, grasp, hill-climb, exact. By noise: direct-lingam, ica-lingam, "
        "parce-lingam, cam, resit, score. By gradient: notears, dagma, golem. Left out, by the "
        "columns.",
        rich_help_panel=_SEARCH,
    ),
]
SeriesMethod = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="pcmci, granger, group-lasso-granger, regression-granger, spectral-granger, "
        "transfer-entropy, ccm: links from the past. pcmci-plus, jpcmci-plus, dynotears: within a "
        "step too. lpcmci, ts-icd: causes may be hidden. var-lingam: noise not Gaussian.",
        rich_help_panel=_SEARCH,
    ),
]
TestName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Numbers: fisher-z, rank (odd scales), robust (heavy tails). Categories: g-square, "
        "chi-square. Both: mixed, conditional-gaussian, likelihood-ratio. Empty cells: missing "
        "(the test that fits the columns), missing-rank and so on. "
        "Any shape: kernel, rcot, rcit, gcm, knn.",
        rich_help_panel=_SEARCH,
    ),
]
ScoreName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Numbers: bic, ebic, bge. Categories: bdeu, discrete-bic. Both: mixed, "
        "conditional-gaussian. Any shape: kernel.",
        rich_help_panel=_SEARCH,
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option(
        help="Level of the tests. Left out, 0.01 with tests of independence, else the method's.",
        rich_help_panel=_SEARCH,
    ),
]
Tiers = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="YAML with `tiers:`, `required:`, `forbidden:`: what is known.",
        rich_help_panel=_SEARCH,
    ),
]
MaxLag = Annotated[
    int | None,
    typer.Option(
        help="Rows are steps of series; how far back causes reach.", rich_help_panel=_SEARCH
    ),
]
Resamples = Annotated[
    int,
    typer.Option(
        help="Searches repeated to see which graphs are possible; 0: none.",
        rich_help_panel=_SEARCH,
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option("--max-seconds", help="Stop a search after this.", rich_help_panel=_WORK),
]

# --- what comes out ---------------------------------------------------------------------------

ReportFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write an HTML report.", rich_help_panel=_OUTPUT),
]
Decisions = Annotated[
    bool,
    typer.Option(
        "--decisions",
        help="Say of each step what was chosen, and why.",
        rich_help_panel=_OUTPUT,
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="End with status 5 if a check fails: a challenge of analyze; of compare, being better "
        "than every baseline.",
        rich_help_panel=_OUTPUT,
    ),
]

# --- graphs and work --------------------------------------------------------------------------

GraphText = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH",
        help="'X -> M -> Y; X <-> Y', or a .json, .dot, .graphml, .txt, .dagitty or .tetrad file, "
        "or - for standard input.",
    ),
]
KindName = Annotated[
    str | None,
    typer.Option(metavar="KIND", help="DAG, ADMG, CPDAG, MAG or PAG, where that is left open."),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the graph here: .json .dot .graphml .txt .dagitty .tetrad .png .svg .pdf",
        rich_help_panel=_OUTPUT,
    ),
]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.", rich_help_panel=_WORK)]
Jobs = Annotated[
    int | None,
    typer.Option(help="Parallel workers; -1 uses all cores.", rich_help_panel=_WORK),
]
