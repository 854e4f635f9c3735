"""`compare` says which method does best on data like these, how surely, and in what time.

Methods meet models whose truth is known, several times each. What counts as a method or a model is
written in :mod:`~causalkit.benchmark.methods` and :mod:`~causalkit.benchmark.truths`; anything
joins that fits there, from this package or from another one.

>>> from causalkit.discovery import Granger
>>> from causalkit.models import random_svar
>>> board = compare(
...     {"Granger": Granger(2)},
...     {"linear": random_svar(4, max_lag=2, rng=0)},
...     tasks="discovery", n_obs=200, n_repeats=3,
... )
>>> board.best("f1"), sorted(board.methods)[:3]
('Granger', ['Granger', 'empty', 'full'])

A ranking is worth what its rivals are worth, so some that know nothing or little are always there.
A method that fails, or takes too long, has a row that says so. With `store` results are kept as
they come: a run that was interrupted is continued by the same call, and repeats nothing.

References
----------
Reisach, Seiler and Weichwald (2021), "Beware of the simulated DAG! Causal discovery benchmarks may
be easy to game", doi:10.48550/arXiv.2102.13647, on benchmarks that are easy to game; hence the
baselines, and hence methods see standardised columns unless you say otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from typing import Any

from causalkit._core.checks import check_choice, check_count, check_positive
from causalkit._core.fingerprint import fingerprint
from causalkit._core.parallel import run
from causalkit._core.progress import say, show_progress
from causalkit._core.random import as_generator, draw_seed
from causalkit.benchmark.cells import Cell, data_seeds, work
from causalkit.benchmark.methods import Method, baselines_for, oracles_for, read_methods
from causalkit.benchmark.results import Leaderboard
from causalkit.benchmark.storage import STATUSES, Result, Store
from causalkit.benchmark.tasks import TASKS
from causalkit.benchmark.truths import AnyGraph, draw
from causalkit.errors import InputError
from causalkit.typing import RandomState

__all__ = ["compare"]


def compare(
    methods: Mapping[str, Any],
    models: Mapping[str, Any],
    *,
    tasks: str | Iterable[str] = TASKS,
    n_obs: int | Iterable[int] = 500,
    n_repeats: int = 10,
    store: str | PathLike[str] | None = None,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
    time_limit: float | None = None,
    standardize: bool = True,
    retry: str | Collection[str] = (),
    progress: bool = False,
) -> Leaderboard:
    """Let methods recover what models know, and say who did best.

    Parameters
    ----------
    methods : mapping of str to algorithm, callable, or pair (one of these, estimator)
        See :mod:`causalkit.benchmark.methods`. Settings that leave `random_state` open get a seed.
    models : mapping of str to model, or to function of a generator that makes one
        See :mod:`causalkit.benchmark.truths`. All of tables, or all of series.
    tasks : str or iterable of {"discovery", "effect"}, default both
        Hold the graph against the true one; hold an effect that is estimated by way of the graph
        against the true one.
    n_obs : int or iterable of int, default 500
        Rows of each data set.
    n_repeats : int, default 10
        Data sets of each model and size; all methods meet the same ones.
    store : path, optional
        Where results are kept as they come: a name that ends in `.duckdb`, or a folder.
    random_state : int, Generator or None, default 0
        With a store an int, so that the next run asks the same.
    n_jobs : int, optional
        Changes the time, and no other number.
    time_limit : float, optional
        Seconds for a method on a data set. The clock is looked at between steps of the
        interpreter, so a compiled loop ends first; what took longer counts as not done.
    standardize : bool, default True
        Whether methods see columns of real numbers divided by their standard deviations, so that
        units give nothing away. Effects are estimated, and sortability is measured, in the units of
        the data.
    retry : status or statuses, default none
        Of stored results that are worked on again, such as "failed".
    progress: bool = False
        Whether to say on standard error what is to be done, and show a bar with the time that is
        left.

    Returns
    -------
    Leaderboard

    Raises
    ------
    InputError
        If methods, models or settings are none, a name is that of a baseline, models are of tables
        and of series, or the store cannot be used.

    Notes
    -----
    **Assumes:**

    - models are like what the methods will meet; a ranking says nothing of other data;
    - for effects, that the estimator aims at what the model's `effect` says: where an effect is not
      linear, a slope is not the difference between two values.

    Methods times models times sizes times repeats are worked on, baselines and graphs that are told
    included, each in the time of the method itself: seconds for tests on correlations of a few
    columns, minutes for kernels and networks. Try `n_repeats=1, progress=True` first; with `store`
    nothing of it is lost.

    Results are filed under a hash of model, method, sizes, seed and version of this package, and
    not under names; see :mod:`causalkit._core.fingerprint` for what it does not see.

    Examples
    --------
    >>> from causalkit.benchmark.truths import KnownTruth
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 2))
    >>> x[:, 1] += x[:, 0]
    >>> truth = KnownTruth({"a": x[:, 0], "b": x[:, 1]}, "a -> b")
    >>> ours = {"mine": lambda data: "a -> b"}
    >>> compare(ours, {"pair": truth}, tasks="discovery", n_obs=200, n_repeats=2).best("shd")
    'mine'
    """
    wanted = tuple(check_choice(task, "tasks", TASKS) for task in _several(tasks))
    sizes = tuple(check_count(n, "n_obs", minimum=2) for n in _several(n_obs))
    check_count(n_repeats, "n_repeats")
    if time_limit is not None:
        check_positive(time_limit, "time_limit")
    again = frozenset(check_choice(status, "retry", STATUSES) for status in _several(retry))
    seed = _seed(random_state, store)
    entrants = read_methods(methods)
    kept = None if store is None else Store.open(store)
    known = {} if kept is None else kept.read()
    sources = _fingerprinted(models)
    everyone = _with_rivals(entrants, sources, wanted, min(sizes), seed)
    cells = [
        _cell(source, method, (n, repeat, seed), wanted, standardize, time_limit)
        for source in sources
        for n in sizes
        for repeat in range(n_repeats)
        for method in everyone
    ]
    open_cells = [rest for cell in cells if (rest := _open_part(cell, known, again)) is not None]
    with _progress(progress, open_cells, cells, len(methods)):
        fresh = _worked_on(open_cells, kept, n_jobs)
    found = known | {result.key: result for result in fresh}
    rivals = frozenset(method.name for method, _ in everyone) - set(map(str, methods))
    rows = tuple(_named(cell, task, found) for cell in cells for task in cell.keys)
    return Leaderboard(rows, rivals)


def _worked_on(cells: Iterable[Cell], store: Store | None, n_jobs: int | None) -> Iterator[Result]:
    """What comes of the cells; a store has it gathered, also where the work is interrupted."""
    jobs = [(cell, store) for cell in cells]
    try:
        found = run(work, jobs, n_jobs=n_jobs, label="comparing", steady=True)
    finally:
        if store is not None:
            store.gather()
    return (result for results in found for result in results)


@contextmanager
def _progress(shown: bool, open_cells: list[Cell], cells: list[Cell], n_own: int) -> Iterator[None]:
    """Say what is to be done and show a bar, if asked."""
    if not shown:
        yield
        return
    names = {cell.method.name for cell in cells}
    sets = {(cell.model_key, cell.n_obs, cell.repeat) for cell in cells}
    left = len(open_cells)
    say(
        f"comparing {len(names)} methods ({n_own} given, {len(names) - n_own} to hold them "
        f"against) on {len(sets)} data sets: {left} runs"
        + (f", {len(cells) - left} are in the store" if left < len(cells) else "")
    )
    with show_progress():
        yield


def _several(given: Any) -> tuple[Any, ...]:
    one = isinstance(given, (str, int)) or not isinstance(given, Iterable)
    return (given,) if one else tuple(given)


def _seed(random_state: RandomState, store: object) -> int:
    if isinstance(random_state, int) and not isinstance(random_state, bool):
        as_generator(random_state)
        return random_state
    if store is not None:
        raise InputError(
            f"random_state={random_state!r} and there is a store; expected an integer, by which "
            "results are found again. Pass e.g. random_state=0."
        )
    return draw_seed(as_generator(random_state))


Source = tuple[str, Any, str]


def _fingerprinted(models: Mapping[str, Any]) -> tuple[Source, ...]:
    if not isinstance(models, Mapping) or not models:
        raise InputError(
            f"models is a {type(models).__name__}; expected a mapping from names to models, at "
            'least one. Write e.g. {"linear": random_svar(6, rng=0)}.'
        )
    return tuple((str(name), model, fingerprint(model)) for name, model in models.items())


def _with_rivals(
    entrants: tuple[Method, ...],
    sources: tuple[Source, ...],
    tasks: tuple[str, ...],
    n_obs: int,
    seed: int,
) -> tuple[tuple[Method, str], ...]:
    """Methods, baselines and, for effects, those that are told the graph; each with its hash."""
    truths = [_pilot(model, key, n_obs, seed) for _, model, key in sources]
    kinds = {type(truth) for truth in truths}
    if len(kinds) > 1:
        raise InputError(
            "some models are of tables and some of series; expected one kind, as no method does "
            "both. Compare them one kind at a time."
        )
    rivals = baselines_for(truths[0]) + (oracles_for(entrants) if "effect" in tasks else ())
    taken = {method.name for method in rivals} & {method.name for method in entrants}
    if taken:
        raise InputError(
            f"a method is called {sorted(taken)[0]!r}; expected another name than those of the "
            "baselines, which are always there. Rename it."
        )
    return tuple((m, fingerprint([m.learner, m.estimator, m.told])) for m in (*entrants, *rivals))


def _pilot(model: Any, key: str, n_obs: int, seed: int) -> AnyGraph:
    """Graph of a model, from a first draw."""
    of_data, _ = data_seeds(key, seed, n_obs, 0).spawn(2)
    return draw(model, n_obs, of_data).graph


def _cell(
    source: Source,
    entrant: tuple[Method, str],
    place: tuple[int, int, int],
    tasks: tuple[str, ...],
    standardize: bool,
    time_limit: float | None,
) -> Cell:
    from causalkit import __version__

    (name, model, model_key), (method, method_key), (n, repeat, seed) = source, entrant, place
    facts = (__version__, model_key, method_key, n, repeat, seed, bool(standardize))
    return Cell(
        model_name=name,
        model=model,
        model_key=model_key,
        method=method,
        method_key=method_key,
        n_obs=n,
        repeat=repeat,
        seed=seed,
        keys={task: fingerprint((*facts, task)) for task in _tasks_of(method, tasks)},
        standardize=standardize,
        time_limit=time_limit,
    )


def _tasks_of(method: Method, tasks: tuple[str, ...]) -> tuple[str, ...]:
    """Who is told the graph has nothing to discover."""
    return tuple(task for task in tasks if method.learner is not None or task == "effect")


def _open_part(cell: Cell, known: Mapping[str, Result], again: frozenset[str]) -> Cell | None:
    """The cell with the tasks that are left, or None."""
    left = {
        task: key
        for task, key in cell.keys.items()
        if key not in known or _is_open(known[key], cell.time_limit, again)
    }
    return replace(cell, keys=left) if left else None


def _is_open(result: Result, time_limit: float | None, again: frozenset[str]) -> bool:
    """Whether a stored result is worked on again: on demand, or as there is more time now."""
    granted = result.time_limit
    more = granted is not None and (time_limit is None or time_limit > granted)
    return result.status in again or (result.status == "timeout" and more)


def _named(cell: Cell, task: str, found: Mapping[str, Result]) -> Result:
    """A result under the names that this call has for model and method."""
    return replace(found[cell.keys[task]], model=cell.model_name, method=cell.method.name)
