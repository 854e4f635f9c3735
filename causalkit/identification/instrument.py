r"""Instruments: variables that move the treatment, and the outcome only through it.

A hidden cause of treatment X and outcome Y leaves nothing to adjust for. An **instrument** Z goes
around it: what Z moves in X is free of the hidden cause, and what it then moves in Y can only have
come through X. Where X has the same effect τ on everybody, ::

    τ = Cov(Z, Y | W) / Cov(Z, X | W)                                       (1)

for each set W that makes Z a *conditional instrument* (Brito & Pearl 2002). Write `G_c` for the
graph without the first edges of the causal paths from X to Y. Then

1. *relevance*: Z is d-connected to X given W,
2. *exogeneity*: W separates Z from Y in `G_c`,
3. W has no descendant of Y, nor of a node between X and Y; nor is Z one.

Why: take the effect of X out of Y. Y − τX is what Y would be in a model whose graph is `G_c`; there
X, Z and W are what they were, by 3, so Cov(Z, Y − τX | W) = 0, by 2. If several paths lead from X
to Y, τ is the total effect. Conversely, with a Z and W that fail, (1) is wrong for almost all
coefficients of a linear model.

>>> graph = "W -> Z -> X -> Y; W -> Y; X <-> Y"
>>> is_instrument(graph, "X", "Y", "Z"), is_instrument(graph, "X", "Y", "Z", given="W")
(False, True)
>>> for found in instruments(graph, "X", "Y"):
...     print(found)
Z given W

**Effects that differ.** Then (1) has no simple meaning, but if Z is itself a cause of X, freed of
confounding by W, and moves nobody's X against the others (monotonicity), there is a ratio that is
the effect among *compliers*, those whose treatment follows Z (Imbens & Angrist 1994; Frölich 2007).
`target="compliers"` asks for such instruments. An effect of X may serve in (1), never here. With
neither assumption, discrete data still bound the effect (Balke & Pearl 1997).

**Search.** Whether some W makes a given Z an instrument is NP-complete. Yet if there is an
instrument at all, then there is one whose W is made of causes of Z and Y, and these *ancestral*
instruments are found in polynomial time (van der Zander, Textor & Liśkiewicz 2015).

**Several treatments** need several instruments. (1) then holds with matrices if those are
exogenous given the same W and the matrix Cov(Z, X | W) has full rank (:func:`instrumental_set`).

References
----------
Brito, C., Pearl, J. (2002). Generalized instrumental variables. UAI.
van der Zander, B., Textor, J., Liśkiewicz, M. (2015). Efficiently finding conditional instruments
for causal inference. IJCAI.
Imbens, G. W., Angrist, J. D. (1994). Identification and estimation of local average treatment
effects. Econometrica 62(2). https://doi.org/10.2307/2951620
Frölich, M. (2007). Nonparametric IV estimation of local average treatment effects with covariates.
Journal of Econometrics 139(1). https://doi.org/10.1016/j.jeconom.2006.06.004
Balke, A., Pearl, J. (1997). Bounds on treatment effects from studies with imperfect compliance.
JASA 92(439). https://doi.org/10.1080/01621459.1997.10474074
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import as_names
from causalkit.errors import InputError
from causalkit.graph.walks import ANCESTORS, mask_of, reach
from causalkit.identification._instrument_estimand import InstrumentEstimand, instrument_estimand
from causalkit.identification._instrument_problem import (
    InstrumentProblem,
    InstrumentSet,
    Target,
    problem,
)
from causalkit.identification.query import GraphLike, check_roles, listed
from causalkit.typing import BoolArray, Name, Names

__all__ = [
    "Instrument",
    "InstrumentEstimand",
    "InstrumentSet",
    "conditioning_set",
    "instrument_estimand",
    "instrumental_set",
    "instruments",
    "is_instrument",
]
