"""Algorithms that allow for hidden variables and that causal-learn carries out.

* :class:`RCD` and :class:`CAMUV` draw `<->` between variables that share a hidden cause; linear
  relations with noise that is not Gaussian, or nonlinear ones with additive noise.
* :class:`GIN` takes all observed variables for indicators of hidden ones, and finds these, their
  indicators and their causal order.

All of them test independence by kernels, in matrices of rows by rows: take up to about 2,000 rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import ClassVar

import numpy as np

from causalkit._core.checks import check_count, check_fraction
from causalkit.discovery._causallearn import CausalLearnAlgorithm
from causalkit.discovery.latent._latent_names import fresh_names
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.typing import FloatArray, Name

__all__ = ["CAMUV", "GIN", "RCD"]


class RCD(CausalLearnAlgorithm):
    """Repetitive causal discovery: linear, not Gaussian, with hidden common causes.

    Parameters
    ----------
    alpha : float, default 0.01
        Of the kernel test for independence of residuals.
    correlation_alpha : float, default 0.01
        Of the test for correlation.
    normality_alpha : float, default 0.01
        Of the test for normality; a variable that passes as Gaussian gives no direction.
    max_explanatory : int, default 2
        Most variables that are tried as causes of another one at once.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind ADMG: `<->` between variables that share a hidden cause.

    Notes
    -----
    **Assumes:**

    - linear relations, and noise that is not Gaussian, of hidden variables too;
    - the true graph is acyclic, and no selection;
    - two variables with a hidden common cause are not direct causes of each other.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> hidden, a, b, c = rng.normal(size=(4, 300)) ** 3
    >>> a, b = a + hidden, b + hidden
    >>> print(RCD().fit({"a": a, "b": b, "c": a + c}).graph_)
    ADMG with 3 nodes, 2 edges: a <-> b; a -> c

    References
    ----------
    Maeda, Shimizu (2020), "RCD: Repetitive causal discovery of linear non-Gaussian acyclic models
    with latent confounders", AISTATS, PMLR 108.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.01,
        correlation_alpha: float = 0.01,
        normality_alpha: float = 0.01,
        max_explanatory: int = 2,
    ) -> None:
        self.alpha = alpha
        self.correlation_alpha = correlation_alpha
        self.normality_alpha = normality_alpha
        self.max_explanatory = max_explanatory

    def _learn(self, values: FloatArray, names: tuple[Name, ...]) -> CausalGraph:
        settings = {
            "ind_alpha": check_fraction(self.alpha, "alpha"),
            "cor_alpha": check_fraction(self.correlation_alpha, "correlation_alpha"),
            "shapiro_alpha": check_fraction(self.normality_alpha, "normality_alpha"),
            "max_explanatory_num": check_count(self.max_explanatory, "max_explanatory"),
        }
        from causallearn.search.FCMBased import lingam

        weights = lingam.RCD(**settings).fit(values).adjacency_matrix_
        causes = [(j, i) for i, j in np.argwhere(~np.isnan(weights) & (weights != 0)).tolist()]
        return _mixed(names, causes, np.argwhere(np.isnan(weights)).tolist())


class CAMUV(CausalLearnAlgorithm):
    """Causal additive models with unobserved variables.

    Parameters
    ----------
    alpha : float, default 0.01
        Of the kernel test for independence of residuals.
    max_explanatory : int, default 2
        Most variables that are tried as causes of another one at once.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind ADMG: `<->` where a hidden variable is a common cause of two variables, or lies on a
        causal path between them, so that the direction is not found.

    Raises
    ------
    InputError
        From `fit`, if pygam, with which causal-learn smooths, is not installed.

    Notes
    -----
    **Assumes:**

    - each variable is a sum of smooth nonlinear functions of its causes, plus independent noise;
    - the true graph is acyclic, and no selection.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-2, 2, size=200)
    >>> data = {"x": x, "y": x**2 + 0.3 * rng.normal(size=200)}
    >>> CAMUV().fit(data).graph_  # doctest: +SKIP
    ADMG with 2 nodes, 1 edge: x -> y

    References
    ----------
    Maeda, Shimizu (2021), "Causal additive models with unobserved variables", UAI, PMLR 161.
    """

    def __init__(self, *, alpha: float = 0.01, max_explanatory: int = 2) -> None:
        self.alpha = alpha
        self.max_explanatory = max_explanatory

    def _learn(self, values: FloatArray, names: tuple[Name, ...]) -> CausalGraph:
        alpha = check_fraction(self.alpha, "alpha")
        # causal-learn counts the effect as well
        most = check_count(self.max_explanatory, "max_explanatory") + 1
        if find_spec("pygam") is None:
            raise InputError(
                "CAMUV smooths with the package pygam, which is not installed; expected it beside "
                "causal-learn. Install it: pip install pygam."
            )
        from causallearn.search.FCMBased.lingam.CAMUV import execute

        parents, hidden = execute(values, alpha, most)
        causes = [(j, i) for i, found in enumerate(parents) for j in found]
        return _mixed(names, causes, [sorted(pair) for pair in hidden])


def _mixed(
    names: tuple[Name, ...],
    causes: Iterable[tuple[int, int]],
    confounded: Iterable[list[int]],
) -> CausalGraph:
    """The ADMG with these causes and effects and these confounded pairs, by position."""
    edges = [Edge(names[i], names[j], "->") for i, j in causes]
    edges += [Edge(names[i], names[j], "<->") for i, j in confounded if i < j]
    return CausalGraph.from_edges(names, edges, Kind.ADMG)


class GIN(CausalLearnAlgorithm):
    """Hidden variables, their indicators and their causal order, by generalised independent noise.

    The observed variables fall into clusters, each of which measures one hidden variable. The
    clusters and their order follow from which combinations of variables are independent of others.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG, over the columns and hidden variables `L1`, `L2`, … in causal order. Each hidden
        variable points to its indicators and to all later hidden variables: the order is found,
        not which of these edges are there.
    latents_ : tuple of str
        Names of the hidden variables.
    clusters_ : tuple of tuples of names
        Indicators of each.

    Notes
    -----
    **Assumes:**

    - linear relations, and noise that is not Gaussian;
    - each observed variable is caused by one hidden variable and causes nothing; each hidden
      variable has at least two indicators;
    - the hidden variables form a DAG.

    Every variable is put into a cluster with the one it fits best, so a variable that measures
    nothing is not told apart. There is no significance level. (causal-learn's variant with tests,
    its function `GIN`, looks at the wrong columns as of version 0.1.4.8; this is its `GIN_MI`.)

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> noise = rng.uniform(-1, 1, size=(6, 300))
    >>> first = noise[0]
    >>> second = first + noise[1]
    >>> columns = [first, first, second, second]
    >>> data = {name: v + 0.3 * e for name, v, e in zip("abcd", columns, noise[2:])}
    >>> GIN().fit(data).clusters_
    (('a', 'b'), ('c', 'd'))

    References
    ----------
    Xie, Cai, Huang, Glymour, Hao, Zhang (2020), "Generalized independent noise condition for
    estimating latent variable causal graphs", NeurIPS 33, doi:10.48550/arXiv.2010.04917.
    """

    latents_: tuple[str, ...]
    clusters_: tuple[tuple[Name, ...], ...]
    _least_columns: ClassVar[int] = 4

    def _learn(self, values: FloatArray, names: tuple[Name, ...]) -> CausalGraph:
        from causallearn.search.HiddenCausal.GIN.GIN import GIN_MI

        _, order = GIN_MI(values)
        self.clusters_ = tuple(tuple(names[k] for k in sorted(cluster)) for cluster in order)
        self.latents_ = fresh_names(len(order), names)
        edges = [
            (hidden, effect)
            for k, hidden in enumerate(self.latents_)
            for effect in (*self.clusters_[k], *self.latents_[k + 1 :])
        ]
        return CausalGraph.from_edges((*names, *self.latents_), edges, Kind.DAG)
