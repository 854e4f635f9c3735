"""`certify`: whether the interval of this pipeline, on data like these, keeps what it says.

An interval of level 95 % claims that it covers the right answer in 95 of 100 data sets. Whether the
one in hand covers it, nobody can say. Whether the *pipeline* that made it keeps the promise can be
tried, if there are worlds like the data in which the right answer is known. Twins are such worlds:
a graph that may be the right one, drawn by its share among those that the data leave possible, with
a model fitted to the data on it. From each twin tables are drawn, as long as the data, and on each
the same search, question and estimator run from the beginning.

References
----------
Schuler, Jung, Tibshirani, Hastie and Shah (2017), "Synth-validation: selecting the best causal
inference method for a given dataset". doi:10.48550/arXiv.1711.00083
Morris, White and Crowther (2019), "Using simulation studies to evaluate statistical methods",
Statistics in Medicine 38, 2074-2102 (simulation studies and their Monte Carlo errors).
doi:10.1002/sim.8086
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from causalkit import __version__
from causalkit._core.checks import check_count, check_fraction
from causalkit._core.fingerprint import fingerprint
from causalkit._core.parallel import run
from causalkit._core.random import as_generator, draw_seed
from causalkit.errors import InputError
from causalkit.estimation import EffectSet
from causalkit.graph import LaggedGraph
from causalkit.typing import Data, RandomState
from causalkit.workflow.analysis_result import Analysis
from causalkit.workflow.certificates.certificate import Certificate
from causalkit.workflow.certificates.trial_journal import Journal
from causalkit.workflow.certificates.twin_draws import Draws, draws_of
from causalkit.workflow.certificates.twin_trials import run_world

__all__ = ["certify"]


def certify(
    analysis: Analysis,
    data: Data,
    *,
    n_twins: int = 20,
    n_replicates: int = 50,
    store: str | PathLike[str] | None = None,
    level: float = 0.95,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
) -> Certificate:
    """Try on twins of the data whether the interval of a pipeline covers as often as it says.

    Parameters
    ----------
    analysis : Analysis
        Of :func:`~causalkit.workflow.analyze`; its search, question, estimator and number of
        resamples are what is tried.
    data : DataFrame (pandas, polars, pyarrow), 2-D array or dict of columns, n_rows rows
        Those of the analysis; of series also a list of them, or a 3-D array.
    n_twins : int, default 20
        Graphs that are drawn, each with a model fitted to the data.
    n_replicates : int, default 50
        Tables drawn from each twin. The pipeline runs `n_twins` times `n_replicates` times.
    store : str or path, optional
        Folder in which each trial is kept as it comes. The same call on it repeats nothing that is
        there, and more twins or replicates are added to it.
    level : float, default 0.95
    random_state : int, Generator or None, default 0
        With a `store` an integer.
    n_jobs : int, optional
        Parallel workers, a twin each; never changes a number.

    Returns
    -------
    Certificate

    Raises
    ------
    InputError
        If the data are not those of the analysis, rows are weighted or in clusters, the answer is
        not one number, or no twin can be drawn on the graphs. Of series if they have a mask or
        categories, or all graphs allow for hidden causes.

    Notes
    -----
    **Assumes:**

    - among the graphs that are drawn are worlds like the true one. Where something was not measured
      and the graphs know nothing of it, twins know nothing of it either;
    - twins draw data as the world does, as far as the AUC of each says;
    - rows are independent; of series, what is not explained by the graph is, from step to step and
      from series to series, and all subjects are alike.

    So a certificate that fails is a reason to distrust the interval, and one that holds is none to
    trust the graph: it says that in worlds like these, search, estimate and interval work.

    The truth of a twin is asked for as the estimate is: of a treatment with two values one against
    the other, of other numbers per unit, over one standard deviation around the median. Trials of
    one twin go together, and the Monte Carlo errors respect it.

    Where a number enters the outcome by a bend, a straight line has another slope than the effect
    around the median; that is then part of the bias that is shown.

    Of series the truth is the effect of setting the treatment at its one step. What is drawn has
    the subjects of the data, as long as they were watched, and no row where they have none (for a
    gap in time at most 100 steps pass); missing cells come in gaps of the lengths they have, at
    other places, and seasons, if the twin finds some, begin at another phase. Graphs that allow
    for hidden causes are passed over, as twins of series have none.

    Examples
    --------
    >>> import causalkit as ck
    >>> rng = np.random.default_rng(0)
    >>> age = rng.normal(size=200)
    >>> dose = age + rng.normal(size=200)
    >>> data = {"age": age, "dose": dose, "health": dose - age + rng.normal(size=200)}
    >>> graph = ck.CausalGraph.parse("age -> dose -> health; age -> health")
    >>> ols = ck.estimation.OLS()
    >>> analysis = ck.analyze(data, "dose", "health", graph=graph, estimator=ols, checks=[])
    >>> certificate = certify(analysis, data, n_twins=1, n_replicates=20)
    >>> certificate.coverage["honest"].value >= 0.8
    True
    """
    n_twins = check_count(n_twins, "n_twins")
    n_replicates = check_count(n_replicates, "n_replicates")
    level = check_fraction(level, "level")
    _check_analysis(analysis)
    draws = draws_of(analysis, data)
    journal, seed = _journal(analysis, draws, store, level, random_state)
    calls = [(analysis, draws, k, n_replicates, level, seed, journal) for k in range(n_twins)]
    found = run(run_world, calls, n_jobs=n_jobs, label="twins", steady=True)
    return Certificate(
        treatment=analysis.treatment,
        outcome=analysis.outcome,
        level=level,
        n_rows=draws.n_rows,
        learnt=analysis.learnt is not None,
        worlds=tuple(world for world, _ in found),
        trials=tuple(trial for _, trials in found for trial in trials),
    )


def _check_analysis(analysis: Analysis) -> None:
    """One number is asked for, of rows that are alike."""
    if not isinstance(analysis, Analysis):
        raise InputError(
            f"analysis is a {type(analysis).__name__}; expected what analyze() returns."
        )
    of_series = isinstance(analysis.graph, LaggedGraph)  # their clusters are subjects
    for name in ("sample_weight",) if of_series else ("clusters", "sample_weight"):
        if analysis.settings[name] is not None:
            raise InputError(
                f"the analysis has {name}; expected independent rows of equal weight, as twins "
                "draw them. Certify an analysis without."
            )
    effect, estimator = analysis.effect, analysis.settings["estimator"]
    if labels := analysis.contrasts:
        reading = effect.reading if isinstance(effect, EffectSet) else "alternatives"
        kind = "contrasts" if reading == "alternatives" else reading
        raise InputError(
            f"the analysis has {len(labels)} {kind}; expected one number. Choose an "
            "estimator of one contrast."
        )
    target = getattr(estimator, "target", "ATE")
    if isinstance(target, str) and target != "ATE":
        raise InputError(
            f"the estimator has target={target!r}; expected 'ATE', which is the effect that is "
            "known of a twin."
        )


def _journal(
    analysis: Analysis,
    draws: Draws,
    store: str | PathLike[str] | None,
    level: float,
    random_state: RandomState,
) -> tuple[Journal, int]:
    """Where trials are kept, and the seed of all of them."""
    if store is None:
        return Journal(None), draw_seed(as_generator(random_state))
    if not isinstance(random_state, (int, np.integer)) or isinstance(random_state, bool):
        raise InputError(
            f"store was given and random_state={random_state!r}; expected an integer, so that the "
            "same call finds its trials again."
        )
    folder = Path(store)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"store={str(store)!r} is a file; expected a folder, there or not yet.")
    folder.mkdir(parents=True, exist_ok=True)
    seed = draw_seed(as_generator(random_state))
    return Journal(folder, _key(analysis, draws, level, seed)), seed


def _key(analysis: Analysis, draws: Draws, level: float, seed: int) -> str:
    """Hash of all that a trial follows from, but for its place."""
    asked = ("discovery", "knowledge", "strategy", "estimator", "n_resamples")
    drawn = [(analysis.graph, 1.0)]
    if analysis.learnt is not None:
        known = analysis.learnt.graphs.plausible
        drawn = list(zip(known.graphs, known.shares.tolist(), strict=True))
    content = {
        "version": __version__,
        "statuses": 2,  # trials that lost the other graphs have one of their own
        "data": analysis.fingerprint,
        "asked": (analysis.treatment, analysis.outcome),
        "settings": [analysis.settings[name] for name in asked],
        "graph": None if analysis.discovery is not None else analysis.graph.to_text(),
        "drawn": [(graph.to_text(), share) for graph, share in drawn],
        "level": level,
        "seed": seed,
    }
    if draws.layout:
        beside = {name: analysis.settings[name] for name in ("clusters", "panel", "time")}
        content |= {"series": beside, "layout": draws.layout}
    return fingerprint(content)
