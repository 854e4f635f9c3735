"""How much an arrow of a model matters: what changes when the cause alone is drawn anew.

A graph lists which variables enter a mechanism, not how much they do there. Of an arrow X -> Y,
take rows of the model, give Y the X of another row, and leave its other causes and its noise as
they are. The strength is

    E (Y' − Y)² / (2 Var Y),        of a category: the share of rows in which Y' is not Y.

A linear mechanism with slope β has strength β² Var X / Var Y. An arrow of strength zero is one that
no data can show, so a benchmark should know which arrows are weak.

References
----------
Sobol (2001), Mathematics and Computers in Simulation 55, 271-280 (the total index, of which this is
the form for causes that may be dependent). doi:10.1016/S0378-4754(00)00270-6
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from causalkit.models.structural._ancestral import System
from causalkit.typing import FloatArray, Name

__all__ = ["arrow_strengths"]


def arrow_strengths(
    system: System, n: int, rng: np.random.Generator, categories: Collection[Name] = ()
) -> list[tuple[Name, Name, float]]:
    """Strength of each arrow, by rows that are drawn.

    Parameters
    ----------
    system : System
    n : int
        Rows, at least 2.
    rng : Generator
    categories : collection of names
        Variables whose values are positions of levels without an order.

    Returns
    -------
    list of (cause, effect, strength)
    """
    rows, order = rng.spawn(2)
    noise = system.draw(n, rows)
    values = system.values(noise, n)
    other = order.permutation(n)
    names, found = system.dag.nodes, []
    for k, (mechanism, own) in enumerate(zip(system.mechanisms, noise, strict=True)):
        parents = system.parents(k)
        if own is None:
            continue
        for place, parent in enumerate(parents):
            causes = values[parents].T.copy()
            causes[:, place] = values[parent][other]
            again = mechanism.value(causes, own)
            moved = _moved(values[k], again, category=names[k] in categories)
            found.append((names[parent], names[k], moved))
    return found


def _moved(before: FloatArray, after: FloatArray, *, category: bool) -> float:
    if category:
        return float((before != after).mean())
    spread = float(before.var())
    return float(((before - after) ** 2).mean()) / (2 * spread) if spread > 0 else 0.0
