"""What constraint-based algorithms do before their search: check settings, order columns, bind."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from causalkit._core.checks import check_choice, check_count, check_fraction, check_positive
from causalkit._core.moments import Moments
from causalkit._core.parallel import check_jobs
from causalkit._core.table import Table
from causalkit.discovery.constraint._colliders import COLLIDER_RULES
from causalkit.discovery.constraint._skeleton import Bounds, Clock, Skeleton
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import InputError, KnowledgeWarning, TimeBudgetWarning
from causalkit.independence import BoundTest, CITest, FisherZ
from causalkit.typing import Name

__all__ = [
    "Setup",
    "as_knowledge",
    "as_test",
    "in_name_order",
    "reads_moments",
    "set_up",
    "warn_of",
]


_NOTHING: Final = Knowledge()


@dataclass(frozen=True, slots=True)
class Setup:
    """A search that can begin.

    Attributes
    ----------
    names : tuple of names
        Nodes in the order of the names of their columns, so that permuted columns give the same
        graph. They are the columns themselves, unless the test groups or reserves some.
    shown : tuple of names
        Nodes in the order of the data.
    bound : BoundTest
        On the nodes in the first order.
    bounds : Bounds
        Knowledge about them.
    alpha : float
    rule : str
        How colliders are judged.
    max_order, n_jobs : int or None
    clock : Clock
        Runs since the beginning.
    """

    names: tuple[Name, ...]
    shown: tuple[Name, ...]
    bound: BoundTest
    bounds: Bounds
    alpha: float
    rule: str
    max_order: int | None
    n_jobs: int | None
    clock: Clock


def set_up(
    table: Table | Moments,
    test: CITest | None,
    knowledge: Knowledge | None,
    *,
    alpha: float,
    collider_rule: str,
    max_order: int | None,
    n_jobs: int | None,
    max_seconds: float | None,
) -> Setup:
    """Check the settings of an algorithm and bind its test to the table."""
    alpha = check_fraction(alpha, "alpha")
    rule = check_choice(collider_rule, "collider_rule", COLLIDER_RULES)
    if max_order is not None:
        check_count(max_order, "max_order", minimum=0)
    if max_seconds is not None:
        check_positive(max_seconds, "max_seconds")
    check_jobs(n_jobs)
    clock = Clock.start(max_seconds)
    test = as_test(test)
    columns = in_name_order(table.names)
    bound = _bind(test, table if columns == table.names else table.select(columns))
    names = test.nodes(columns)
    known = as_knowledge(knowledge)
    bounds = Bounds.none(len(names))
    if known is not _NOTHING:
        bounds = Bounds(known.forbidden_matrix(names), known.required_matrix(names))
    shown = test.nodes(table.names)
    return Setup(names, shown, bound, bounds, alpha, rule, max_order, n_jobs, clock)


def _bind(test: CITest, table: Table | Moments) -> BoundTest:
    if isinstance(table, Table):
        return test.bind(table)
    bound: BoundTest = test.bind_moments(table)  # type: ignore[attr-defined]
    return bound


def reads_moments(test: CITest | None) -> bool:
    """Whether a test can do without the rows."""
    return callable(getattr(as_test(test), "bind_moments", None))


def warn_of(found: Skeleton, n_contradictions: int) -> None:
    """Warn of a search that was stopped, and of knowledge that the data contradict."""
    if found.stopped:
        warnings.warn(
            f"{found.stopped}. The graph has more edges than a full search would leave; give it "
            "more seconds, or a smaller max_order.",
            TimeBudgetWarning,
            stacklevel=4,
        )
    if n_contradictions:
        warnings.warn(
            f"the data contradict the knowledge in {n_contradictions} place(s); the knowledge was "
            "obeyed. See conflicts_ for each.",
            KnowledgeWarning,
            stacklevel=4,
        )


def in_name_order(names: Collection[Name]) -> tuple[Name, ...]:
    """Sort names: numbers, then words, the shorter ones first, so that x2 comes before x10."""
    numbers = sorted(name for name in names if not isinstance(name, str))
    words = sorted(name for name in names if isinstance(name, str))
    return (*numbers, *sorted(words, key=len))


def as_test(test: CITest | None) -> CITest:
    """Check a test; none is :class:`~causalkit.independence.FisherZ`."""
    if test is None:
        return FisherZ()
    if isinstance(test, type) or not callable(getattr(test, "bind", None)):
        raise InputError(
            f"test={test!r}; expected a conditional-independence test such as FisherZ(). Pass an "
            "instance, with parentheses, or leave it out."
        )
    return test


def as_knowledge(knowledge: Knowledge | None) -> Knowledge:
    """Check knowledge; none is empty."""
    if knowledge is None:
        return _NOTHING
    if not isinstance(knowledge, Knowledge):
        raise InputError(
            f"knowledge is a {type(knowledge).__name__}; expected Knowledge(tiers=…, required=…, "
            "forbidden=…). Knowledge.from_dict reads a dict."
        )
    return knowledge
