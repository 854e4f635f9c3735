"""`SeriesModel`: series that drive each other, with links, regimes, drivers and hidden series.

Before centring and scaling, which `centres` and `units` say, each series is

    x_j(t) = Σ links  w · f(x_i(t - lag))  +  level_j + Σ drivers  +  s_j · noise_j(t)

where a link is linear, or bounded and bent: f is a tanh or a sum of waves. Weights, levels and
scales of the noise may differ between regimes, drift, or differ between subjects; which series
they do so of is `changing`. Everything random is drawn before the recursion starts, so two runs
with one seed differ by what was done to the model (`do`) and by nothing else.

>>> from causalkit.models.random_models.series import random_series
>>> draw = random_series("regimes", n_series=3, rng=0).sample(200, rng=1)
>>> draw.data.shape, sorted(draw.changing), sorted(set(draw.labels.tolist()))
((200, 3), ['x0', 'x1'], [0, 1])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph._validity import topological_order
from causalkit.graph.marks import ARROW, TAIL
from causalkit.models.interventions import Hold, Intervention, Policy, Shift
from causalkit.models.mechanisms.base import Noise
from causalkit.models.random_models.calendar import Driver
from causalkit.models.random_models.schedules import Drift, Regimes
from causalkit.models.random_models.series_draw import Links, SeriesDraw
from causalkit.models.random_models.series_projection import project_series
from causalkit.models.structural_var import StructuralVAR
from causalkit.typing import FloatArray, IntArray, Name, RandomState

if TYPE_CHECKING:
    from causalkit.models.truth import Truth

__all__ = ["SeriesModel"]

_FAR = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class SeriesModel:
    """Series that drive each other, and all that may disturb who looks for that.

    Attributes
    ----------
    variables : tuple of names
    links : Links
    noise : tuple of Noise
        One a series.
    scales, levels : ndarrays of shape (n_regimes, p)
        What noise is multiplied by, and what is added.
    regimes : Regimes or None
    drift : Drift or None
    drivers : tuple of Driver
    driver_weights : ndarray of shape (n_drivers, p)
    latents : tuple of names
        Series, and drivers, that are left out of the data.
    subject_weights : ndarray of shape (n_subjects, m)
        What the weights of the links are multiplied by, for each subject.
    subject_levels : ndarray of shape (n_subjects, p)
    centres, units : ndarrays of shape (p,)
        The data are (x - centre) / unit.
    changing : tuple of names
    """

    variables: tuple[Name, ...]
    links: Links
    noise: tuple[Noise, ...]
    scales: FloatArray
    levels: FloatArray
    regimes: Regimes | None = None
    drift: Drift | None = None
    drivers: tuple[Driver, ...] = ()
    driver_weights: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    latents: tuple[Name, ...] = ()
    subject_weights: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    subject_levels: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    centres: FloatArray = field(default_factory=lambda: np.zeros(0))
    units: FloatArray = field(default_factory=lambda: np.ones(0))
    changing: tuple[Name, ...] = ()

    # --- truth -----------------------------------------------------------------------------------

    @property
    def max_lag(self) -> int:
        """Longest lag."""
        return int(self.links.lags.max(initial=0))

    @property
    def is_linear(self) -> bool:
        """Whether all links are lines, the same at all times and for all subjects."""
        same = self.regimes is None and self.drift is None and len(self.subject_weights) < 2
        return self.links.are_linear and same

    @property
    def full_graph(self) -> LaggedGraph:
        """DAG over all series and drivers: a link where it has a weight in any regime.

        A driver that is hidden also drives itself, since it remembers where it is.
        """
        p, d = len(self.variables), len(self.drivers)
        n_lags = max(self.max_lag, 1) + 1
        linked = np.zeros((n_lags, p + d, p + d), dtype=np.bool_)
        linked[: self.max_lag + 1, :p, :p] = (self.links.by_lag(p) != 0).any(axis=0)
        hidden = [p + k for k, driver in enumerate(self.drivers) if driver.name in self.latents]
        if d:
            linked[0, p:, :p] = self.driver_weights != 0
            linked[1, hidden, hidden] = True
        names = (*self.variables, *(driver.name for driver in self.drivers))
        return LaggedGraph.from_marks(names, linked * TAIL, linked * ARROW, Kind.DAG)

    @property
    def graph(self) -> LaggedGraph:
        """Graph of the columns of the data: `full_graph`, its hidden series projected out.

        Links over hidden series are listed up to the longest lag of the model.
        """
        whole = self.full_graph
        if not self.latents:
            return whole
        seen = [name for name in whole.variables if name not in self.latents]
        return project_series(whole, seen, max_lag=whole.max_lag)

    def graph_of(self, regime: int) -> LaggedGraph:
        """DAG over all series in one regime."""
        weights = self.links.by_lag(len(self.variables))
        if not 0 <= regime < len(weights):
            raise InputError(f"regime={regime!r}; expected one of 0 to {len(weights) - 1}.")
        linked = weights[regime] != 0
        return LaggedGraph.from_marks(self.variables, linked * TAIL, linked * ARROW, Kind.DAG)

    @property
    def spectral_radius(self) -> float:
        """Largest root of the linear links in size, in the regime where it is largest.

        Links that are bent are left out: they are bounded, so no series runs away by them. For
        subjects or drift it is the root of the parameters that they vary about.
        """
        p = len(self.variables)
        line = Links(
            self.links.causes,
            self.links.effects,
            self.links.lags,
            np.where(self.links.shapes == 0, self.links.weights, 0.0),
            self.links.shapes,
            self.links.parameters,
        )
        return max(StructuralVAR(self.variables, w).spectral_radius for w in line.by_lag(p))

    def effects(self, horizon: int) -> FloatArray:
        """Total effects of one unit of the data, for one step, of a linear model: exact.

        Parameters
        ----------
        horizon : int

        Returns
        -------
        ndarray of shape (horizon + 1, p, p)
            `[lag, cause, effect]`; see :meth:`StructuralVAR.effects`.

        Raises
        ------
        NumericalError
            If the model is not linear, or not the same at all times.
        """
        if not self.is_linear:
            raise NumericalError(
                "an effect depends on where or when it starts: links are bent, or they change; "
                "expected a linear model. Compare samples with do={...} and the same rng instead."
            )
        steps = StructuralVAR(self.variables, self.links.by_lag(len(self.variables))[0])
        units = self.scaling[1]
        return steps.effects(horizon) * (units[:, None] / units)

    def effect(
        self, cause: Name, effect: Name, *, horizon: int, rng: RandomState = None, **settings: Any
    ) -> Truth:
        """Effect of setting a series; see :func:`.series_effects.effect_in_series`.

        Exact where the model is linear, else by Monte Carlo with its standard error.
        """
        from causalkit.models.random_models.series_effects import effect_in_series

        return effect_in_series(self, cause, effect, horizon=horizon, rng=rng, **settings)

    # --- drawing ---------------------------------------------------------------------------------

    def sample(
        self,
        n_steps: int,
        rng: RandomState = None,
        *,
        do: Mapping[Name, Intervention] | None = None,
        burn_in: int = 300,
    ) -> SeriesDraw:
        """Draw series.

        Parameters
        ----------
        n_steps : int
            Of each subject.
        rng : int, Generator or None
        do : dict of name to number, Hold or Shift, optional
            In units of the data. The same `rng` with and without it gives factual and
            counterfactual series.
        burn_in : int, default 300
            Steps that are drawn first and left out, so that the start is forgotten.

        Returns
        -------
        SeriesDraw

        Raises
        ------
        InputError
            If an intervention is of another kind.
        NumericalError
            If the series run away.
        """
        n_steps = check_count(n_steps, "n_steps")
        before = check_count(burn_in, "burn_in", minimum=0) + self.max_lag
        generator = as_generator(rng)
        held, shifted = self.interventions(do or {}, n_steps, before)
        n_subjects = max(len(self.subject_weights), 1)
        parts, labels = [], []
        for subject, stream in enumerate(generator.spawn(n_subjects)):
            values, label = self.run(n_steps, before, stream, subject, held, shifted)
            parts.append(values)
            labels.append(label)
        return self._as_draw(np.vstack(parts), np.concatenate(labels), n_steps)

    def run(
        self,
        n_steps: int,
        before: int,
        rng: np.random.Generator,
        subject: int,
        held: FloatArray,
        shifted: FloatArray,
    ) -> tuple[FloatArray, IntArray]:
        """Run one subject: values of all series, uncentred, and regimes, of the steps kept.

        `held` and `shifted` are those of :meth:`interventions`; `before` steps are left out.
        """
        from causalkit.models.random_models._series_kernels import run_links

        n, p, links = before + n_steps, len(self.variables), self.links
        if self.regimes is None:
            labels = np.zeros(n, dtype=np.intp)
        else:
            labels = self.regimes.labels(n_steps, rng, before=before)
        noise = np.column_stack([one.draw(n, rng) for one in self.noise])
        entering = noise * self.scales[labels] + self.levels[labels] + shifted
        steps = np.arange(-before, n_steps)
        for driver, row in zip(self.drivers, self.driver_weights, strict=True):
            entering += np.multiply.outer(driver.values(steps, n_steps), row)
        weights, at = links.weights, labels
        if len(self.subject_weights):
            weights = weights * self.subject_weights[subject]
            entering += self.subject_levels[subject]
        if self.drift is not None:
            curves = self.drift.curves(np.clip(steps / max(n_steps - 1, 1), 0.0, 1.0))
            entering += self.drift.level * curves
            weights = weights[labels] * (1.0 + self.drift.depth * curves[:, links.effects])
            at = np.arange(n)
        place = np.argsort(links.effects, kind="stable")
        first = np.searchsorted(links.effects[place], np.arange(p + 1))
        values = np.zeros((n, p))
        run_links(
            values, entering, held, self.max_lag, self._order(), first, links.causes[place],
            links.lags[place], links.shapes[place], links.parameters[place],
            np.ascontiguousarray(weights[:, place]), at,
        )  # fmt: skip
        if not np.isfinite(values).all() or np.abs(values).max() > _FAR:
            raise NumericalError(
                "the series ran away; expected a stable model. Make the weights smaller: "
                f"spectral_radius is {self.spectral_radius:.3g}."
            )
        return values[before:], labels[before:]

    def _order(self) -> IntArray:
        within = (self.links.by_lag(len(self.variables))[:, 0] != 0).any(axis=0)
        order = topological_order(within)
        if order is None:
            raise InputError(
                "links within a step run in a circle; expected an acyclic graph in all regimes "
                "together. Move one of them to a lag."
            )
        return np.asarray(order, dtype=np.intp)

    def interventions(
        self, do: Mapping[Name, Intervention], n_steps: int, before: int
    ) -> tuple[FloatArray, FloatArray]:
        """What series are held at (NaN: not at all), and what is added, by step before scaling."""
        p = len(self.variables)
        held = np.full((before + n_steps, p), np.nan)
        shifted = np.zeros((before + n_steps, p))
        centres, units = self.scaling
        for name, what in do.items():
            if name not in self.variables:
                raise UnknownVariableError.among(name, self.variables, where="the series")
            j = self.variables.index(name)
            action = what if isinstance(what, (Hold, Shift, Policy)) else Hold(what)
            amount = np.asarray(getattr(action, "value", getattr(action, "amount", None)))
            if isinstance(action, Policy) or amount.shape != () or amount.dtype.kind not in "iuf":
                raise InputError(
                    f"do[{name!r}] is {what!r}; expected a number, or a Hold or Shift of one. "
                    "Write the series as a structural model for anything else."
                )
            start = -before if action.start is None else action.start
            stop = n_steps if action.stop is None else action.stop
            rows = slice(before + max(start, -before), before + min(stop, n_steps))
            if isinstance(action, Hold):
                held[rows, j] = centres[j] + units[j] * float(amount)
            else:
                shifted[rows, j] = units[j] * float(amount)
        return held, shifted

    @property
    def scaling(self) -> tuple[FloatArray, FloatArray]:
        """Centres and units, zeros and ones if none are given."""
        p = len(self.variables)
        return (
            self.centres if len(self.centres) else np.zeros(p),
            self.units if len(self.units) else np.ones(p),
        )

    def _as_draw(self, values: FloatArray, labels: IntArray, n_steps: int) -> SeriesDraw:
        import pandas as pd

        centres, units = self.scaling
        table = pd.DataFrame((values - centres) / units, columns=list(self.variables))
        n_subjects, steps = len(values) // n_steps, np.arange(n_steps)
        for driver in self.drivers:
            table[driver.name] = np.tile(driver.values(steps, n_steps), n_subjects)
        shown = table.drop(columns=list(self.latents))
        panel = "subject" if n_subjects > 1 else None
        if panel:
            shown.insert(0, panel, np.repeat(np.arange(n_subjects), n_steps))
        return SeriesDraw(
            data=shown,
            graph=self.graph,
            full_graph=self.full_graph,
            labels=None if self.regimes is None else labels,
            changing=self.changing,
            hidden=table[list(self.latents)],
            panel=panel,
        )
