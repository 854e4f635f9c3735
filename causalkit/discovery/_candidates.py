"""Which algorithms suit data of a kind, the best first, and what else is worth a look.

A candidate names a row of the table of measured limits, so that its seconds and its error are
known. The order says what is preferred where time allows: tests for curves where numbers bend,
ranks where outliers or skew hide a relation, a search by score for other numbers, the test that
fits the columns elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from causalkit._core.table import Table
from causalkit.discovery._data_shape import Shape
from causalkit.discovery._default_search import default_with_reason, fitting_test
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.bayesian.order_mcmc import OrderMCMC
from causalkit.discovery.bayesian.posterior import ExactPosterior
from causalkit.discovery.changing.cdnod import CDNOD
from causalkit.discovery.constraint.fci import FCI
from causalkit.discovery.constraint.gfci import GFCI
from causalkit.discovery.constraint.pc import PC
from causalkit.discovery.functional.additive_noise import CAM
from causalkit.discovery.lingam.lingam import DirectLiNGAM
from causalkit.discovery.search.flop import FLOP
from causalkit.discovery.search.hill_climb import HillClimb
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.granger.granger import Granger
from causalkit.discovery.series.granger.group_lasso_granger import GroupLassoGranger
from causalkit.discovery.series.latent.lpcmci import LPCMCI
from causalkit.discovery.series.latent.ts_icd import TSICD
from causalkit.discovery.series.momentary.jpcmci_plus import JPCMCIPlus
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.discovery.series.structural.var_lingam import VARLiNGAM
from causalkit.independence import (
    GCM,
    KCI,
    CITest,
    DegenerateGaussian,
    RankZ,
    RCoT,
    TestwiseDeletion,
)
from causalkit.scores import DegenerateGaussianBIC, DiscreteBIC

__all__ = [
    "Candidate",
    "for_domains",
    "for_series",
    "for_table",
    "other_series",
    "other_tables",
    "written",
]

ALPHA: Final = 0.01


@dataclass(frozen=True, slots=True)
class Candidate:
    """An algorithm that suits the data.

    Attributes
    ----------
    algorithm : DiscoveryAlgorithm or SeriesAlgorithm
        Not fitted.
    limit : str
        Row of the table of measured limits.
    why : str
        A sentence.
    beside : str
        In what the data differ from those it was measured on; empty if they are alike.
    """

    algorithm: DiscoveryAlgorithm | SeriesAlgorithm
    limit: str
    why: str
    beside: str = ""

    @property
    def code(self) -> str:
        """How it is written, on one line."""
        return written(self.algorithm)


def written(algorithm: DiscoveryAlgorithm | SeriesAlgorithm) -> str:
    """The expression that makes an algorithm, on one line: `PC(alpha=0.01, test=KCI())`."""
    from causalkit.report.code import source_of

    line = " ".join(source_of(algorithm).split())
    return line.replace("( ", "(").replace(", )", ")")


def for_table(table: Table, shape: Shape, hidden_causes: bool | None) -> Iterator[Candidate]:
    """Algorithms for rows of one kind, the best first."""
    if hidden_causes:
        yield from _with_hidden_causes(table, shape)
        return
    if shape.bends:
        yield Candidate(PC(KCI(), alpha=ALPHA), "PC(KCI)", _CURVED)
        yield Candidate(PC(RCoT(), alpha=ALPHA), "PC(RCoT)", _CURVED)
    if shape.is_distorted:
        yield Candidate(PC(RankZ(), alpha=ALPHA), "PC(RankZ)", _RANKS)
    algorithm, reason = default_with_reason(table)
    why = reason[0].upper() + reason[1:] + "."
    if isinstance(algorithm, FLOP):
        yield Candidate(algorithm, "FLOP", why)
        yield Candidate(PC(alpha=ALPHA), "PC", "Tests of correlations are quick on many columns.")
        return
    limit, is_complete = _kind_of_test(table)
    if limit == "FisherZ":
        yield Candidate(algorithm, "PC" if is_complete else "PC(TestwiseDeletion)", why)
        return
    yield Candidate(algorithm, f"PC({limit})", why, "" if is_complete else "complete columns")
    if is_complete:
        score = DiscreteBIC() if limit == "GSquare" else DegenerateGaussianBIC()
        limit = f"HillClimb({type(score).__name__})"
        yield Candidate(HillClimb(score), limit, "A search by the score that fits the columns.")


def _with_hidden_causes(table: Table, shape: Shape) -> Iterator[Candidate]:
    if shape.bends:
        yield Candidate(FCI(RCoT(), alpha=ALPHA), "FCI(RCoT)", f"{_HIDDEN} {_CURVED}")
    if shape.is_distorted:
        ranks = FCI(RankZ(), alpha=ALPHA)
        yield Candidate(ranks, "FCI", f"{_HIDDEN} {_RANKS}", "numbers without skew")
    test, kind = fitting_test(table)
    limit, is_complete = _kind_of_test(table)
    if limit == "FisherZ" and is_complete and not (shape.bends or shape.is_distorted):
        why = f"{_HIDDEN} GFCI lets a search by score go first, which was measured to err less."
        yield Candidate(GFCI(alpha=ALPHA), "GFCI", why)
    yield Candidate(
        FCI(test, alpha=ALPHA),
        "FCI" if limit == "FisherZ" else f"FCI({limit})",
        f"{_HIDDEN} The test is one for {kind}.",
        "" if is_complete else "complete columns",
    )


def _kind_of_test(table: Table) -> tuple[str, bool]:
    """Name of the test that fits the columns, and whether these are complete."""
    test, _ = fitting_test(table)
    if isinstance(test, TestwiseDeletion):
        return type(test.inner).__name__, False
    return type(test).__name__, True


_HIDDEN: Final = (
    "Causes may be hidden, so the graph may have bidirected edges, and a circle stands where the "
    "data do not decide."
)
_CURVED: Final = (
    "Relations bend, and tests of correlations and a linear score miss what a kernel test sees."
)
_RANKS: Final = (
    "Outliers or skew hide part of what ranks still show; the test is one of ranks, which does "
    "not depend on the units."
)


def for_domains(table: Table, **columns: Any) -> Iterator[Candidate]:
    """Algorithms for rows of several domains, or of a long time."""
    why = "What differs between domains, or drifts with time, is evidence of direction to CD-NOD."
    settings: dict[str, Any] = {**columns, "random_state": 0}
    _, is_complete = _kind_of_test(table)
    if is_complete:
        kernel = f"{why} Its kernel test sees changes of any kind."
        yield Candidate(CDNOD(**settings), "CDNOD", kernel)
    linear: CITest = DegenerateGaussian()
    yield Candidate(
        CDNOD(linear if is_complete else TestwiseDeletion(linear), **settings),
        "CDNOD(DegenerateGaussian)",
        f"{why} A test for Gaussian numbers and categories sees changes of means.",
        "" if is_complete else "complete columns",
    )


def other_tables(table: Table, shape: Shape, hidden_causes: bool | None) -> Iterator[Candidate]:
    """What else may be worth a fit."""
    if hidden_causes is None:
        fci = next(iter(for_table(table, shape, hidden_causes=True)))
        why = (
            "if a cause of two columns may not be among the columns: no table can rule that out. "
            "hidden_causes=True suggests it, hidden_causes=False leaves it out."
        )
        yield replace(fci, why=why)
    if hidden_causes or _kind_of_test(table) != ("FisherZ", True):
        return
    if shape.bends:
        yield Candidate(
            CAM(), "CAM", "if noise is added to curves of the causes: it directs every edge."
        )
    if shape.bends or shape.is_distorted:
        yield Candidate(
            FLOP(),
            "FLOP",
            "the default of analyze(), quick: it takes relations for straight lines.",
        )
    if shape.is_not_gaussian:
        yield Candidate(
            DirectLiNGAM(),
            "DirectLiNGAM",
            f"if relations are linear: {shape.n_tailed} of {shape.n_columns} columns are not "
            "Gaussian, which lets it direct every edge.",
        )
    if not (shape.bends or shape.is_distorted):
        why = "if you want to know how likely each edge is, rather than one graph."
        yield Candidate(ExactPosterior(random_state=0), "ExactPosterior", why)
        yield Candidate(OrderMCMC(random_state=0), "OrderMCMC", why)


def for_series(
    table: Table, shape: Shape, hidden_causes: bool | None, settings: dict[str, Any]
) -> Iterator[Candidate]:
    """Algorithms for series, the best first; `settings` has max_lag and the columns."""
    test, kind = _series_test(table)
    beside = "" if test is None else "numbers"
    if shape.is_distorted and test is None:
        test, kind, beside = RankZ(), "ranks, because outliers or skew hide relations", "no skew"
    fits = f"The test is one for {kind}."
    if hidden_causes:
        why = "Causes may be hidden, and LPCMCI keeps open what the tests do not decide. " + fits
        yield Candidate(LPCMCI(test, **settings), "LPCMCI", why, beside)
        why = "Causes may be hidden, and TSICD is quicker than LPCMCI on many series. " + fits
        yield Candidate(TSICD(test, **settings), "TSICD", why, beside)
        return
    why = (
        "It finds links over lags and within a step, and leaves open what the tests do not decide."
    )
    yield Candidate(PCMCIPlus(test, **settings), "PCMCIPlus", f"{why} {fits}", beside)
    bound = {"alpha": ALPHA, "correction": "bh", **settings}
    why = "It corrects p-values for the number of pairs, which many series ask for."
    yield Candidate(PCMCI(test, min_lag=1, **bound), "PCMCI(bh)", f"{why} {fits}", beside)
    if test is None:
        yield Candidate(Granger(**bound), "Granger(bh)", f"{why} It is the quickest.")
        yield Candidate(
            GroupLassoGranger(**settings),
            "GroupLassoGranger",
            "A penalty keeps few links, which as many series as steps ask for.",
        )


def other_series(
    table: Table, shape: Shape, hidden_causes: bool | None, settings: dict[str, Any]
) -> Iterator[Candidate]:
    """What else may be worth a fit."""
    test, _ = _series_test(table)
    if hidden_causes is None:
        why = (
            "if a cause of two series may not be among them: no data can rule that out. "
            "hidden_causes=True suggests it, hidden_causes=False leaves it out."
        )
        yield replace(next(iter(for_series(table, shape, True, settings))), why=why)
    if settings.get("panel") is not None and test is None:
        yield Candidate(
            JPCMCIPlus(**settings),
            "PCMCIPlus",
            "if subjects differ for reasons nobody observed: labels stand for these.",
            "one subject",
        )
    if test is not None:
        return
    if shape.bends:
        gcm = PCMCI(GCM(), min_lag=1, alpha=ALPHA, **settings)
        yield Candidate(gcm, "PCMCI(GCM)", "because relations bend: its test sees curves.")
    if shape.is_not_gaussian and not hidden_causes:
        yield Candidate(
            VARLiNGAM(**settings),
            "VARLiNGAM",
            f"if relations are linear: {shape.n_tailed} of {shape.n_columns} columns are not "
            "Gaussian, which lets it direct links within a step.",
        )
    if not hidden_causes:
        bound = {"alpha": ALPHA, "correction": "bh", **settings}
        yield Candidate(
            Granger(**bound), "Granger(bh)", "if links within a step do not matter: the quickest."
        )


def _series_test(table: Table) -> tuple[Any, str]:
    """None is partial correlation; holes of series are borders, and need no test of their own."""
    test, kind = fitting_test(_without_holes(table))
    return (None if kind == "numbers" else test), kind


def _without_holes(table: Table) -> Table:
    return Table(table.names, np.nan_to_num(table.values), table.levels)
