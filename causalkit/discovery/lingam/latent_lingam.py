"""ParceLiNGAM: as much of a causal order as hidden common causes leave.

DirectLiNGAM assumes that there are none, and gives a full order all the same. ParceLiNGAM tests. It
goes from the end of the order to its beginning: a variable that comes last, and shares no hidden
cause with the others, has a residual given all others that is independent of each of them. The one
that passes best is put last and set aside. Where none passes, the variables that are left stay
undecided: some of them share hidden causes.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> hidden, a, b, c = rng.exponential(size=(4, 500))
>>> a, b = a + 2 * hidden, b + 2 * hidden
>>> parce = ParceLiNGAM().fit({"a": a, "b": b, "c": a + b + c})
>>> print(parce.graph_)
PAG with 3 nodes, 3 edges: a o-o b; a -> c; b -> c
>>> parce.undecided_
('a', 'b')
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.stats import chi2

from causalkit._core.checks import check_fraction
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table
from causalkit.discovery._columns import standardised
from causalkit.discovery._setup import as_knowledge, as_test, in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.lingam._lingam_noise import (
    doubts,
    noise_of,
    normality_p_values,
    warn_of_doubts,
)
from causalkit.discovery.lingam._lingam_order import Limits, may_be_first
from causalkit.discovery.lingam._lingam_weights import (
    Pruning,
    check_not_determined,
    edge_weights,
    in_units,
)
from causalkit.discovery.lingam.lingam_effects import EffectMatrix
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.marks import show_name
from causalkit.independence import HSIC, CITest
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["ParceLiNGAM"]


class ParceLiNGAM(DiscoveryAlgorithm):
    """Learn a linear model with noise that is not Gaussian, but for where causes are hidden.

    Parameters
    ----------
    test : CITest, optional
        Of independence without a conditioning set; :class:`~causalkit.independence.HSIC` if left
        out.
    alpha : float, default 0.1
        A variable may come last if the combined p-value of its tests exceeds `alpha` over the
        number of variables less one. Larger leaves more undecided.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind PAG. Directed edges are direct causes; `o-o` joins any two that are undecided, of which
        nothing is known: either may cause the other, they may share a hidden cause, or neither.
        Knowledge draws an arrow at the one that is no cause (`o->`), or the whole edge (`->`) if
        it is required, and leaves those apart of which neither may cause the other.
    undecided_ : tuple of names
        The variables without an order, in that of the data. They come before all others.
    order_ : tuple of names
        The others, causes first.
    p_values_ : dict of name to float
        By which each of `order_` was put there; and of the best of the undecided ones.
    coefficients_ : EffectMatrix
        Direct effects in the units of the data; NaN between two that are undecided.
    doubtful_ : tuple of (cause, effect)
        Edges of which both variables have noise that may be Gaussian: their direction is a guess,
        unless knowledge says it.

    Notes
    -----
    **Assumes:**

    - each variable is a linear function of its causes, hidden ones too, plus independent noise;
    - the noise is not Gaussian, of all variables but one at most: Gaussian residuals are
      independent in any order;
    - the true graph is acyclic, and there is no selection.

    P-values are combined by Fisher's method, as published. The regressors of one residual depend on
    each other, so the combined p-value is small too often, and more stays undecided than `alpha`
    says. The undecided variables are not searched for parts that could be ordered among themselves.

    Each step tests the residual of each variable that may come last, by what is known, against all
    that are left: p³ / 3 tests in all without knowledge. Where none passes, all that are left are
    undecided, even those that knowledge puts last.

    References
    ----------
    Tashiro, Shimizu, Hyvärinen and Washio (2014), "ParceLiNGAM: a causal ordering method robust
    against latent confounders", Neural Computation 26: 57-83, doi:10.1162/NECO_a_00533.
    """

    undecided_: tuple[Name, ...]
    order_: tuple[Name, ...]
    p_values_: dict[Name, float]
    coefficients_: EffectMatrix
    doubtful_: tuple[tuple[Name, Name], ...]

    def __init__(
        self,
        test: CITest | None = None,
        *,
        alpha: float = 0.1,
        knowledge: Knowledge | None = None,
    ) -> None:
        self.test = test
        self.alpha = alpha
        self.knowledge = knowledge

    def _fit(self, table: Table) -> None:
        who = type(self).__name__
        test = HSIC() if self.test is None else as_test(self.test)
        alpha = check_fraction(self.alpha, "alpha")
        known = as_knowledge(self.knowledge)
        names = in_name_order(table.names)
        limits = Limits.of(known, names)
        with one_thread():
            values = standardised(table.select(names), who)
            correlations = values.T @ values / len(values)
            check_not_determined(correlations, names, who)
            order, p_values, n_open = _from_the_end(values, correlations, test, alpha, limits)
            edges, weights = _weights(correlations, order, n_open, len(values), limits)
            normal = normality_p_values(noise_of(values, np.nan_to_num(weights)))
        undecided = {names[k] for k in order[:n_open]}
        self.undecided_ = tuple(name for name in table.names if name in undecided)
        self.order_ = tuple(names[k] for k in order[n_open:].tolist())
        self.p_values_ = {names[k]: p_value for k, p_value in p_values.items()}
        arrows = [Edge(names[i], names[j], "->") for i, j in np.argwhere(edges).tolist()]
        arrows += _undecided_edges(limits, order[:n_open], names)
        self.graph_ = CausalGraph.from_edges(table.names, arrows, Kind.PAG)
        place = [names.index(name) for name in table.names]
        effects = in_units(weights[np.ix_(place, place)], table.values)
        self.coefficients_ = EffectMatrix(table.names, effects)
        self.doubtful_ = doubts(edges, normal, names, known)
        warn_of_doubts(self.doubtful_, int(edges.sum()), who)

    def _explain(self, a: Name, b: Name) -> Explanation:
        edges = self.graph_.edges_between(a, b)
        edge = str(edges[0]) if edges else "no edge"
        if a in self.undecided_ and b in self.undecided_:
            known = self._known_of(a, b)
            if not edges:
                return Explanation((a, b), edge, f"knowledge: {known}")
            best = [f"{show_name(n)} with p = {p:.3g}" for n, p in self.p_values_.items()]
            held = ", ".join(map(show_name, self.undecided_))
            told = " that may come last" if self.knowledge is not None else ""
            why = (
                f"of {{{held}}} none{told} has a residual that is independent of the others; the "
                f"best is {best[0]}, so some of them share hidden causes"
            )
            return Explanation((a, b), edge, why, f"knowledge: {known}" if known else "undecided")
        later = max((a, b), key=self._place)
        first = a if later == b else b
        knowledge = as_knowledge(self.knowledge)
        banned = knowledge.why_forbidden(first, later)
        if not edges:
            why = (
                f"the adaptive lasso left {show_name(first)} out of the causes of "
                f"{show_name(later)}, before which it comes"
            )
            return Explanation((a, b), edge, f"knowledge: {banned}" if banned else why)
        size = f"{self.coefficients_.of(first, later):.3g}"
        must = (first, later) in knowledge.required
        said = f"{show_name(first)} -> {show_name(later)} is required"
        why = f"knowledge: {said}" if must else "the adaptive lasso kept it"
        why += f": one unit of {show_name(first)} adds {size} to {show_name(later)}"
        back = knowledge.why_forbidden(later, first)
        direction = f"{show_name(first)} comes before {show_name(later)} in the causal order"
        if back is not None:
            direction = f"knowledge: {back}"
        elif later in self.p_values_:
            p_value = f"{self.p_values_[later]:.3g}"
            direction += f", whose residual is independent of all before it (p = {p_value})"
        return Explanation((a, b), edge, why, direction)

    def _known_of(self, a: Name, b: Name) -> str:
        """What knowledge says of the edge between two that are undecided."""
        known = as_knowledge(self.knowledge)
        found = [known.why_forbidden(a, b), known.why_forbidden(b, a)]
        joined = self.graph_.edges_between(a, b)
        if not any(found) and (not joined or joined[0].symbol != "o-o"):
            found = ["the required edges lead from one to the other"]
        return ", and ".join(dict.fromkeys(one for one in found if one))

    def _place(self, name: Name) -> int:
        return self.order_.index(name) if name in self.order_ else -1


def _from_the_end(
    values: FloatArray, correlations: FloatArray, test: CITest, alpha: float, limits: Limits
) -> tuple[IntArray, dict[int, float], int]:
    """Order with the undecided first, p-values by position, and the number of undecided ones."""
    p = len(correlations)
    backwards = Limits(limits.forbidden.T, limits.required.T, limits.is_none)
    left, last, p_values = np.arange(p), [], {}
    while len(left) > 1:
        able = np.flatnonzero(np.isin(left, may_be_first(left, backwards)))
        fits = _log_p_values(values[:, left], correlations[np.ix_(left, left)], able, test)
        best = int(left[able[np.argmax(fits)]])
        p_values[best] = float(np.exp(fits.max()))
        if fits.max() <= np.log(alpha / (p - 1)):
            break
        last.append(best)
        left = left[left != best]
    n_open = len(left) if len(left) > 1 else 0
    found = dict(reversed(p_values.items()))
    return np.array([*left, *reversed(last)], dtype=np.intp), found, n_open


def _log_p_values(
    values: FloatArray, correlations: FloatArray, able: IntArray, test: CITest
) -> FloatArray:
    """Of some variables: whether the residual given the others is independent of all of them."""
    m = values.shape[1]
    precision = np.linalg.inv(correlations)
    residuals = values @ (precision / np.diagonal(precision))
    both = np.asfortranarray(np.hstack([values, residuals]))
    both.flags.writeable = False
    bound = test.bind(Table(tuple(range(2 * m)), both, (None,) * (2 * m)))
    found = np.empty(len(able))
    for place, j in enumerate(able.tolist()):
        others = [bound(i, m + j).p_value for i in range(m) if i != j]
        fisher = -2.0 * np.log(np.maximum(others, np.finfo(np.float64).tiny)).sum()
        found[place] = chi2.logsf(fisher, 2 * (m - 1))
    return found


def _weights(
    correlations: FloatArray, order: IntArray, n_open: int, n_rows: int, known: Limits
) -> tuple[BoolArray, FloatArray]:
    """Edges and coefficients into those that have a place; NaN among those that have none."""
    among = np.zeros(correlations.shape, dtype=np.bool_)
    among[np.ix_(order[:n_open], order[:n_open])] = True
    np.fill_diagonal(among, False)
    limits = Limits(among | known.forbidden, known.required, known.is_none and not n_open)
    edges, weights = edge_weights(
        correlations, order, limits, Pruning("adaptive_lasso", 0.01, 0.0, n_rows)
    )
    return edges, np.where(among, np.nan, weights)


def _undecided_edges(limits: Limits, undecided: IntArray, names: tuple[Name, ...]) -> list[Edge]:
    """Edges among variables without an order: circles, but for what knowledge says."""
    above = np.eye(len(names), dtype=np.bool_)
    for _ in names:  # along required edges
        above |= above @ limits.required
    may_cause = ~(limits.forbidden | above.T)
    edges = []
    for i, j in combinations(sorted(undecided.tolist()), 2):
        there, back = bool(may_cause[i, j]), bool(may_cause[j, i])
        if not (there or back):
            continue
        i, j, both = (i, j, back) if there else (j, i, False)
        required = limits.required[i, j]
        edges.append(Edge(names[i], names[j], "o-o" if both else ("->" if required else "o->")))
    return edges
