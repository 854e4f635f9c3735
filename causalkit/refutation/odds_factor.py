"""Γ: by how much a hidden cause may change the odds of treatment, and where an answer turns.

Two ways to say how strong a hidden cause is have the same measure. Γ = 1 is none; at Γ = 2 it makes
treatment twice as likely, by odds, for one of two who are alike in all that was measured. An answer
that stands up to a large Γ is hard to explain away. So both are read in the same way: what holds at
a given Γ, and the Γ at which it holds no longer. They differ in who is compared with whom: rows of
a table with the odds that their columns give (:mod:`~causalkit.refutation.odds_bounds`), or the two
of a matched pair (:mod:`~causalkit.refutation.matched_pairs`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from causalkit.errors import InputError

__all__ = ["check_gamma", "turning_gamma"]


def check_gamma(gamma: Any) -> None:
    """Refuse what is no factor of 1 or more.

    Raises
    ------
    InputError
    """
    if not (isinstance(gamma, (int, float)) and 1 <= gamma < np.inf):
        raise InputError(
            f"gamma={gamma!r}; expected a factor of 1 or more by which a hidden cause may change "
            "the odds of treatment. For a factor below 1 take its inverse."
        )


def turning_gamma(gap: Callable[[float], float], *, largest: float, tolerance: float) -> float:
    """Return the Γ at which a falling function of log Γ reaches zero.

    Parameters
    ----------
    gap : function of log Γ
        Above zero while the answer stands.
    largest : float
        Γ beyond which it is said to stand for ever.
    tolerance : float
        Of log Γ.

    Returns
    -------
    float
        1 if it does not stand at Γ = 1; infinite if it stands at the largest.

    Examples
    --------
    >>> round(turning_gamma(lambda log: np.log(3) - log, largest=1e3, tolerance=1e-8), 6)
    3.0
    """
    from scipy.optimize import brentq

    if gap(0.0) <= 0:
        return 1.0
    top = float(np.log(largest))
    if gap(top) > 0:
        return float(np.inf)
    return float(np.exp(brentq(gap, 0.0, top, xtol=tolerance)))
