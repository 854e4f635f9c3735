"""`overlap_tree`: who could not have had the other treatment, in words.

A summary of propensities says *that* overlap fails somewhere; what one can act on is *where*: "age
> 61 and smoker = yes: 43 rows, hardly ever treated". A shallow tree on the adjustment columns is
grown to tell rows whose estimated chance of one arm is (almost) zero from the rest. Its leaves that
hold mostly such rows are the regions; what leads there are the words.

What to do about a region is a decision: leave its rows out, and say so (the effect is then that of
the others), ask for another target (the treated; the overlap), or trust the model there.

References
----------
Karavani, Bak & Shimoni (2019), "A discriminative approach for finding and characterizing positivity
violations using decision trees". doi:10.48550/arXiv.1907.08127
Crump, Hotz, Imbens & Mitnik (2009), "Dealing with limited overlap in estimation of average
treatment effects", Biometrika 96, 187-199. doi:10.1093/biomet/asn055
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import CausalkitError, InputError
from causalkit.estimation.contrasts import contrast_of
from causalkit.estimation.effect import Effect
from causalkit.estimation.nuisances.crossfitting import Nuisance, assign_folds, crossfit
from causalkit.estimation.problem import Problem
from causalkit.refutation.base import FAILS, PASSES, Challenge, beyond_reach, not_informative
from causalkit.refutation.leftovers import problem_of
from causalkit.refutation.reduced_forms import has_reduced_form
from causalkit.refutation.tree_words import in_words, parts_of
from causalkit.typing import BoolArray, FloatArray, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OverlapRegions", "Positivity", "Region", "overlap_tree"]

N_FOLDS = 5
"""Of the cross-fitting, where the estimator has no propensities of its own."""

ALPHA = 0.05
"""Level at which rows that did get the arm contradict a propensity below the threshold."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Rows alike in some columns, most of which have hardly any chance of one arm.

    Attributes
    ----------
    words : str
        E.g. "age > 61 and smoker = yes".
    missing : str
        The arm that they hardly ever get.
    n_rows : int
    n_there : int
        Rows of the region that did get it.
    propensity : float
        Their average estimated chance of it.
    rows : ndarray of bool, shape (n,)
        Which rows of the effect they are.
    """

    words: str
    missing: str
    n_rows: int
    n_there: int
    propensity: float
    rows: BoolArray

    def __str__(self) -> str:
        return (
            f"{self.words}: {self.n_rows} rows, {self.n_there} of them {self.missing}, propensity "
            f"{format_value(self.propensity)}"
        )


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OverlapRegions(Reported):
    """Where overlap fails.

    Attributes
    ----------
    regions : tuple of Region
        The largest first.
    n_rows : int
    n_extreme : int
        Rows with an estimated chance of one arm of at most `threshold`.
    n_named : int
        Those of them that lie in the regions.
    threshold : float
    """

    regions: tuple[Region, ...]
    n_rows: int
    n_extreme: int
    n_named: int
    threshold: float

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        bound = format_value(self.threshold)
        if not self.n_extreme:
            return f"Every row has a chance of more than {bound} of either arm."
        rows = f"{self.n_extreme} of {self.n_rows} rows have a chance of {bound} or less of one arm"
        if not self.regions:
            return f"{rows}, but no few columns say where."
        return f"{rows}; {self.n_named} of them lie where {_listed(self.regions)}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each region: words, missing arm, rows, rows there, propensity."""
        import pandas as pd

        columns = ["region", "missing", "n_rows", "n_there", "propensity"]
        rows = [(r.words, r.missing, r.n_rows, r.n_there, r.propensity) for r in self.regions]
        return pd.DataFrame(rows, columns=columns)

    def _report(self) -> Report:
        rows = [(r.words, r.missing, r.n_rows, r.n_there, r.propensity) for r in self.regions]
        return Report(
            title="Where overlap fails" if self.regions else "Overlap by region",
            columns=("region", "hardly any", "rows", "of them there", "propensity") if rows else (),
            rows=rows,
            notes=[self.sentence],
        )


def overlap_tree(
    effect: Effect,
    *,
    threshold: float = 0.05,
    max_depth: int = 3,
    min_rows: int = 10,
    random_state: RandomState = 0,
) -> OverlapRegions:
    """Name the regions in which rows had hardly any chance of one arm.

    Parameters
    ----------
    effect : Effect
        Of a discrete treatment. Propensities are the estimator's own, before clipping; for one
        that has none they are cross-fitted with small boosted trees.
    threshold : float
        Chance of an arm that counts as none.
    max_depth : int
        Conditions in a description, at most.
    min_rows : int
        Rows of a region, at least.
    random_state : int, Generator or None, default 0
        Of the folds and the learner, where propensities have to be fitted.

    Returns
    -------
    OverlapRegions
        Prints as a table; each region has its `rows` as a mask.

    Raises
    ------
    InputError
        If the treatment is continuous, nothing is adjusted for, or the effect has no data.

    Notes
    -----
    **Assumes:** the estimated propensities are right where they are extreme; the regions are found
    in the same rows, and describe them rather than a population.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation import GComputation
    >>> rng = np.random.default_rng(0)
    >>> age, smoker = rng.uniform(20, 80, size=1000), rng.integers(0, 2, size=1000)
    >>> t = rng.random(1000) < np.where((age > 60) & (smoker == 1), 0.001, 0.5)
    >>> y = t + age / 20 + rng.normal(size=1000)
    >>> effect = GComputation().fit({"age": age, "smoker": smoker}, y, t=t).effect_
    >>> regions = overlap_tree(effect, random_state=0).regions
    >>> len(regions), "smoker = 1" in regions[0].words, regions[0].n_there
    (1, True, 0)
    """
    check_fraction(threshold, "threshold")
    check_count(max_depth, "max_depth")
    check_count(min_rows, "min_rows")
    if reason := beyond_reach(effect):
        raise InputError(f"{reason} Expected an effect estimated from data.")
    problem = problem_of(effect)
    if "unit" in problem.others or has_reduced_form(effect):
        raise InputError(
            "treatment follows from unit and time, or from an instrument; expected one whose arms "
            "could be missing among rows alike in the adjustment columns. Of an instrument, ask "
            "for overlap_tree(reduced_form(effect))."
        )
    if problem.levels is None:
        raise InputError(
            f"treatment {problem.treatment!r} is continuous; expected a discrete one, whose arms "
            "could be missing somewhere. Cut it into levels to ask for overlap."
        )
    if not problem.X.shape[1]:
        raise InputError(
            "nothing is adjusted for, so there are no columns to describe a region by; expected an "
            "effect with adjustment columns."
        )
    codes = contrast_of(problem, getattr(effect.estimator, "contrast", None))
    propensities = _propensities(effect, problem, as_generator(random_state))
    chances = [propensities[:, code] for code in codes]
    # 0: could have had either; 1 or 2: hardly any chance of the control, or of the treated arm.
    lacking = np.where(chances[0] <= threshold, 1, np.where(chances[1] <= threshold, 2, 0))
    regions = _regions(problem, lacking, chances, codes, threshold, max_depth, min_rows)
    named = np.zeros(problem.n_obs, dtype=bool)
    for region in regions:
        named |= region.rows
    extreme = lacking > 0
    return OverlapRegions(
        regions, problem.n_obs, int(extreme.sum()), int((extreme & named).sum()), threshold
    )


@dataclass(frozen=True, slots=True)
class Positivity:
    """Ask whether each kind of row could have had either treatment.

    Parameters
    ----------
    threshold : float
        Chance of an arm that counts as none.
    max_share : float
        Share of rows without overlap, in regions that can be named, that is let pass.

    Notes
    -----
    **Assumes:** the estimated propensities are right where they are extreme. The regions are in
    `details["regions"]`; see :func:`overlap_tree`. "fails" says that the effect is extrapolated
    there, not that it is wrong.
    """

    threshold: float = 0.05
    max_share: float = 0.02

    def __post_init__(self) -> None:
        check_fraction(self.threshold, "threshold")
        check_fraction(self.max_share, "max_share", closed=True)

    @property
    def name(self) -> str:
        """The check, in words."""
        return "positivity"

    @property
    def question(self) -> str:
        """What it asks."""
        return "Could each kind of row have had either treatment?"

    def challenge(
        self,
        effect: Effect,
        *,
        n_simulations: int,  # noqa: ARG002
        rng: np.random.Generator,
        n_jobs: int | None = None,  # noqa: ARG002
    ) -> Challenge:
        """Look for regions without overlap."""
        try:
            found = overlap_tree(effect, threshold=self.threshold, random_state=rng)
        except CausalkitError as error:
            return not_informative(self, f"{error}")
        share = found.n_named / found.n_rows
        facts = {"share_in_such_regions": f"{share:.1%}", "regions": found}
        if share <= self.max_share:
            return Challenge(
                self.name, self.question, PASSES, found.sentence, details=facts, is_test=False
            )
        advice = "There the effect is extrapolated: leave these rows out, or change the target."
        return Challenge(
            self.name,
            self.question,
            FAILS,
            f"{found.sentence} {advice}",
            details=facts,
            is_test=False,
        )


# --- propensities --------------------------------------------------------------------------------


def _propensities(effect: Effect, problem: Problem, rng: np.random.Generator) -> FloatArray:
    """Chance of every level, shape (n, n_levels): the estimator's own if it has them."""
    levels = problem.levels or ()
    known = effect.details.get("predictions", {}).get("treatment")
    if known is not None and np.shape(known) == (problem.n_obs, len(levels)):
        return np.asarray(known, dtype=np.float64)
    from sklearn.ensemble import HistGradientBoostingClassifier

    folds = assign_folds(N_FOLDS, rng, problem.n_obs, strata=problem.t, groups=problem.groups)
    # Regions have edges, which trees find and smooth learners blur.
    learner = HistGradientBoostingClassifier(max_leaf_nodes=8, early_stopping=False)
    nuisance = Nuisance("treatment", problem.t, learner, n_classes=len(levels))
    return crossfit(problem.replace(supplied={}), [nuisance], folds, rng)["treatment"]


# --- the tree ------------------------------------------------------------------------------------


def _regions(
    problem: Problem,
    lacking: Any,
    chances: list[FloatArray],
    codes: tuple[int, int],
    threshold: float,
    max_depth: int,
    min_rows: int,
) -> tuple[Region, ...]:
    """Leaves with a majority of rows that lack an arm, and did not get it; the largest first."""
    from sklearn.tree import DecisionTreeClassifier

    if not (lacking > 0).any():
        return ()
    tree = DecisionTreeClassifier(max_depth=max_depth, min_samples_leaf=min_rows, random_state=0)
    tree.fit(problem.X, lacking, sample_weight=problem.weights)
    leaves, levels = tree.apply(problem.X), problem.levels or ()
    found = []
    for nodes, conditions, place in parts_of(tree.tree_):
        which = 0 if place is None else int(tree.classes_[place])
        if which == 0:
            continue
        rows, code = np.isin(leaves, nodes), codes[which - 1]
        n_rows, n_there = int(rows.sum()), int((problem.t[rows] == code).sum())
        if stats.binom.sf(n_there - 1, n_rows, threshold) < ALPHA:
            continue  # so many got it that their propensities must have been too low
        found.append(
            Region(
                in_words(conditions, problem),
                f"{problem.treatment} = {levels[code]}",
                n_rows,
                n_there,
                float(np.average(chances[which - 1][rows], weights=problem.weights[rows])),
                rows,
            )
        )
    return tuple(sorted(found, key=lambda region: -region.n_rows))


def _listed(regions: tuple[Region, ...]) -> str:
    return "; or ".join(f"{region.words} (hardly any {region.missing})" for region in regions)
