"""Bounds: what graph and data say about an effect that they do not determine.

Where no formula gives the effect, data still rule most numbers out. Of everybody who was treated
the outcome under treatment was seen; only for the others may it be anything. An instrument narrows
this down further, and so does an effect that is known never to be negative::

    bound_effect         the mean or a probability of the outcome under do, or a difference of two
    bound_causation      how probable it is that a cause was necessary or sufficient
                         (causation.py)
    natural_bounds       in closed form, if nothing is assumed (closed.py)
    instrument_bounds    in closed form, by an instrument

The first two take any DAG or ADMG over discrete variables and a distribution of these, as published
or as counted in data. Hidden causes act through response types, and a linear program finds the
least and the largest effect of all models of the graph that have this distribution. `sharp` says
whether models of the graph reach both ends; else the effect is inside, perhaps well inside.

Who was randomised to a drug for cholesterol (Z) did not always take it (X). Whatever made people
comply, at least 39 of 100 improve (Y) because of the drug:

>>> from causalkit.identification.formulas.evaluation import ProbabilityTable
>>> trial = ProbabilityTable(
...     [[[0.919, 0.081], [0, 0]], [[0.315, 0.073], [0.139, 0.473]]], names=["Z", "X", "Y"])
>>> effect = bound_effect("Z -> X -> Y; X <-> Y", "X", "Y", trial)
>>> print(f"{effect.lower:.3f} to {effect.upper:.3f}")
0.392 to 0.780
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.identification._sentences import bulleted
from causalkit.identification.bounds._query import Answer, Term, World
from causalkit.identification.bounds._question import (
    Question,
    Setting,
    assigned,
    contrasted,
    levels_by_name,
    position,
    scored,
)
from causalkit.identification.formulas.evaluation import ProbabilityTable
from causalkit.identification.query import GraphLike
from causalkit.typing import Data, Name, Names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Bounds", "bound_effect", "mean_text"]


@dataclass(frozen=True, slots=True, repr=False)
class Bounds(Reported):
    """The least and the largest value that a causal quantity may have.

    Parameters
    ----------
    quantity : str
        What is bounded.
    lower, upper : float
        The ends.
    sharp : bool
        Whether models that the assumptions allow reach both ends; else the bounds are valid and
        perhaps wider than they need be.
    assumptions : tuple of str
        What must be true for the quantity to be within, one plain sentence each.
    method : str
        How the ends were found.
    gap : float
        How far the table is from what the assumptions allow; 0 if they fit.
    """

    quantity: str
    lower: float
    upper: float
    sharp: bool
    assumptions: tuple[str, ...]
    method: str = ""
    gap: float = 0.0

    @classmethod
    def of(
        cls,
        quantity: str,
        answer: Answer,
        assumptions: tuple[str, ...],
        limits: tuple[float, float],
    ) -> Bounds:
        """What a linear program found, which may err beyond what is possible at all."""
        lower, upper = (min(max(end, limits[0]), limits[1]) for end in (answer.lower, answer.upper))
        method = f"linear program over {answer.types:,} response types"
        if not answer.types:
            method = "a formula: the table determines it"
        return cls(quantity, lower, upper, answer.sharp, assumptions, method, answer.gap)

    @property
    def width(self) -> float:
        """Upper minus lower; 0 if the quantity is determined."""
        return self.upper - self.lower

    def excludes(self, value: float = 0.0) -> bool:
        """Whether a value lies outside; bounds that are undefined (NaN) exclude nothing."""
        return bool(value < self.lower or value > self.upper)

    def to_frame(self) -> pd.DataFrame:
        """Return one row, indexed by the quantity."""
        import pandas as pd

        row = {"lower": self.lower, "upper": self.upper, "width": self.width, "sharp": self.sharp}
        return pd.DataFrame([row], index=pd.Index([self.quantity], name="quantity"))

    def _report(self) -> Report:
        facts: list[tuple[str, object]] = [
            ("lower", self.lower),
            ("upper", self.upper),
            ("sharp", "yes" if self.sharp else "valid, maybe wider than need be"),
        ]
        if self.method:
            facts.append(("method", self.method))
        if self.gap:
            facts.append(("gap", f"the table is {self.gap:.3g} from what is assumed"))
        notes = ["Assumes:", *bulleted(self.assumptions)]
        return Report(title=f"Bounds of {self.quantity}", facts=facts, notes=notes)


def bound_effect(
    graph: GraphLike,
    treatment: Names,
    outcome: Name,
    table: ProbabilityTable | Data,
    *,
    contrast: Any = None,
    level: Any = None,
    given: Mapping[Name, Any] | None = None,
    observed: Names | None = None,
    monotone: Iterable[tuple[Name, Name]] = (),
    tolerance: float = 0.0,
) -> Bounds:
    """Bound an effect that graph and data may leave open.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG. Assumptions such as "no direct effect" are edges that it lacks.
    treatment : name or names
        What is set.
    outcome : name
        What is looked at.
    table : ProbabilityTable, DataFrame or dict of columns
        The distribution of the observed variables, all discrete. Data stand for their relative
        frequencies.
    contrast : pair of levels, or level, optional
        `(a, b)` compares treatment b with treatment a; a single level asks for the outcome under
        it alone. Of several treatments, each is a mapping of names to levels. Left out, the higher
        against the lower level of a treatment that has two.
    level : optional
        A level of the outcome whose probability is meant. Left out, the mean of the outcome, whose
        levels must be numbers.
    given : mapping of name to level, optional
        Among which units; none of these variables may be caused by the treatment.
    observed : names, optional
        Variables that the table has, if the graph has others too; left out, all.
    monotone : iterable of (cause, effect), optional
        Edges along which more of the cause never lowers the effect in any unit, everything else
        being equal; "no defiers" is `[("Z", "X")]`. More means later among the levels of the table.
    tolerance : float, optional
        How far the table may be from all distributions that graph and assumptions allow, such as by
        sampling error; the bounds are then those of the nearest ones.

    Returns
    -------
    Bounds
        A point if the effect is identified.

    Raises
    ------
    InputError
        If names or levels are unknown, the table contradicts the graph by more than `tolerance`, or
        there are more than 100,000 joint response types.
    GraphError
        If the graph is no DAG or ADMG.

    Notes
    -----
    **Assumes:**

    - the graph, and the monotone effects if any,
    - that the table is the distribution of the population: there is no sampling error in the ends.

    Positivity is not assumed: where a treatment never occurs, the outcome under it may be anything
    that the rest allows.

    Sharp is meant over all models with this ADMG. Variables that are joined by `<->`, each to each,
    may share one hidden cause, which includes several of them. Bounds are sharp if the variables
    that need response types are one such district, or one but for a variable without causes (a
    confounded instrument). Else independences of hidden causes that are not linear are left out.

    References
    ----------
    Balke, A., Pearl, J. (1997). Bounds on treatment effects from studies with imperfect compliance.
    JASA 92(439), 1171-1176. https://doi.org/10.1080/01621459.1997.10474074
    Sachs, M. C., Jonzon, G., Sjölander, A., Gabriel, E. E. (2023). A general method for deriving
    tight symbolic bounds on causal effects. JCGS 32(2), 567-576.
    https://doi.org/10.1080/10618600.2022.2071905
    Duarte, G., Finkelstein, N., Knox, D., Mummolo, J., Shpitser, I. (2024). An automated approach
    to causal inference in discrete settings. JASA 119(547), 1778-1793.
    https://doi.org/10.1080/01621459.2023.2216909

    Examples
    --------
    Hidden common causes of treatment and outcome, and nothing else known:

    >>> from causalkit.identification.formulas.evaluation import ProbabilityTable
    >>> seen = ProbabilityTable([[0.3, 0.2], [0.1, 0.4]], names=["X", "Y"])
    >>> bound_effect("X -> Y; X <-> Y", "X", "Y", seen).to_frame().round(3)
                                     lower  upper  width  sharp
    quantity
    E[Y | do(X=1)] - E[Y | do(X=0)]   -0.3    0.7    1.0   True

    If treatment never does harm:

    >>> helps = bound_effect("X -> Y; X <-> Y", "X", "Y", seen, monotone=[("X", "Y")])
    >>> print(f"{helps.lower:.1f} to {helps.upper:.1f}")
    0.0 to 0.7
    """
    named = levels_by_name(given, "given")
    question = Question.of(
        graph, treatment, outcome, table, given=named, observed=observed, monotone=monotone
    )
    table = question.table
    settings = contrasted(table, question.query.treatment, contrast)
    among = {name: position(table, name, value) for name, value in named.items()}
    strata = question.indicators(among)
    base = question.probability(strata)
    if base == 0.0:
        raise InputError(
            f"the table has no unit with {assigned(table, among)}; expected given to hold levels "
            "that occur together."
        )
    scores = scored(table, outcome, level)
    weights = {question.outcome: scores, **strata}
    terms = [
        Term(sign / base, (World(question.nodes(setting), weights),))
        for sign, setting in zip((1.0, -1.0), reversed(settings), strict=False)
    ]
    answer = question.problem(tolerance).bounds(terms, question.after)
    quantity = " - ".join(mean_text(table, outcome, level, s, among) for s in reversed(settings))
    least, largest = float(scores.min()), float(scores.max())
    limits = (least - largest, largest - least) if len(settings) == 2 else (least, largest)
    return Bounds.of(quantity, answer, question.assumptions, limits)


def mean_text(
    table: ProbabilityTable,
    outcome: Name,
    level: Any,
    setting: Setting,
    among: Setting | None = None,
) -> str:
    """`E[Y | do(X=1), W=0]`, or the probability of a level."""
    rest = f", {assigned(table, among)}" if among else ""
    under = f"do({assigned(table, setting)}){rest}"
    return f"E[{outcome} | {under}]" if level is None else f"P({outcome}={level} | {under})"
