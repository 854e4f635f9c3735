"""How a test comes to read the surrogate: in columns beside the variables, as one node.

Tests differ in what they can make of that node. A kernel test takes the label with a delta kernel
and the time with a smooth one. A linear test takes a block of columns: indicators of all domains
but the first, and Legendre polynomials of the time, so that what it sees are means that differ
between domains or drift along a curve. Any other test takes one column as it is; one that would
measure labels as numbers is refused. What deals with missing cells is put around the group of
columns.
"""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Final

import numpy as np

from causalkit._core.table import Table
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.discovery.changing._surrogate_columns import Columns, Context, with_columns
from causalkit.errors import InputError
from causalkit.independence import (
    CITest,
    DegenerateGaussian,
    FeatureTest,
    FederatedSummary,
    FisherZ,
    Grouped,
    MissingnessCorrection,
    MultipleImputation,
    Oracle,
    PartialCorrelation,
    RankZ,
    RobustZ,
    TestwiseDeletion,
    ZeroDeletion,
)
from causalkit.independence.embedding import Embeds
from causalkit.independence.grouped import BindsGroups
from causalkit.typing import FloatArray, Name

__all__ = ["attach", "read_sums"]

_DELETION: Final = (TestwiseDeletion, ZeroDeletion)
_AROUND: Final = (*_DELETION, MultipleImputation)
"""Settings for missing cells, inside of which columns are grouped."""

_NUMERIC: Final = (RobustZ, MissingnessCorrection, PartialCorrelation, RankZ)
"""Tests that read a column as numbers."""

_DEGREE: Final = 4
"""Of the polynomials by which a linear test follows the time."""


def attach(test: CITest, variables: Table, context: Context) -> tuple[CITest, Table]:
    """Put the surrogate into the table as one node, in the way in which the test reads it.

    Raises
    ------
    InputError
        If the test cannot read it.
    """
    node, surrogate = context.node, context.surrogate
    if isinstance(test, Oracle):
        numbers = surrogate.codes if surrogate.codes is not None else surrogate.time
        return test, with_columns(variables, {node: (np.asarray(numbers, np.float64), None)})
    linear = isinstance(_reader(test), (FisherZ, Embeds))
    # In the rows of one question an indicator may be constant; a category is read anew.
    if linear and not (isinstance(test, _DELETION) and surrogate.codes is not None):
        block = _linear_columns(surrogate)
        names = (node,) if len(block) == 1 else _fresh_names(node, len(block), variables.names)
        columns: Columns = {name: (held, None) for name, held in zip(names, block, strict=True)}
        return _grouped(test, node, names), with_columns(variables, columns)
    if surrogate.n_domains > 2:
        test = _with_labels(test)
        _check_reads_labels(test, variables, context)
    read = _columns_as_they_are(variables, context, linear=linear)
    if len(read) > 1 and not isinstance(_reader(test), (BindsGroups, Embeds)):
        raise InputError(
            f"{_called(test)} reads one column a variable, and domain and time together are two; "
            "expected a test for variables of several columns: KCI(), RCoT(), RCIT(), FisherZ(), "
            "PartialCorrelation(), RankZ() or DegenerateGaussian(), where cells are missing within "
            "TestwiseDeletion() or MultipleImputation(). Use one of these, or name only one of the "
            "two columns."
        )
    return _grouped(test, node, tuple(read)), with_columns(variables, read)


def _columns_as_they_are(variables: Table, context: Context, *, linear: bool) -> Columns:
    """The domain as a category and the time as a number, or a curve for a linear test."""
    surrogate, columns = context.surrogate, Columns()
    if surrogate.codes is not None:
        columns[context.columns[0]] = surrogate.codes.astype(np.float64), context.labels
    when = surrogate.standard_time()
    if when is not None and linear:
        block = _linear_columns(Surrogate(None, surrogate.time))
        taken = (*variables.names, *context.columns)
        names = _fresh_names(context.columns[-1], len(block), taken)
        columns |= {name: (held, None) for name, held in zip(names, block, strict=True)}
    elif when is not None:
        columns[context.columns[-1]] = when, None
    return columns


def _reader(test: CITest) -> CITest:
    """Return the test that reads columns, inside of what deals with missing cells and groups."""
    while isinstance(test, (*_AROUND, Grouped)):
        test = test.inner
    return test


def _called(test: CITest) -> str:
    """Write `TestwiseDeletion(RobustZ())`."""
    inside = f"{_called(test.inner)}" if isinstance(test, (*_AROUND, Grouped)) else ""
    return f"{type(test).__name__}({inside})"


def _grouped(test: CITest, node: Name, names: tuple[Name, ...]) -> CITest:
    """Let the test read several columns as one node."""
    if names == (node,):
        return test
    if isinstance(test, _AROUND):
        return replace(test, inner=_grouped(test.inner, node, names))
    if isinstance(test, Grouped):
        return Grouped(test.inner, (*test.groups, (node, names)))
    return Grouped(test, {node: names})


def _with_labels(test: CITest) -> CITest:
    """Have a category read by indicators where there is Fisher's z inside."""
    if isinstance(test, FisherZ):
        return DegenerateGaussian()
    if isinstance(test, Grouped):
        return Grouped(_with_labels(test.inner), test.groups)
    if is_dataclass(test) and hasattr(test, "inner"):
        return replace(test, inner=_with_labels(test.inner))
    return test


def _check_reads_labels(test: CITest, variables: Table, context: Context) -> None:
    """Refuse a test that would measure the labels of domains as numbers."""
    imputes = isinstance(test, MultipleImputation) and bool(variables.missing.any())
    inmost = test
    while hasattr(inmost, "inner"):
        inmost = inmost.inner
    if not (isinstance(inmost, _NUMERIC) or imputes):
        return
    raise InputError(
        f"{_called(test)} {'imputes' if imputes else 'reads'} numbers, and domain "
        f"{context.columns[0]!r} has {context.surrogate.n_domains} labels; expected a test that "
        "tells labels apart: KCI(), RCoT(), FisherZ(), PartialCorrelation(), RankZ() or "
        "DegenerateGaussian(); where cells are missing TestwiseDeletion() of KCI() or FisherZ(), "
        "or MultipleImputation() of FisherZ(). Use one of these, or name the column as time if "
        "near values mean near conditions."
    )


def _linear_columns(surrogate: Surrogate) -> list[FloatArray]:
    """Indicators of all domains but the first, and polynomials of the time."""
    block: list[FloatArray] = []
    if surrogate.codes is not None:
        indicators = surrogate.codes[:, None] == np.arange(1, surrogate.n_domains)
        block += list(indicators.T.astype(np.float64))
    if surrogate.time is not None:
        low, high = surrogate.time.min(), surrogate.time.max()
        place = 2.0 * ((surrogate.time - low) / (high - low)) - 1.0
        degree = min(_DEGREE, len(np.unique(place)) - 1)
        block += list(np.polynomial.legendre.legvander(place, degree)[:, 1:].T)
    return block


def _fresh_names(node: Name, count: int, taken: tuple[Name, ...]) -> tuple[Name, ...]:
    mark = ""
    while any(f"{node}[{k}]{mark}" in taken for k in range(count)):
        mark += "'"
    return tuple(f"{node}[{k}]{mark}" for k in range(count))


def read_sums(
    summary: FederatedSummary, test: CITest | None, domain: Name | None, time: Name | None
) -> tuple[Context, CITest, Table]:
    """What a summary says of the domains; the table has names only.

    Raises
    ------
    InputError
        If a test or a time is named as well, or there is one domain only.
    """
    if test is not None or time is not None:
        raise InputError(
            "the data are a FederatedSummary, which is its own test and knows domains only; "
            f"expected test=None and time=None, got test={test!r}, time={time!r}. "
            "Leave them out."
        )
    n_domains = len(summary.domains)
    if n_domains < 2:
        raise InputError(
            f"the summary has one domain, {summary.domains[0]!r}; expected two or more. Merge "
            "the summaries of several sites, or use PC with FeatureTest(summary)."
        )
    node: Name = "domain" if domain is None else domain
    names = (*summary.design.names, node)
    context = Context((node,), node, Surrogate(np.arange(n_domains)), summary.domains)
    table = Table(names, np.zeros((2, len(names)), order="F"), (None,) * len(names))
    return context, FeatureTest(summary, node), table
