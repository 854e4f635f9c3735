"""Clusters that are given, say by the design of a questionnaire: which indicators spoil them.

If each cluster measures one hidden variable and no indicator has anything else in common with
another one, many tetrads vanish (see :mod:`~causalkit.discovery.latent.tetrads`). :func:`purify`
tests them and drops the indicators that are to blame where they do not.

References
----------
Silva, Scheines, Glymour and Spirtes (2006), "Learning the structure of linear latent variable
models", JMLR 7: 191-246.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from causalkit._core.checks import as_names, check_fraction
from causalkit._core.parallel import one_thread
from causalkit._core.report import Report, Reported
from causalkit._core.table import as_table
from causalkit.discovery._columns import standardised
from causalkit.discovery.base import show_set
from causalkit.discovery.latent.tetrads import tetrad_p_values, tetrads_of
from causalkit.errors import InputError
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name, Names

__all__ = ["PureClusters", "purify"]


@dataclass(frozen=True, slots=True, repr=False)
class PureClusters(Reported):
    """Clusters of indicators, less those that spoil them.

    Attributes
    ----------
    clusters : tuple of tuples of names
        What is left of each, in the order given.
    dropped : tuple of names
        Indicators that were dropped, the worst first.
    n_violations : tuple of int
        Tetrads that ought to vanish and do not, before each was dropped and at the end.
    n_tetrads : int
        Tetrads that were tested at first.
    alpha : float
    """

    clusters: tuple[tuple[Name, ...], ...]
    dropped: tuple[Name, ...]
    n_violations: tuple[int, ...]
    n_tetrads: int
    alpha: float

    def _report(self) -> Report:
        return Report(
            "Pure clusters",
            facts=[
                *((f"cluster {k + 1}", show_set(c)) for k, c in enumerate(self.clusters)),
                ("dropped", show_set(self.dropped)),
                ("tetrads tested", self.n_tetrads),
                ("violated at first", self.n_violations[0]),
                ("violated at the end", self.n_violations[-1]),
            ],
        )


def purify(
    data: Data, clusters: Iterable[Names], *, alpha: float = 0.05, gaussian: bool = True
) -> PureClusters:
    """Drop indicators until no tetrad is violated that pure clusters keep at 0.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns
        Other columns may hold anything.
    clusters : iterable of collections of names
        Indicators of one hidden variable each; a name in one cluster at most.
    alpha : float, default 0.05
        Probability of dropping any indicator of pure clusters, at most (Holm's correction).
    gaussian : bool, default True
        As in :class:`FOFC`.

    Returns
    -------
    PureClusters

    Raises
    ------
    UnknownVariableError
        If a name is not in the data.
    InputError
        If a name is in two clusters, there are fewer than 4 indicators, or the data are not
        complete columns of numbers that vary.

    Notes
    -----
    **Assumes:**

    - linear relations, and rows that are independent draws of one distribution;
    - that each cluster has one hidden cause: what is tested is whether an indicator has further
      causes in common with others, or is their cause.

    Tested are all tetrads of three or four indicators of one cluster with any other one, and those
    of two and two indicators of two clusters, as sides. The indicator in most of the violated
    tetrads goes first, and it begins again.

    References
    ----------
    Silva, Scheines, Glymour and Spirtes (2006), "Learning the structure of linear latent variable
    models", JMLR 7: 191-246.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> first, second = rng.normal(size=(2, 1000))
    >>> hidden = [first] * 4 + [second] * 4
    >>> data = {name: h + rng.normal(size=1000) for name, h in zip("abcdefgh", hidden)}
    >>> data["d"] = data["d"] + second
    >>> purify(data, [list("abcd"), list("efgh")]).dropped
    ('d',)
    """
    level = check_fraction(alpha, "alpha")
    groups = [list(as_names(cluster)) for cluster in clusters]
    names = tuple(name for group in groups for name in group)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(
            f"{show_set(tuple(twice))} stand in two clusters; expected each name in one at most. "
            "Remove it from one of them."
        )
    values = standardised(as_table(data, columns=names), "purify", least_columns=4)
    group_of = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    index = _implied(group_of)
    with one_thread():
        correlations = values.T @ values / len(values)
        p_values = tetrad_p_values(values, correlations, index, gaussian=gaussian)
    left, dropped, counts = np.ones(len(names), dtype=np.bool_), [], []
    while True:
        alive = left[index].all(axis=1)
        bad = index[alive][_holm(p_values[alive], level)]
        counts.append(len(bad))
        if not len(bad):
            break
        worst = int(np.bincount(bad.ravel(), minlength=len(names)).argmax())
        left[worst] = False
        dropped.append(names[worst])
    kept = tuple(tuple(name for name in group if name not in dropped) for group in groups)
    return PureClusters(kept, tuple(dropped), tuple(counts), len(index), level)


def _implied(group_of: IntArray) -> IntArray:
    """Tetrads that vanish if the clusters are pure, shape (n, 4)."""
    quartets = np.array(list(combinations(range(len(group_of)), 4)), dtype=np.intp)
    groups = group_of[quartets]  # sorted, as the members are
    tetrads = tetrads_of(quartets)
    near = (groups[:, 0] == groups[:, 2]) | (groups[:, 1] == groups[:, 3])
    two_and_two = (groups[:, 0] == groups[:, 1]) & (groups[:, 2] == groups[:, 3]) & ~near
    found: IntArray = np.concatenate([tetrads[near].reshape(-1, 4), tetrads[two_and_two, 0]])
    return found


def _holm(p_values: FloatArray, alpha: float) -> BoolArray:
    """Hypotheses that Holm's procedure rejects."""
    order = np.argsort(p_values, kind="stable")
    m = len(p_values)
    passes = p_values[order] > alpha / (m - np.arange(m))
    rejected = np.zeros(m, dtype=np.bool_)
    rejected[order[: int(passes.argmax()) if passes.any() else m]] = True
    return rejected
