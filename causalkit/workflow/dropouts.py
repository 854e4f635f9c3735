"""Zeros that stand for "not detected": what mends a graph does not mend an effect.

A search with :class:`~causalkit.independence.ZeroDeletion` reads zeros of conditioning variables as
values that were lost. An estimator knows nothing of that. A lost value of the treatment is an error
in a regressor, which shrinks its coefficient; one of a variable that is adjusted for leaves part of
the confounding; one of the outcome shrinks the effect by the share that is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from causalkit._core.table import Table
from causalkit.independence import ZeroDeletion
from causalkit.typing import Name
from causalkit.workflow.notes import Note

__all__ = ["dropout_note"]

_MANY: Final = 0.05
"""Share of zeros from which a column is said to have lost values."""


def dropout_note(variables: Table, names: Iterable[Name], algorithm: Any) -> tuple[str, ...]:
    """What to think of an effect among columns with dropouts; nothing if there are none.

    Parameters
    ----------
    variables : Table
    names : iterable of names
        Treatment, outcome, and what is adjusted for; other names are passed over.
    algorithm : DiscoveryAlgorithm, SeriesAlgorithm or None
        Only one that searched with `ZeroDeletion` says that zeros are lost values.
    """
    if not _deletes_zeros(getattr(algorithm, "test", None)):
        return ()
    shares = {
        name: float(np.mean(variables.column(name) == 0))
        for name in dict.fromkeys(names)
        if name in variables.names and variables.levels[variables.index(name)] is None
    }
    lost = {name: share for name, share in shares.items() if share > _MANY}
    if not lost:
        return ()
    shown = ", ".join(f"{name} ({share:.0%})" for name, share in lost.items())
    return (
        Note(
            f"The graph was learnt with zeros as lost values, and {shown} are zero that often. The "
            "estimate reads these zeros as they stand: lost values of the treatment or the outcome "
            "shrink the effect, and those of what is adjusted for leave confounding in it. No "
            "check sees that. Compare with the effect on the rows without such zeros.",
            headline="Lost values (zeros) bias the effect",
        ),
    )


def _deletes_zeros(test: Any) -> bool:
    while test is not None:
        if isinstance(test, ZeroDeletion):
            return True
        test = getattr(test, "inner", None)
    return False
