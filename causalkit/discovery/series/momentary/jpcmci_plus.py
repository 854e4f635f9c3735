"""J-PCMCI+: several series of the same variables, together, and what makes them differ.

Stations, patients and machines share mechanisms and differ in what surrounds them. Some of that is
observed: a *space context* is constant in each series (altitude), a *time context* is the same in
all of them (the price of oil). What is not observed is told apart by labels: which series a row
belongs to stands for everything that is constant in it, and the time for everything that is common.
Contexts and labels are causes and never effects. Found as such they direct other links, and given
them hidden causes of their kind confound nothing.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> parts = []
>>> for _ in range(10):
...     level = 3 * rng.normal()  # of each station, and hidden
...     x, y = level + rng.normal(size=(2, 100))
...     y[1:] += 0.5 * x[:-1]
...     parts.append({"x": x, "y": y})
>>> for edge in JPCMCIPlus(max_lag=1, labels="subject").fit(parts).graph_.edges():
...     print(edge)
subject[t] -> x[t]
subject[t] -> y[t]
x[t-1] -> y[t]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import as_names, check_choice, check_count, check_fraction
from causalkit._core.parallel import check_jobs, one_thread
from causalkit._core.series import Series
from causalkit.discovery._setup import as_knowledge
from causalkit.discovery.base import Explanation
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.series._lagged_test import bind_lagged, refuse_still
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.discovery.series.momentary._past import Past, Questions
from causalkit.discovery.series.momentary._step_orientation import orient_step
from causalkit.discovery.series.momentary._step_skeleton import StepSkeleton, find_step_skeleton
from causalkit.discovery.series.momentary._step_trace import StepTrace
from causalkit.discovery.series.momentary._within_test import WithinTest
from causalkit.discovery.series.momentary.pcmci import link_scores
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import Kind, Lagged, LaggedGraph
from causalkit.independence import BoundTest, CITest
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, Names

__all__ = ["JPCMCIPlus"]

_LABELS: Final = ("both", "subject", "time", None)


class JPCMCIPlus(SeriesAlgorithm):
    """Learn one graph from several series, with the contexts in which they differ.

    Parameters
    ----------
    test : CITest, optional
        Conditional-independence test; partial correlation if left out. Another one needs
        `labels=None`, because what labels explain is tested by means of groups.
    max_lag : int, default 1
        Longest lag of a link.
    alpha : float, default 0.01
        Two nodes are cut apart if a p-value exceeds `alpha`.
    space_context : name or names
        Columns that are constant in each series.
    time_context : name or names
        Columns that are the same in all series at a time. They may act with a lag.
    labels : {"both", "subject", "time", None}
        Labels that stand for contexts nobody observed. They are nodes, called `subject` and `time`,
        or as the columns `panel` and `time` are.
    max_order : int, optional
        Largest set of the same step, and largest set while pasts are chosen.
    knowledge : Knowledge, optional
        Of series, for all lags, or of nodes such as `("X[t-1]", "Y[t]")`.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, or say which rows may be "now".
    n_jobs : int, optional
        Parallel jobs; never changes the result.

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind CPDAG, over the series, the contexts and the labels.
    p_values_, strengths_ : ndarrays of shape (max_lag + 1, p, p)
        As those of :class:`PCMCIPlus`; of a label, the strength is the share of the standard
        deviation that means of its groups explain.
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: how clear the clearest link is; see :class:`PCMCI`.
    past_ : dict of name to tuple of Lagged
    n_tests_, n_untestable_ : int
    conflicts_ : tuple of str

    Notes
    -----
    **Assumes:**

    - the same graph, and the same mechanisms given contexts, in all series and at all steps;
    - contexts, observed or not, are causes and no effects of the series;
    - hidden common causes are constant in each series, or the same in all of them at a time, and
      act additively where the test is one of partial correlations;
    - the assumptions of :class:`PCMCIPlus` otherwise.

    Links among contexts are not asked about. A hidden context that an observed one explains as well
    is not found: the observed one is asked about first.

    References
    ----------
    Günther, Ninad and Runge (2023), "Causal discovery for time series from multiple datasets with
    latent contexts", UAI, PMLR 216: 766-776, doi:10.48550/arXiv.2306.12896.
    """

    p_values_: FloatArray
    strengths_: FloatArray
    scores_: FloatArray
    past_: dict[Name, tuple[Lagged, ...]]
    n_tests_: int
    n_untestable_: int
    trace_: StepTrace

    def __init__(
        self,
        test: CITest | None = None,
        *,
        max_lag: int = 1,
        alpha: float = 0.01,
        space_context: Names = (),
        time_context: Names = (),
        labels: str | None = "both",
        max_order: int | None = None,
        knowledge: Knowledge | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.test = test
        self.max_lag = max_lag
        self.alpha = alpha
        self.space_context = space_context
        self.time_context = time_context
        self.labels = labels
        self.max_order = max_order
        self.knowledge = knowledge
        self.panel = panel
        self.time = time
        self.mask = mask
        self.n_jobs = n_jobs

    def _fit(self, series: Series) -> None:
        alpha = check_fraction(self.alpha, "alpha")
        max_lag = check_count(self.max_lag, "max_lag")
        if self.max_order is not None:
            check_count(self.max_order, "max_order", minimum=0)
        check_jobs(self.n_jobs)
        roles = self._roles(series)
        bounds = roles.bound(LinkBounds.of(as_knowledge(self.knowledge), roles.names, max_lag))
        bound = self._bind(series, roles, 2 * max_lag)
        questions = Questions(bound, len(roles.names), max_lag, self.n_jobs)
        limits = {"alpha": alpha, "max_order": self.max_order}
        with one_thread(not bound.releases_gil):
            closed = roles.without_labels(bounds)
            past = questions.select_past(closed.candidates(), closed.kept(), alpha, self.max_order)
            seen = find_step_skeleton(questions, past, closed, **limits)  # type: ignore[arg-type]
            if roles.labels:
                only = roles.labels_only(bounds, seen)
                seen = _joined(seen, find_step_skeleton(questions, past, only, **limits), only)  # type: ignore[arg-type]
            given = _with_contexts(past, seen, roles)
            inner = roles.system_only(bounds)
            among = find_step_skeleton(questions, given, inner, **limits)  # type: ignore[arg-type]
            found = _with_context_links(among, seen, roles)
            oriented = orient_step(questions, found, bounds)
        self.graph_ = LaggedGraph._of(roles.names, oriented.ends, Kind.CPDAG)
        self.n_tests_, self.n_untestable_ = found.n_tests, found.n_untestable
        self.n_obs_ = len(series.usable(2 * max_lag))
        self.strengths_, self.p_values_ = found.statistic, found.p_value
        self.scores_ = link_scores(self.graph_, found.p_value, found.statistic, bounds)
        self.trace_ = StepTrace(self.graph_, found, oriented, bounds, alpha, self.n_obs_)
        self.past_ = self.trace_.named_past()

    def _bind(self, series: Series, roles: _Roles, reach: int) -> BoundTest:
        if self.test is not None or not roles.labels:
            return bind_lagged(self.test, series, reach, who=type(self).__name__)
        who = type(self).__name__
        series.needs(4, reach, who=who)
        refuse_still(series.select(roles.system), reach, who=who)
        p, now = len(roles.names), series.usable(reach)
        values = np.zeros((len(now), reach + 1, p))
        lagged = series.lagged(reach, now).reshape(len(now), reach + 1, len(series.names))
        values[:, :, : len(series.names)] = lagged
        groups = {}
        for label in roles.labels.values():
            by_row = series.subject if label == "subject" else series.when
            groups[label] = np.unique(by_row[now], return_inverse=True)[1]
        test = WithinTest.of(values.reshape(len(now), -1), groups, p, roles.labels, roles.fixed)
        for label in groups:
            for k in test.same_under(label):
                what = "in all subjects" if label == "time" else "at all times"
                raise InputError(
                    f"series {roles.names[k]!r} is the same {what}; expected series that differ. "
                    f"Name it as {'time' if label == 'time' else 'space'}_context, or leave it out."
                )
        return test

    def _roles(self, series: Series) -> _Roles:
        check_choice(self.labels, "labels", _LABELS)
        wanted = [k for k in ("subject", "time") if self.labels in ("both", k)]
        if self.test is not None and wanted:
            raise InputError(
                f"test={self.test!r} with labels={self.labels!r}; expected labels=None, because "
                "what labels explain is tested by partial correlations within groups. Leave one "
                "of the two out."
            )
        n_subjects = int(series.subject.max()) + 1
        if n_subjects < 2:
            raise InputError(
                "there is one series; expected several, told apart by panel=…, or a list of them. "
                "Use PCMCIPlus for one."
            )
        space, times = as_names(self.space_context), as_names(self.time_context)
        for name in (*space, *times):
            if name not in series.names:
                raise UnknownVariableError.among(name, series.names)
        _check_constant(series, space, series.subject, "space_context", "in each series")
        _check_constant(series, times, series.when, "time_context", "in all series at a time")
        named = {"subject": self.panel, "time": self.time}
        shown: list[Name] = []
        for label in wanted:
            given = named[label]
            name = label if given is None else given
            if name in series.names:
                raise InputError(
                    f"a series is called {name!r}, as the label is; expected another name. Rename "
                    "the column, or name the one that holds the label (panel=…, time=…)."
                )
            shown.append(name)
        names = (*series.names, *shown)
        fixed = {names.index(k): "subject" for k in space} | {names.index(k): "time" for k in times}
        return _Roles(names, dict(enumerate(wanted, start=len(series.names))), fixed)

    @property
    def conflicts_(self) -> tuple[str, ...]:
        """Where answers contradict each other, and what was done."""
        check_is_fitted(self, "trace_")
        return self.trace_.conflicts()

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        return self.trace_.explain(past, now)


def _check_constant(
    series: Series, names: tuple[Name, ...], groups: IntArray, what: str, where: str
) -> None:
    for name in names:
        values = series.table.column(name)
        first = np.full(int(groups.max()) + 1, np.nan)
        known = ~np.isnan(values)
        first[groups[known][::-1]] = values[known][::-1]
        if (values[known] != first[groups[known]]).any():
            raise InputError(
                f"column {name!r} is a {what} and varies; expected one value {where}. Leave it "
                "out of the contexts: then it is a series as the others are."
            )


@dataclass(frozen=True, slots=True)
class _Roles:
    """Which nodes are series, contexts and labels.

    Attributes
    ----------
    names : tuple of names
        All nodes of a step.
    labels : dict
        By node: "subject" or "time".
    fixed : dict
        By node that is a context: under which label it is constant.
    """

    names: tuple[Name, ...]
    labels: dict[int, str]
    fixed: dict[int, str]

    @property
    def outer(self) -> list[int]:
        """Contexts and labels."""
        return [*self.fixed, *self.labels]

    @property
    def system(self) -> list[Name]:
        """Names of the series that are no contexts."""
        return [name for k, name in enumerate(self.names) if k not in self.outer]

    def bound(self, bounds: LinkBounds) -> LinkBounds:
        """Nothing causes a context, and one that is constant acts at once."""
        forbidden = bounds.forbidden.copy()
        forbidden[:, :, self.outer] = True
        for k in self.outer:
            if self.fixed.get(k) != "time":
                forbidden[1:, k] = True
        required = bounds.required & ~forbidden
        return replace(bounds, forbidden=forbidden, required=required)

    def without_labels(self, bounds: LinkBounds) -> LinkBounds:
        """No label causes anything."""
        forbidden = bounds.forbidden.copy()
        forbidden[:, list(self.labels)] = True
        return replace(bounds, forbidden=forbidden)

    def labels_only(self, bounds: LinkBounds, seen: StepSkeleton) -> LinkBounds:
        """Links that were found stay, none of the others is asked about but those of labels."""
        from_label = np.zeros_like(bounds.forbidden)
        from_label[0, list(self.labels)] = ~bounds.forbidden[0, list(self.labels)]
        return replace(bounds, forbidden=~(from_label | seen.joined), required=seen.joined.copy())

    def system_only(self, bounds: LinkBounds) -> LinkBounds:
        """No context causes anything within the step: those that do are conditions already."""
        forbidden = bounds.forbidden.copy()
        forbidden[0, self.outer] = True
        return replace(bounds, forbidden=forbidden, required=bounds.required & ~forbidden)


def _joined(seen: StepSkeleton, more: StepSkeleton, only: LinkBounds) -> StepSkeleton:
    """Add what was found out about labels."""
    asked = ~only.forbidden & ~only.required
    asked[0] |= asked[0].T
    for before, after in ((seen.statistic, more.statistic), (seen.p_value, more.p_value)):
        before[asked] = after[asked]
    seen.joined[asked] = more.joined[asked]
    seen.separators |= more.separators
    seen.closest |= more.closest
    seen.n_tests += more.n_tests - more.past.n_tests
    seen.n_untestable += more.n_untestable - more.past.n_untestable
    return seen


def _with_contexts(past: Past, seen: StepSkeleton, roles: _Roles) -> Past:
    """Pasts to which the contexts of each series belong."""
    p, outer = len(roles.names), np.array(roles.outer, dtype=np.intp)
    sizes = past.sizes.copy()
    chosen = np.pad(past.chosen, ((0, 0), (0, len(outer))), constant_values=-1)
    for j in range(p):
        added = outer[seen.joined[0, outer, j]]
        chosen[j, sizes[j] : sizes[j] + len(added)] = added
        sizes[j] += len(added)
    return replace(past, chosen=chosen, sizes=sizes)


def _with_context_links(among: StepSkeleton, seen: StepSkeleton, roles: _Roles) -> StepSkeleton:
    """Links among series given all contexts, and those of contexts as they were found."""
    of_context: BoolArray = np.zeros_like(among.joined)
    of_context[0, roles.outer] = True
    of_context[0, :, roles.outer] = True
    for after, before in (
        (among.statistic, seen.statistic),
        (among.p_value, seen.p_value),
        (among.joined, seen.joined),
    ):
        after[of_context] = before[of_context]
    for link in seen.closest:
        if of_context[link]:
            among.closest[link] = seen.closest[link]
            among.earlier[link] = seen.past
            if link in seen.separators:
                among.separators[link] = seen.separators[link]
    among.n_tests += seen.n_tests - seen.past.n_tests
    among.n_untestable += seen.n_untestable - seen.past.n_untestable
    return among
