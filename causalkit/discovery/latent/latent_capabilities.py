"""Hidden variables in causal order, from how independent components differ between environments.

What is measured is a mixture of a few hidden variables z, x = Gz, with the same G everywhere. In
each environment z follows a linear model of its own, along one causal order: B z = e, with B lower
triangular and e independent and not Gaussian. Independent component analysis finds e of each
environment as rows W = B H of weights of x, with a shared H that reads z off x. The first component
depends on z1 alone, so its rows are the same in all environments, but for their length; what the
second adds to that is the same again, and so on. So the rows are matched and H is read off, as far
as it can be: each hidden variable up to a mixture with those before it, for which H is given
orthogonal rows.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> mixing, parts = rng.normal(size=(2, 5)), []
>>> for effect in (0.5, -1.0, 2.0):
...     first, second = rng.laplace(size=(2, 2000))
...     parts.append(np.column_stack([first, effect * first + second]) @ mixing)
>>> rows = np.concatenate(parts) + 0.01 * rng.normal(size=(6000, 5))
>>> data = {"environment": np.repeat([0, 1, 2], 2000), **{f"task{k}": rows[:, k] for k in range(5)}}
>>> hca = HCA(n_latents=2, random_state=0).fit(data)
>>> max(hca.inexactness_.values()) < 0.01
True
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import numpy as np
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count
from causalkit._core.parallel import one_thread
from causalkit._core.random import as_generator, draw_seed
from causalkit._core.table import Table, as_table
from causalkit.discovery._columns import standardised
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.latent._latent_names import fresh_names
from causalkit.discovery.lingam.lingam_effects import EffectMatrix
from causalkit.errors import ConvergenceWarning, InputError, NumericalError
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.marks import show_name
from causalkit.typing import Data, FloatArray, IntArray, Name, RandomState

__all__ = ["HCA"]

_MOST: Final = 7
"""Hidden variables of which all orders can be tried."""


class HCA(DiscoveryAlgorithm):
    """Hierarchical component analysis: hidden variables with a causal order, from environments.

    Parameters
    ----------
    n_latents : int, default 3
        Number of hidden variables, at most 7 and at most the number of columns.
    group : str or int, default "environment"
        Column that says which environment a row comes from, as a label.
    max_iter : int, default 2000
        Most steps of each independent component analysis.
    random_state : int, Generator or None, default 0
        Source of its starting values.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG, over the columns but the group and hidden variables `L1`, `L2`, … in causal order.
        Each hidden variable points to all columns and to all later hidden variables: the order is
        found, not which of these edges are there.
    latents_ : tuple of str
        Names of the hidden variables.
    environments_ : tuple
        Labels.
    latent_effects_ : dict of label to EffectMatrix
        Direct effects among the hidden variables in each environment.
    mixing_ : ndarray of shape (n_columns, n_latents)
        Units of each column for one of each hidden variable, in the order of `graph_`.
    components_ : ndarray of shape (n_latents, n_columns)
        Weights that read the hidden variables off the columns; see :meth:`transform`.
    inexactness_ : dict of label to float
        Share of the squared correlations of the noise that is off the diagonal: 0 if the hidden
        variables of the environment follow an exact linear model with independent noise along this
        order, larger the less they do.
    misfit_ : float
        Share of the rows of unmixing weights that no shared H explains; 0 if one explains all.

    Raises
    ------
    InputError
        From `fit`, if there are fewer than 2 environments, more hidden variables than columns, or
        too few rows in an environment.

    Notes
    -----
    **Assumes:**

    - columns are a linear mixture of the hidden variables, the same in all environments, and the
      hidden variables carry most of what columns have in common;
    - in each environment a linear acyclic model of the hidden variables with independent noise that
      is not Gaussian, of all but one at most;
    - the same causal order in all environments, and effects that differ between enough of them:
      with too few, other orders fit as well.

    Columns are taken in units of their standard deviation over all rows, and are centred within
    each environment. Principal components of the pooled rows come first. In the first environment
    all orders of its components are tried; in each other one the component that points most nearly
    the same way is matched with it, and the order with the least misfit is kept.

    The coefficient is not on the scale of the published one, which is defined otherwise.

    References
    ----------
    Jin, Syrgkanis, Kakade and Zhang (2025), "Discovering hierarchical latent capabilities of
    language models via causal representation learning", doi:10.48550/arXiv.2506.10378.
    """

    latents_: tuple[str, ...]
    environments_: tuple[object, ...]
    latent_effects_: dict[object, EffectMatrix]
    mixing_: FloatArray
    components_: FloatArray
    inexactness_: dict[object, float]
    misfit_: float

    def __init__(
        self,
        n_latents: int = 3,
        *,
        group: Name = "environment",
        max_iter: int = 2000,
        random_state: RandomState = 0,
    ) -> None:
        self.n_latents = n_latents
        self.group = group
        self.max_iter = max_iter
        self.random_state = random_state

    def _fit(self, table: Table) -> None:
        who = type(self).__name__
        m = check_count(self.n_latents, "n_latents")
        max_iter = check_count(self.max_iter, "max_iter")
        rng = as_generator(self.random_state)
        codes, labels = _environments(table, self.group)
        shown = tuple(name for name in table.names if name != self.group)
        names = in_name_order(shown)
        if m > min(_MOST, len(names)):
            raise InputError(
                f"n_latents={m} with {len(names)} columns; expected at most {_MOST}, and at most "
                "the number of columns. Lower it."
            )
        kept = table.select(names)
        values = standardised(kept, who)
        rows = [np.flatnonzero(codes == k) for k in range(len(labels))]
        for label, which in zip(labels, rows, strict=True):
            if len(which) < 10 * m:
                raise InputError(
                    f"environment {label!r} has {len(which)} row(s); {who} expects at least "
                    f"{10 * m}, ten for each hidden variable. Leave it out, or bring more."
                )
        with one_thread():
            centred = [values[which] - values[which].mean(axis=0) for which in rows]
            basis = _principal(centred, m)
            scores = [part @ basis for part in centred]
            unmixing = [_unmix(part, draw_seed(rng), max_iter) for part in scores]
            found = _match(unmixing)
        self._keep(found, basis, scores, (labels, kept, shown))

    def _keep(
        self,
        found: _Shared,
        basis: FloatArray,
        scores: list[FloatArray],
        read: tuple[tuple[object, ...], Table, tuple[Name, ...]],
    ) -> None:
        labels, kept, shown = read
        place = [kept.names.index(name) for name in shown]
        biggest = np.abs(kept.values).max(axis=0)
        spread = (kept.values / biggest).std(axis=0) * biggest
        loadings = basis @ found.reading.T
        sign = np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(loadings.shape[1])])
        self.mixing_ = (loadings * sign * spread[:, None])[place]
        self.components_ = ((loadings * sign).T / spread)[:, place]
        self._mean = (kept.values.mean(axis=0))[place]
        self.misfit_ = found.misfit
        self.environments_ = labels
        self.latents_ = fresh_names(len(sign), shown)
        self.latent_effects_, self.inexactness_ = {}, {}
        for label, B, part in zip(labels, found.triangular, scores, strict=True):
            signed = B * sign
            effects = np.eye(len(B)) - signed / np.diagonal(signed)[:, None]
            self.latent_effects_[label] = EffectMatrix(self.latents_, effects.T.copy())
            self.inexactness_[label] = _off_diagonal(part @ found.reading.T @ B.T)
        edges = [
            (latent, effect)
            for k, latent in enumerate(self.latents_)
            for effect in (*shown, *self.latents_[k + 1 :])
        ]
        self.graph_ = CausalGraph.from_edges((*shown, *self.latents_), edges, Kind.DAG)

    def transform(self, X: Data) -> FloatArray:
        """Read the hidden variables off the columns.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns
            With the columns that were fitted; the group is not needed.

        Returns
        -------
        ndarray of shape (n_rows, n_latents)
            Measured from the mean of all rows that were fitted.
        """
        check_is_fitted(self, "graph_")
        columns = [name for name in self.graph_.nodes if name not in self.latents_]
        found: FloatArray = (as_table(X, columns=columns).values - self._mean) @ self.components_.T
        return found

    def _explain(self, a: Name, b: Name) -> Explanation:
        edges = self.graph_.edges_between(a, b)
        if not edges:
            why = "the hidden variables carry all that columns have in common"
            return Explanation((a, b), "no edge", why)
        cause, effect = edges[0].left, edges[0].right
        i = self.latents_.index(str(cause))
        if effect not in self.latents_:
            j = self.graph_.index(effect)
            why = f"one unit of {cause} adds {self.mixing_[j, i]:.3g} to {show_name(effect)}"
            return Explanation((a, b), str(edges[0]), why, "columns are mixtures")
        sizes = [f"{e.of(cause, effect):.3g} in {k}" for k, e in self.latent_effects_.items()]
        shown = ", ".join(sizes[:8]) + (", …" if len(sizes) > 8 else "")
        way = f"{cause} is found before {effect}: its noise moves along fewer directions"
        return Explanation((a, b), str(edges[0]), f"direct effect {shown}", way)


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    """What environments share: H, and B of each, over principal components."""

    reading: FloatArray
    triangular: list[FloatArray]
    misfit: float


def _environments(table: Table, group: Name) -> tuple[IntArray, tuple[object, ...]]:
    """Number of the environment of each row, and their labels."""
    column = table.column(group)
    if np.isnan(column).any():
        raise InputError(
            f"column {group!r} has missing values; HCA needs to know the environment of each row. "
            "Fill them in, or drop these rows."
        )
    values, codes = np.unique(column, return_inverse=True)
    levels = table.levels_of(group)
    labels = tuple(
        (int(v) if v == int(v) else float(v)) if levels is None else levels[int(v)] for v in values
    )
    if len(labels) < 2:
        raise InputError(
            f"column {group!r} names 1 environment; HCA needs at least 2, between which effects "
            "differ. Bring more."
        )
    return codes.astype(np.intp), labels


def _principal(centred: list[FloatArray], m: int) -> FloatArray:
    """Directions in which columns vary most within environments, each of which counts the same."""
    pooled = sum(part.T @ part / len(part) for part in centred)
    _, vectors = np.linalg.eigh(pooled)
    return np.asarray(vectors[:, ::-1][:, :m], dtype=np.float64)


def _unmix(scores: FloatArray, seed: int, max_iter: int) -> FloatArray:
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning as NotConverged

    if scores.shape[1] == 1:
        return np.full((1, 1), 1.0 / float(scores.std()))
    ica = FastICA(whiten="unit-variance", max_iter=max_iter, tol=1e-6, random_state=seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = np.asarray(ica.fit(scores).components_, dtype=np.float64)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise NumericalError(
                f"independent component analysis broke down ({error}); expected columns that can "
                "be unmixed in each environment. Ask for fewer hidden variables."
            ) from error
    if any(issubclass(note.category, NotConverged) for note in caught):
        warnings.warn(
            f"independent component analysis did not converge in {max_iter} steps; expected noise "
            "that is clearly not Gaussian. Give it more steps (max_iter), or ask for fewer hidden "
            "variables.",
            ConvergenceWarning,
            stacklevel=5,
        )
    return found


def _match(unmixing: list[FloatArray]) -> _Shared:
    """Order the rows of all W so that W = B H with H shared, and B lower triangular."""
    rows = np.stack([W / np.linalg.norm(W, axis=1, keepdims=True) for W in unmixing])
    candidates = [_along(rows, order) for order in permutations(range(rows.shape[1]))]
    misfit, places, H = min(candidates, key=lambda candidate: candidate[0])
    triangular = []
    for W, place in zip(unmixing, places.T, strict=True):
        B = np.tril(W[place] @ H.T)
        triangular.append(B * np.sign(np.diagonal(B))[:, None])
    return _Shared(H, triangular, misfit)


def _along(rows: FloatArray, order: tuple[int, ...]) -> tuple[float, IntArray, FloatArray]:
    """Misfit, places of the rows of each environment, shape (m, n_environments), and H."""
    n, m = rows.shape[:2]
    left, free = rows.copy(), np.ones((n, m), dtype=np.bool_)
    H, places, misfit = np.zeros((m, m)), np.zeros((m, n), dtype=np.intp), 0.0
    for step, lead in enumerate(order):
        size = np.linalg.norm(left, axis=2)
        cosine = np.abs(left @ left[0, lead]) / np.maximum(size, 1e-12)
        places[step] = np.where(free, cosine, -1.0).argmax(axis=1)
        places[step, 0] = lead
        free[np.arange(n), places[step]] = False
        chosen = left[np.arange(n), places[step]]
        _, strength, directions = np.linalg.svd(chosen)
        H[step] = directions[0]
        misfit += float((strength[1:] ** 2).sum())
        left -= (left @ H[step])[:, :, None] * H[step]
    return misfit / (n * m), places, H


def _off_diagonal(noise: FloatArray) -> float:
    """Share of the squared correlations of the columns that is off the diagonal."""
    if noise.shape[1] == 1:
        return 0.0
    squares = np.corrcoef(noise.T) ** 2
    return float(1.0 - np.trace(squares) / squares.sum())
