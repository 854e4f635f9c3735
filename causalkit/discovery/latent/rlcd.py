"""RLCD: hidden variables anywhere in a linear model, found by ranks of covariance matrices.

Hidden variables may cause what is seen and each other, and be caused by either. Where some of what
is seen hangs together too closely for edges among it to explain, RLCD looks for sets whose
covariances with all else have a low rank (:mod:`~causalkit.discovery.latent.latent_rank`): as many
hidden variables lie between. These become variables themselves, and it goes on.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> hidden = rng.normal(size=1000)
>>> data = {name: hidden + 0.6 * rng.normal(size=1000) for name in "abcd"}
>>> print(RLCD().fit(data).graph_)  # doctest: +SKIP
CPDAG with 5 nodes, 4 edges: L1 -> a; L1 -> b; L1 -> c; L1 -> d
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import ClassVar

import numpy as np

from causalkit._core.checks import check_count, check_fraction, check_positive
from causalkit.discovery._causallearn import CausalLearnAlgorithm
from causalkit.discovery.latent._latent_names import fresh_names
from causalkit.discovery.latent._rlcd_worker import learn_in_own_process
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.adjacency import from_adjacency
from causalkit.typing import FloatArray, Name

__all__ = ["RLCD"]


class RLCD(CausalLearnAlgorithm):
    """Rank-based discovery of hidden variables that may be causes and effects of any others.

    Parameters
    ----------
    alpha : float, default 0.01
        Level of the rank tests, which are those of
        :func:`~causalkit.discovery.latent.latent_rank.rank_test`.
    max_latents : int, default 3
        Most hidden variables, or variables in their place, that are looked for at once (the largest
        rank tested); at most 3.
    penalty : float, default 1
        Weight of the BIC penalty in the first search, among what is seen, by GES. A larger one
        leaves fewer edges, and so fewer places where hidden variables are looked for.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over the columns and hidden variables `L1`, `L2`, …, in the order of the columns
        that they cause. Edges without arrow are undecided.
    latents_ : tuple of str
        Names of the hidden variables.

    Raises
    ------
    InputError
        From `fit`, if causal-learn has no RLCD (it came with version 0.1.4.8).

    Notes
    -----
    **Assumes:**

    - linear relations, hidden variables too, and Gaussian data, or rows enough for the tests;
    - the true graph is acyclic, and no selection;
    - each group of k hidden variables has enough pure children (k + 1, seen or found before) and
      neighbours, and no rank is low by coincidence (faithfulness of ranks).

    Only a class is found: among the neighbours of a hidden variable one that is its cause has the
    same ranks as an effect, and is drawn as one.

    The algorithm is causal-learn's, with our rank test. It runs in a process of its own, which
    takes some seconds, since its answer would otherwise differ from process to process with the
    seed of Python's hashes. Up to about 20 columns.

    References
    ----------
    Dong, Huang, Ng, Song, Zheng, Jin, Legaspi, Spirtes and Zhang (2024), "A versatile causal
    discovery framework to allow causally-related hidden variables", ICLR,
    doi:10.48550/arXiv.2312.11001.
    """

    latents_: tuple[str, ...]
    _least_columns: ClassVar[int] = 4

    def __init__(self, *, alpha: float = 0.01, max_latents: int = 3, penalty: float = 1.0) -> None:
        self.alpha = alpha
        self.max_latents = max_latents
        self.penalty = penalty

    def _learn(self, values: FloatArray, names: tuple[Name, ...]) -> CausalGraph:
        alpha = check_fraction(self.alpha, "alpha")
        most = check_count(self.max_latents, "max_latents")
        if most > 3:
            raise InputError(f"max_latents={most}; expected 1, 2 or 3. Lower it.")
        settings = {
            "alpha_dict": dict.fromkeys(range(4), alpha),
            "maxk": most,
            "stage1_ges_sparsity": 0.5 * check_positive(self.penalty, "penalty"),
        }
        if find_spec("causallearn.search.HiddenCausal.RLCD") is None:
            raise InputError(
                "this version of causal-learn has no RLCD; expected 0.1.4.8 or newer. Install it: "
                "pip install --upgrade causal-learn."
            )
        marks, hidden = learn_in_own_process(values, settings)
        p = len(names)
        order = _by_effects(marks, p)
        self.latents_ = fresh_names(len(hidden), names)
        place = [*range(p), *order]
        return from_adjacency(
            marks[np.ix_(place, place)],
            (*names, *self.latents_),
            convention="causal-learn",
            kind=Kind.CPDAG,
        )


def _by_effects(marks: FloatArray, p: int) -> list[int]:
    """Positions of hidden variables, in the order of the columns that they cause."""
    effects = (marks == -1) & (marks.T == 1)  # causal-learn: the mark at i's end, then at j's
    return sorted(
        range(p, len(marks)), key=lambda k: (np.flatnonzero(effects[k, :p]).tolist() or [p], k)
    )
