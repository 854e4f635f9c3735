"""A score for graphs over environments of which nobody says what was done in them.

A node either follows one mechanism in all environments, a regression on its parents with one
variance, or has its own in some of them: there it was intervened upon. For each set of parents the
score takes the environments that fit best,

    max over T:  L(node | parents; rows not in T) + Σ over e in T of L_e − penalty · log(n) / 2 · d,

with log-likelihoods L, and d the number of parents plus what each environment in T costs: mean and
variance where the parents are cut off, else the weights too. Since each node has its own T, the sum
over nodes is a score like any other, and a search for the graph finds the targets on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit.discovery.interventions._environments import Environments
from causalkit.scores import LocalScore
from causalkit.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    from causalkit.discovery.interventions._mechanism_kernels import Rows

__all__ = ["LocalMechanisms"]


@dataclass(frozen=True, slots=True, eq=False)
class LocalMechanisms(LocalScore):
    """Scores of nodes given parents, each with the targets that fit best.

    Attributes
    ----------
    environments : Environments
    untouched : ndarray of bool, shape (K,)
        Where it is known that nothing was intervened upon.
    price : float
        Of a parameter.
    targets : ndarray of bool, shape (n_sets, p), or None
        Sets that were found, once a graph is.
    """

    environments: Environments
    untouched: BoolArray
    price: float
    targets: BoolArray | None = None

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(self.environments.means.shape[1])

    @property
    def most_parents(self) -> int:
        """Half as many as there are rows."""
        return max(0, min(self.n_columns - 1, self.environments.n_rows // 2 - 1))

    def __call__(self, node: int, parents: Sequence[int]) -> float:
        """Score a column given others; -inf where one of them is redundant."""
        return self.split(node, parents)[0]

    def gains(self, node: int, parents: Sequence[int], candidates: Sequence[int]) -> FloatArray:
        """Change of the score as each of the candidates joins the parents."""
        from causalkit.discovery.interventions._mechanism_kernels import gains_of

        given, asked = np.array(parents, dtype=np.intp), np.array(candidates, dtype=np.intp)
        found: FloatArray = gains_of(self._rows(), node, given, asked, self.price)
        return found

    def split(self, node: int, parents: Sequence[int]) -> tuple[float, BoolArray, FloatArray]:
        """Score, environments in which the node has its own mechanism, and evidence for each."""
        from causalkit.discovery.interventions._mechanism_kernels import split

        given = np.array(parents, dtype=np.intp)
        score, touched, evidence = split(self._rows(), node, given, self.price)
        return float(score), touched, evidence

    def _rows(self) -> Rows:
        from causalkit.discovery.interventions._mechanism_kernels import Rows

        held = self.environments
        return Rows(held.n, held.means, held.grams, self.untouched)
