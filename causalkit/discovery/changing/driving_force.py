"""The driving force: how one mechanism moves over domains or time, as a curve.

What changes a mechanism is not observed. What it does is: P(variable | causes, C = c) moves through
a space of distributions as c runs over domains or time. The principal components of that motion are
the coordinates in which it moves most; if one hidden quantity drives the mechanism, such as a
dose that is raised or an instrument that ages, the first component is that quantity up to an
invertible transformation.

The principal components are those of the points of the curve, centred, in the space of
:mod:`~causalkit.discovery.changing._change_curves`; that is the kernel principal component analysis
of the Gram matrix of the conditional, without the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import check_count
from causalkit._core.parallel import one_thread
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.discovery.changing._change_curves import ChangingConditional, changing_conditional
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.discovery.changing.changing_variables import ChangingVariables
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.independence.kernel_matrices import Block
from causalkit.typing import FloatArray, IntArray, Name, Names, RandomState

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["DrivingForce", "check_causes", "recover_driving_force"]

_LEVEL = 0.95


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DrivingForce(Reported):
    """How the mechanism of a variable moves over domains, time, or both.

    Attributes
    ----------
    variable : str or int
    parents : tuple of names
        Its causes, which the conditional is given.
    domains : tuple or None
        Label of the domain of each point; None if only the time is known.
    times : ndarray or None
        Time of each point, in the order of time within a domain.
    curve : ndarray of shape (n_points, n_components)
        Each component with mean 0 and standard deviation 1 over the points that were compared.
    share : ndarray of shape (n_components,)
        Part of the squared motion of the conditional that runs along each component. Chance moves
        an estimate too, so with few rows a domain the shares of a true single cause stay below 1.
    band : ndarray of shape (2, n_points, n_components) or None
        Pointwise 95 % range of the curve over bootstrap samples.

    Notes
    -----
    Sign and scale mean nothing: any invertible function of a hidden cause explains the same
    changes. The largest deviation is drawn upwards.
    """

    variable: Name
    parents: tuple[Name, ...]
    domains: tuple[object, ...] | None
    times: NDArray[Any] | None
    curve: FloatArray
    share: FloatArray
    band: FloatArray | None = None

    def to_frame(self) -> pd.DataFrame:
        """One row a point.

        Returns
        -------
        DataFrame
            Columns `domain` and `time` as far as they are known, `component_1`, …, and, with a
            band, `lower_1`, `upper_1`, ….
        """
        import pandas as pd

        columns: dict[str, Any] = {}
        if self.domains is not None:
            columns["domain"] = list(self.domains)
        if self.times is not None:
            columns["time"] = self.times
        for k, component in enumerate(self.curve.T):
            columns[f"component_{k + 1}"] = component
            if self.band is not None:
                columns[f"lower_{k + 1}"], columns[f"upper_{k + 1}"] = self.band[:, :, k]
        return pd.DataFrame(columns)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the curve over time, or a dot for each domain, with the band if there is one."""
        from causalkit.plotting.changes import plot_driving_force

        return plot_driving_force(self, ax=ax, **style)

    def _report(self) -> Report:
        given = ", ".join(map(str, self.parents)) or "nothing"
        over = "domains" if self.times is None else "times"
        rows = [
            (k + 1, float(part), float(component.min()), float(component.max()))
            for k, (part, component) in enumerate(zip(self.share, self.curve.T, strict=True))
        ]
        return Report(
            title=f"Driving force of {self.variable}",
            facts=[("given", given), (over, len(self.curve))],
            columns=("component", "share of the change", "lowest", "highest"),
            rows=rows,
            notes=["Known up to an invertible transformation: sign and scale mean nothing."],
        )


def check_causes(
    graph: CausalGraph, changing: ChangingVariables, variable: Name, parents: Names | None
) -> tuple[Name, tuple[Name, ...]]:
    """Return the variable, and its causes: those named, or those in the graph.

    Raises
    ------
    InputError
        If the mechanism was not found to change, or it is not known whether a neighbour is a cause.
    UnknownVariableError
        If there is no such variable.
    """
    node = changing.surrogate
    variable = graph.nodes[graph.index(variable)]
    if variable not in changing:
        why = "it is the surrogate" if variable == node else "no test says that it changes"
        raise InputError(
            f"{variable!r} has no driving force: {why}; expected one of "
            f"{', '.join(map(repr, changing)) or 'no variable'}, as in changing_. Name "
            "another variable, or refit with a larger alpha."
        )
    if parents is None:
        unsure = sorted(graph.neighbors(variable), key=graph.index)
        if unsure:
            raise InputError(
                f"whether {', '.join(map(repr, unsure))} cause {variable!r} is undecided, and "
                "its mechanism is what remains given its causes; expected known causes. Say "
                "them with parents=[...], or bring knowledge to CDNOD."
            )
        parents = sorted(graph.parents(variable) - {node}, key=graph.index)
    causes = tuple(graph.nodes[k] for k in graph.indices(parents))
    if variable in causes or node in causes:
        raise InputError(
            f"parents={parents!r} of {variable!r} name the variable itself or the surrogate; "
            "expected other variables. Leave these out."
        )
    return variable, causes


def recover_driving_force(
    effect: Block,
    causes: Block | None,
    surrogate: Surrogate,
    *,
    variable: Name,
    parents: Sequence[Name] = (),
    labels: Sequence[object] | None = None,
    times: NDArray[Any] | None = None,
    n_components: int = 1,
    n_bootstraps: int = 0,
    rng: RandomState = None,
) -> DrivingForce:
    """Find how P(effect | causes) moves over domains, time, or both.

    Parameters
    ----------
    effect, causes : Block
        The variable, and its causes as one joined block (None: it has none).
    surrogate : Surrogate
        Of the same rows.
    variable : str or int
        What the variable is called.
    parents : sequence of names
        What the causes are called.
    labels : sequence, optional
        What the domains are called, in the order of their codes.
    times : ndarray of shape (n_rows,), optional
        Times to be shown in the place of `surrogate.time`, e.g. dates.
    n_components : int
        Components; there may be fewer.
    n_bootstraps : int
        Samples for the band; 0 for none. Rows are drawn within their domains, and in blocks of
        neighbouring times.
    rng : int, Generator or None

    Returns
    -------
    DrivingForce

    Raises
    ------
    InputError
        If the conditional does not move at all.

    Notes
    -----
    **Assumes:**

    - the causes are all direct causes of the variable, but for functions of the surrogate;
    - over time, the mechanism changes smoothly.

    References
    ----------
    Huang, Zhang, Zhang, Ramsey, Sanchez-Romero, Glymour and Schölkopf (2020), "Causal discovery
    from heterogeneous/nonstationary data", JMLR 21(89), section 5.

    Examples
    --------
    >>> from causalkit._core.table import as_table
    >>> from causalkit.independence.kernel_matrices import blocks_of
    >>> rng = np.random.default_rng(0)
    >>> time = np.linspace(0, 1, 400)
    >>> noise = np.exp(np.sin(6 * time)) * rng.normal(size=400)
    >>> block, = blocks_of(as_table({"price": noise}), who="this example")
    >>> force = recover_driving_force(block, None, Surrogate(time=time), variable="price")
    >>> bool(abs(np.corrcoef(force.curve[:, 0], np.sin(6 * time))[0, 1]) > 0.9)
    True
    """
    check_count(n_components, "n_components")
    check_count(n_bootstraps, "n_bootstraps", minimum=0)
    shown = _shown(surrogate)
    with one_thread():
        fitted = changing_conditional(effect, causes, surrogate)
        directions = fitted.directions()
        axes, share = _principal_axes(fitted.curve(directions), n_components, variable)
        curve = _along(fitted, directions, shown, axes)
        sign = np.sign(curve[np.abs(curve).argmax(axis=0), np.arange(curve.shape[1])])
        drawn = [
            _along(fitted, fitted.directions(_redrawn(surrogate, stream)), shown, axes) * sign
            for stream in as_generator(rng).spawn(n_bootstraps)
        ]
    tail = (1 - _LEVEL) / 2
    band = np.quantile(drawn, (tail, 1 - tail), axis=0) if drawn else None
    rows = np.concatenate(shown)
    if times is None:
        times = surrogate.time
    codes = None if surrogate.codes is None else surrogate.codes[rows].tolist()
    return DrivingForce(
        variable,
        tuple(parents),
        None if codes is None else tuple(k if labels is None else labels[k] for k in codes),
        None if surrogate.time is None or times is None else times[rows],
        curve * sign,
        share,
        band,
    )


def _principal_axes(
    points: FloatArray, n_components: int, variable: Name
) -> tuple[FloatArray, FloatArray]:
    """Axes along which the points have standard deviation 1, and their shares of the motion."""
    _, lengths, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    moves = lengths > 1e-10 * max(1.0, float(np.linalg.norm(points)))
    if not moves.any():
        raise InputError(
            f"the mechanism of {variable!r} is the same at all {len(points)} point(s) of the "
            "surrogate; expected one that changes. Bring more domains or times, or ask for a "
            "variable that changes."
        )
    kept = min(n_components, int(moves.sum()))
    scale = lengths[:kept] / np.sqrt(len(points))
    return axes[:kept] / scale[:, None], lengths[:kept] ** 2 / (lengths**2).sum()


def _shown(surrogate: Surrogate) -> list[IntArray]:
    """One row for each domain, or for each of its times, in the order of time."""
    if surrogate.time is None:
        return [rows[:1] for rows in surrogate.domains()]
    return [
        rows[np.unique(surrogate.time[rows], return_index=True)[1]] for rows in surrogate.domains()
    ]


def _along(
    fitted: ChangingConditional,
    directions: Sequence[FloatArray],
    shown: Sequence[IntArray],
    axes: FloatArray,
) -> FloatArray:
    """Coordinates of the curve on some axes, with mean 0 over the points that were compared."""
    reduced = [along @ axes.T for along in directions]
    middle = fitted.curve(reduced).mean(axis=0)
    moved = [fitted.t[rows] @ along for rows, along in zip(shown, reduced, strict=True)]
    coordinates: FloatArray = np.concatenate(moved) - middle
    return coordinates


def _redrawn(surrogate: Surrogate, rng: np.random.Generator) -> FloatArray:
    """How often each row is drawn: within its domain, with neighbours in time in one block."""
    weights = np.zeros(surrogate.n_rows)
    for rows in surrogate.domains():
        n = len(rows)
        length = 1
        if surrogate.time is not None:
            rows, length = (
                rows[np.argsort(surrogate.time[rows], kind="stable")],
                round(n ** (1 / 3)),
            )
        starts = rng.integers(n, size=-(-n // length))
        drawn = (starts[:, None] + np.arange(length)).ravel()[:n] % n
        weights[rows] = np.bincount(drawn, minlength=n)
    return weights
