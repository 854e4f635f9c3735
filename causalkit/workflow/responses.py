"""`impulse_response`: from a graph of series and the series to a curve of effects over time.

One call for what can be done by hand: identify the effect of X[t], X[t-1], X[t-2], … on Y[t] in the
graph, each with its own adjustment set, and estimate them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import ArrayLike

from causalkit._core.checks import check_choice, check_count
from causalkit._core.series import as_series
from causalkit._core.step_lengths import steps_in
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.estimation import EffectEstimator, ImpulseResponse, estimate_response
from causalkit.graph import LaggedGraph
from causalkit.graph.lagged import Lagged
from causalkit.identification import Estimand, identify, sustained
from causalkit.typing import Data, Name, Names, RandomState

__all__ = ["impulse_response"]


def impulse_response(
    graph: LaggedGraph,
    treatment: Name,
    outcome: Name,
    data: Data,
    estimator: EffectEstimator | None = None,
    *,
    horizon: int | str = 10,
    kind: str = "pulse",
    observed: Names | None = None,
    max_adjustment_lag: int | None = None,
    clusters: Name | ArrayLike | None = None,
    panel: Name | None = None,
    time: Name | None = None,
    mask: Name | None = None,
    random_state: RandomState = 0,
) -> ImpulseResponse:
    """Estimate the effects of one series on another after 0, 1, …, `horizon` steps.

    Parameters
    ----------
    graph : LaggedGraph
    treatment, outcome : str or int
        Series of the graph.
    data : series
        As in :func:`~causalkit.estimation.estimate`.
    estimator : EffectEstimator, optional
        `OLS()` with a :class:`~causalkit.estimation.HAC` standard error if left out.
    horizon : int or str, default 10
        Steps, or a length of time such as "1h", where the data have dates.
    kind : {"pulse", "sustained"}
        One unit more of treatment for one step, after which it goes its own way; or one unit more
        at every step from then on.
    observed, max_adjustment_lag
        As in :func:`~causalkit.identification.identify`.
    clusters, random_state, panel, time, mask
        As in :func:`~causalkit.estimation.estimate`.

    Returns
    -------
    ImpulseResponse

    Raises
    ------
    NotIdentifiableError
        If the effect at a horizon is not identified.
    InputError
        If the graph is none of series, or the data are too short.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph, the same at every step;
    - the series are stationary;
    - what the estimator assumes: by default that the outcome is linear in what it is regressed on.

    A lasting change cannot be read off the regression on all treatments where treatment changes
    what later treatment depends on (a confounder between them that is also an effect). It is then
    reported as not identified by adjustment.

    Examples
    --------
    >>> import numpy as np
    >>> graph = LaggedGraph.parse("X[t-1] -> X[t]; X[t-1] -> Y[t]; Y[t-1] -> Y[t]")
    >>> X, Y = np.random.default_rng(0).normal(size=(2, 1000))
    >>> for t in range(1, 1000):
    ...     X[t] += 0.5 * X[t - 1]
    ...     Y[t] += 0.8 * X[t - 1] + 0.5 * Y[t - 1]
    >>> response = impulse_response(graph, "X", "Y", {"X": X, "Y": Y}, horizon=3)
    >>> truth = [0.0, 0.8, 0.8 * 0.5 + 0.5 * 0.8, 3 * 0.8 * 0.25]
    >>> lower, upper = response.band(0.99)
    >>> bool(((lower <= truth) & (truth <= upper)).all())
    True
    """
    if not isinstance(graph, LaggedGraph):
        raise InputError(
            f"the graph is a {type(graph).__name__}; expected a LaggedGraph, whose nodes have "
            "steps. Use LaggedGraph.parse('X[t-1] -> Y[t]'), or what a series algorithm found."
        )
    check_choice(kind, "kind", ("pulse", "sustained"))
    if isinstance(horizon, str):
        stamps = as_series(data, panel=panel, time=time, mask=mask).times
        horizon = steps_in(horizon, stamps, "horizon")
    check_count(horizon, "horizon", minimum=0)
    x, y = graph.node(treatment), graph.node(outcome)
    if x.name == y.name or x.lag or y.lag:
        raise InputError(
            f"treatment={treatment!r} and outcome={outcome!r}; expected two different series, "
            "without steps, which the horizons are. Write e.g. 'X' and 'Y'."
        )
    # When the treatment is set: from so many steps ago until then, or until now.
    doses = [
        sustained(x.name, steps, steps if kind == "pulse" else 0) for steps in range(horizon + 1)
    ]
    return estimate_response(
        _identified(graph, doses, y, observed=observed, max_adjustment_lag=max_adjustment_lag),
        data,
        estimator,
        kind=kind,
        clusters=clusters,
        random_state=random_state,
        panel=panel,
        time=time,
        mask=mask,
    )


def _identified(
    graph: LaggedGraph, doses: Iterable[Sequence[Lagged]], outcome: Lagged, **settings: Any
) -> list[Estimand]:
    """The effect of each dose, after 0, 1, … steps; an error says after how many."""
    found = []
    for steps, dose in enumerate(doses):
        try:
            found.append(identify(graph, dose, outcome, **settings))
        except NotIdentifiableError as error:
            raise NotIdentifiableError(
                f"after {steps} steps, {error}", witness=error.witness
            ) from None
    return found
