"""A search as a table: one row for each pair of variables, and the reason for what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from causalkit.discovery.constraint._evidence import Record
from causalkit.typing import BoolArray, Name

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.discovery.base import Explanation

__all__ = ["pairs_frame"]


def pairs_frame(
    names: tuple[Name, ...],
    record: Record,
    joined: BoolArray,
    explain: Callable[[Name, Name], Explanation],
) -> pd.DataFrame:
    """One row for each pair: what became of it, why, and the test that decided or came closest.

    Parameters
    ----------
    names : tuple of names
        Of p variables.
    record : Record
        Questions and answers.
    joined : ndarray of bool, shape (p, p)
        Which pairs have an edge.
    explain : callable
        Says in words what an edge is and what directed it.
    """
    i, j = np.triu_indices(len(names), 1)
    edge, known = joined[i, j], record.absent[i, j] | record.kept[i, j]
    frame = _deciding_tests(names, record)
    p_value = frame["p_value"].to_numpy()
    why = np.where(edge, "no set separates them", "independent given the set")
    why = np.where(edge & np.isnan(p_value), "no set could be tested", why)
    why = np.where(~edge & ~(p_value > record.alpha), "cut to break a circle of knowledge", why)
    shown = np.array(names, dtype=object)
    frame.insert(0, "a", shown[i])
    frame.insert(1, "b", shown[j])
    frame.insert(2, "edge", "")
    frame.insert(3, "why", np.where(known, "knowledge", why))
    frame.insert(4, "direction", None)
    for row in np.flatnonzero(edge).tolist():
        explained = explain(names[i[row]], names[j[row]])
        frame.loc[row, ["edge", "direction"]] = [explained.edge, explained.direction]
    return frame


def _deciding_tests(names: tuple[Name, ...], record: Record) -> pd.DataFrame:
    """Of each pair the test that separated it, else the one with the largest p-value."""
    import pandas as pd

    p = record.p
    m = p * (p - 1) // 2
    statistic, p_value = np.full(m, np.nan), np.full(m, np.nan)
    n_used, given = np.zeros(m, dtype=np.intp), np.empty(m, dtype=object)
    given[:] = [()] * m
    if record.screened:
        pairs = np.stack(np.triu_indices(p, 1), axis=1)
        statistic, p_value = record.bound.marginals(pairs)
        cut = record.absent[pairs[:, 0], pairs[:, 1]]
        statistic[cut], p_value[cut] = np.nan, np.nan
        n_used[~cut] = record.n_rows
    for keys, answers in record.blocks:
        i, j = np.divmod(keys, p)
        rows = i * (2 * p - i - 1) // 2 + j - i - 1
        better = answers.separated | ~(p_value[rows] >= answers.p_value)
        better &= ~np.isnan(answers.p_value) & ~(p_value[rows] > record.alpha)
        rows = rows[better]
        statistic[rows], p_value[rows] = answers.statistic[better], answers.p_value[better]
        n_used[rows] = answers.n_used[better]
        for row, members in zip(rows.tolist(), answers.given[better].tolist(), strict=True):
            given[row] = tuple(names[k] for k in sorted(members))
    for (a, b), evidence in record.later.items():
        row = a * (2 * p - a - 1) // 2 + b - a - 1
        result = evidence.result
        statistic[row], p_value[row], n_used[row] = result.statistic, result.p_value, result.n_used
        given[row] = tuple(names[k] for k in sorted(evidence.given))
    columns = {"statistic": statistic, "p_value": p_value, "n_used": n_used}
    return pd.DataFrame({"given": given, "order": [len(held) for held in given], **columns})
