"""One method on one data set: the piece of work that a comparison is made of.

A cell draws its data anew from seeds that follow from its content, so that it does not matter in
which process, in which order or in which of several runs it is worked on. What a method raises, or
the time that it takes beyond its limit, becomes a row of the results and ends nothing.
"""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any, Final

import numpy as np

from causalkit.benchmark.methods import Learnt, Method, learn
from causalkit.benchmark.storage import Result, Store
from causalkit.benchmark.tasks import score_discovery, score_effect, sortabilities
from causalkit.benchmark.truths import Drawn, asked_effect, draw, effect_of
from causalkit.errors import CausalkitError, NotIdentifiableError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.identification import identify
from causalkit.typing import Data

__all__ = ["Cell", "data_seeds", "work"]

_LONGEST_MESSAGE: Final = 300


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """What is to be done.

    Attributes
    ----------
    model_name, model
        What the data are drawn from.
    model_key, method_key : str
        Fingerprints.
    method : Method
    n_obs, repeat, seed : int
    keys : mapping of str to str
        Of the results, by task; only these tasks are worked on.
    standardize : bool
        Whether the method sees numbers in units of their standard deviations.
    time_limit : float or None
    """

    model_name: str
    model: Any
    model_key: str
    method: Method
    method_key: str
    n_obs: int
    repeat: int
    seed: int
    keys: Mapping[str, str]
    standardize: bool
    time_limit: float | None


class _OutOfTimeError(BaseException):
    """The limit is up. No `except Exception` of a method may swallow it."""


def data_seeds(model_key: str, seed: int, n_obs: int, repeat: int) -> np.random.SeedSequence:
    """Seeds of a data set: the same for all methods, whatever else is compared."""
    return np.random.SeedSequence([seed, int(model_key[:16], 16), n_obs, repeat])


def work(cell: Cell, store: Store | None) -> list[Result]:
    """Do what a cell says, and note it.

    Parameters
    ----------
    cell : Cell
    store : Store or None

    Returns
    -------
    list of Result
        One for each task.
    """
    seeds = data_seeds(cell.model_key, cell.seed, cell.n_obs, cell.repeat)
    of_data, of_pair = seeds.spawn(2)
    word = sha256(cell.method_key.encode()).digest()[:8]
    own = np.random.SeedSequence([cell.seed, int.from_bytes(word, "little"), cell.repeat])
    rng = np.random.default_rng(own)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            drawn = draw(cell.model, cell.n_obs, of_data)
        except Exception as error:
            results = [_failed(cell, task, error, 0.0, "the model: ") for task in cell.keys]
        else:
            results = _results(cell, drawn, np.random.default_rng(of_pair), rng, given)
    if store is not None:
        store.note(results)
    return results


def _results(
    cell: Cell,
    drawn: Drawn,
    of_pair: np.random.Generator,
    rng: np.random.Generator,
    given: list[warnings.WarningMessage],
) -> list[Result]:
    data = _standardised(drawn.data, drawn.graph) if cell.standardize else drawn.data
    start, ended = perf_counter(), 0.0
    learnt: Learnt | None = None
    problem: BaseException | None = None
    try:
        with _alarm(cell.time_limit):
            learnt = learn(cell.method, data, drawn.graph, rng)
    except (Exception, _OutOfTimeError) as error:
        problem = error
    ended = perf_counter() - start
    if cell.time_limit is not None and ended > cell.time_limit and problem is None:
        problem = _OutOfTimeError()
    results = []
    for task in cell.keys:
        if learnt is None or problem is not None:
            found = _failed(cell, task, problem or _OutOfTimeError(), ended)
        elif task == "discovery":
            found = _discovery(cell, drawn, learnt, ended)
        else:
            found = _effect(cell, drawn, learnt, ended, of_pair, rng)
        results.append(found)
    kinds = " ".join(sorted({message.category.__name__ for message in given}))
    return [_with_warnings(result, kinds) for result in results]


def _discovery(cell: Cell, drawn: Drawn, learnt: Learnt, seconds: float) -> Result:
    try:
        values = score_discovery(drawn.graph, learnt)
    except Exception as error:
        return _failed(cell, "discovery", error, seconds)
    values |= sortabilities(drawn.data, drawn.graph)
    return _result(cell, "discovery", "ok", seconds, values)


def _effect(
    cell: Cell,
    drawn: Drawn,
    learnt: Learnt,
    seconds: float,
    of_pair: np.random.Generator,
    rng: np.random.Generator,
) -> Result:
    limit = None if cell.time_limit is None else max(cell.time_limit - seconds, 1e-3)
    start, problem = perf_counter(), None
    values: dict[str, float] = {}
    status, identified = "ok", True
    try:
        question = _question(cell, drawn, of_pair)
        if isinstance(question, str):
            return _result(cell, "effect", "not applicable", seconds, {}, question)
        asked, truth, identified = question
        start = perf_counter()
        with _alarm(limit):
            values = score_effect(
                drawn,
                asked,
                truth,
                learnt.graph,
                cell.method.estimator,
                rng,
                identified=identified,
            )
    except NotIdentifiableError:
        status = "not identified"
        values = {"identified": 1.0} if identified else {"identified": 0.0, "trapped": 0.0}
    except (Exception, _OutOfTimeError) as error:
        problem = error
    total = seconds + perf_counter() - start
    if problem is None and cell.time_limit is not None and total > cell.time_limit:
        problem = _OutOfTimeError()
    if problem is not None:
        return _failed(cell, "effect", problem, total)
    return _result(cell, "effect", status, total, values)


Question = tuple[tuple[Any, Any], tuple[float, float], bool]


def _question(cell: Cell, drawn: Drawn, rng: np.random.Generator) -> Question | str:
    """Treatment and outcome, true effect, and if it is identified; or why there is none to ask for.

    All methods on a data set have the same one, so it is kept: it may come from a simulation.
    """
    place = (cell.model_key, cell.seed, cell.n_obs, cell.repeat)
    if place not in _QUESTIONS:
        if len(_QUESTIONS) >= _MOST_QUESTIONS:
            _QUESTIONS.clear()
        _QUESTIONS[place] = _ask(drawn, rng)
    return _QUESTIONS[place]


_QUESTIONS: Final[dict[tuple[str, int, int, int], Question | str]] = {}
_MOST_QUESTIONS: Final = 1000


def _ask(drawn: Drawn, rng: np.random.Generator) -> Question | str:
    asked = asked_effect(drawn, rng)
    if asked is None:
        return "the true graph identifies no effect"
    try:
        truth = effect_of(drawn, *asked, rng)
        identify(drawn.graph, *asked)
    except NotIdentifiableError:
        return asked, truth, False
    except CausalkitError as error:
        return str(error)
    return asked, truth, True


@contextmanager
def _alarm(seconds: float | None) -> Iterator[None]:
    """Raise in this block when the time is up.

    The interpreter looks at the clock between its own steps, so compiled code ends its loop first;
    and only the main thread of a process can be interrupted. Elsewhere the time is looked at when
    the block has ended.
    """
    able = hasattr(signal, "setitimer") and (threading.current_thread() is threading.main_thread())
    if seconds is None or not able:
        yield
        return

    def ring(*_: object) -> None:
        raise _OutOfTimeError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


# --- rows -----------------------------------------------------------------------------------------


def _result(
    cell: Cell,
    task: str,
    status: str,
    seconds: float,
    values: Mapping[str, float],
    message: str = "",
) -> Result:
    return Result(
        key=cell.keys[task],
        model=cell.model_name,
        repeat=cell.repeat,
        n_obs=cell.n_obs,
        method=cell.method.name,
        task=task,
        status=status,
        seconds=seconds,
        values={name: float(value) for name, value in values.items()},
        message=message,
        time_limit=cell.time_limit,
    )


def _failed(cell: Cell, task: str, error: BaseException, seconds: float, where: str = "") -> Result:
    if isinstance(error, _OutOfTimeError):
        return _result(cell, task, "timeout", seconds, {}, f"after {seconds:.3g} s")
    first = next(iter(str(error).splitlines()), "")
    message = f"{where}{type(error).__name__}: {first}"[:_LONGEST_MESSAGE]
    return _result(cell, task, "failed", seconds, {}, message)


def _with_warnings(result: Result, kinds: str) -> Result:
    from dataclasses import replace

    return replace(result, warned=kinds)


def _standardised(data: Data, graph: CausalGraph | LaggedGraph) -> Data:
    """Columns of real numbers divided by their standard deviations, others as they are."""
    nodes = set(graph.nodes if isinstance(graph, CausalGraph) else graph.variables)
    if isinstance(data, Mapping):
        return {name: _scaled(col) if name in nodes else col for name, col in data.items()}
    if isinstance(data, np.ndarray) and data.ndim == 2:
        return np.column_stack([_scaled(column) for column in data.T])
    if hasattr(data, "assign"):
        of_nodes = [name for name in data.columns if name in nodes]
        return data.assign(**{str(n): _scaled(data[n]) for n in of_nodes if isinstance(n, str)})
    return data


def _scaled(column: Any) -> Any:
    values = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    if values.dtype.kind != "f":
        return column
    spread = float(np.nanstd(values)) if np.isfinite(values).any() else 0.0
    return column / spread if spread > 0 else column
