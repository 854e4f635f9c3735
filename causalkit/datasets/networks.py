"""Bayesian networks over discrete variables: exact answers, and as many rows as you like.

A :class:`DiscreteNetwork` is a graph with a conditional probability table at each node. Everything
about it can be computed exactly, which makes it a judge of methods that see only a sample: its
joint and conditional probabilities, and after :meth:`DiscreteNetwork.do` the effects of
interventions.

>>> from causalkit.datasets import load_network
>>> asia = load_network("asia")
>>> seen = asia.probability({"bronc": "yes"}, given={"lung": "yes"})
>>> done = asia.do({"lung": "yes"}).probability({"bronc": "yes"})
>>> round(seen, 4), round(done, 4)  # smoking causes both: seeing is not doing
(0.5727, 0.45)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError as SortingError
from graphlib import TopologicalSorter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.datasets.bif import parse_bif
from causalkit.datasets.catalogue import available_networks, data_file, unknown_name
from causalkit.errors import CycleError, InputError, UnknownVariableError
from causalkit.typing import FloatArray, IntArray, RandomState

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.graph import CausalGraph

__all__ = ["DiscreteNetwork", "load_network"]

_MOST_AXES = 52  # what numpy.einsum can name


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DiscreteNetwork(Reported):
    """A Bayesian network over discrete variables.

    Parameters
    ----------
    levels : mapping of str to tuple of str
        Level names of each variable.
    parents : mapping of str to tuple of str
        Parents of each variable.
    tables : mapping of str to array
        `tables[v]` has one axis for each parent of v, in the order of `parents[v]`, then one for
        v; the last axis sums to 1.
    name : str
        What to call it.

    Raises
    ------
    InputError
        If the tables do not fit the levels and parents, or are no probabilities.
    CycleError
        If a variable is its own ancestor.

    Examples
    --------
    >>> rain = DiscreteNetwork(
    ...     levels={"rain": ("yes", "no"), "wet": ("yes", "no")},
    ...     parents={"rain": (), "wet": ("rain",)},
    ...     tables={"rain": np.array([0.2, 0.8]), "wet": np.array([[0.9, 0.1], [0.1, 0.9]])},
    ... )
    >>> round(rain.probability({"rain": "yes"}, given={"wet": "yes"}), 4)
    0.6923
    """

    levels: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, FloatArray]
    name: str = ""

    def __post_init__(self) -> None:
        levels = {v: tuple(names) for v, names in self.levels.items()}
        parents = {v: tuple(self.parents.get(v, ())) for v in levels}
        for named in (self.parents, self.tables, *parents.values()):
            for v in named:
                if v not in levels:
                    raise UnknownVariableError.among(v, levels, where="`levels`")
        for v in levels:
            if v not in self.tables:
                raise UnknownVariableError.among(v, self.tables, where="`tables`")
        tables = {v: _as_table(v, parents[v], self.tables[v], levels) for v in levels}
        _in_causal_order(parents)
        for field, value in (("levels", levels), ("parents", parents), ("tables", tables)):
            object.__setattr__(self, field, MappingProxyType(value))

    @classmethod
    def from_bif(cls, text: str, name: str = "") -> DiscreteNetwork:
        """Read the text of a file in the interchange format BIF.

        Examples
        --------
        >>> DiscreteNetwork.from_bif('''
        ...     variable rain { type discrete [ 2 ] { yes, no }; }
        ...     probability ( rain ) { table 0.2, 0.8; }
        ... ''').marginals()
        {'rain': array([0.2, 0.8])}
        """
        return cls(*parse_bif(text), name=name)

    @property
    def graph(self) -> CausalGraph:
        """The DAG, its nodes in the order of `levels`."""
        from causalkit.graph import CausalGraph

        edges = [(parent, v) for v, parents in self.parents.items() for parent in parents]
        return CausalGraph.from_edges(self.levels, edges, kind="DAG")

    def sample(self, n: int, *, rng: RandomState = None) -> pd.DataFrame:
        """Draw independent rows.

        Parameters
        ----------
        n : int
            Number of rows.
        rng : int, Generator or None
            The same seed gives the same rows.

        Returns
        -------
        pandas.DataFrame, shape (n, n_variables)
            Categoricals with the levels of the network, columns in the order of `levels`.

        Examples
        --------
        >>> load_network("asia").sample(2, rng=1)[["smoke", "lung"]].to_numpy().tolist()
        [['yes', 'no'], ['no', 'no']]
        """
        import pandas as pd

        n, generator = check_count(n, "n"), as_generator(rng)
        codes: dict[str, IntArray] = {}
        for v in _in_causal_order(self.parents):
            rows = self.tables[v][tuple(codes[u] for u in self.parents[v])]
            # The last level takes what rounding leaves over.
            steps = np.cumsum(rows, axis=-1)[..., :-1]
            codes[v] = (generator.random(n)[:, None] >= steps).sum(axis=-1)
        cells = pd.Categorical.from_codes
        return pd.DataFrame({v: cells(codes[v], pd.Index(k)) for v, k in self.levels.items()})

    def do(self, values: Mapping[str, str]) -> DiscreteNetwork:
        """Return the network after an intervention that sets variables to levels.

        Examples
        --------
        >>> asia = load_network("asia")
        >>> asia.do({"xray": "yes"}).probability({"lung": "yes"})  # a picture causes no cancer
        0.055...
        """
        parents, tables = dict(self.parents), dict(self.tables)
        for v, code in self._codes(values).items():
            parents[v] = ()
            tables[v] = np.eye(len(self.levels[v]))[code]
        return DiscreteNetwork(self.levels, parents, tables, self.name)

    def joint(self, *names: str, given: Mapping[str, str] | None = None) -> FloatArray:
        """Exact joint probabilities of variables, given levels of others.

        Parameters
        ----------
        *names : str
            Variables.
        given : mapping of str to str, optional
            Observed levels.

        Returns
        -------
        array
            One axis for each of `names`, in their order; sums to 1.

        Raises
        ------
        InputError
            If a variable is named twice, or `given` has probability zero.

        Notes
        -----
        Variables that are no ancestors of what is asked are left out, the others are summed out
        one after the other.

        Examples
        --------
        >>> load_network("asia").joint("smoke", "lung").round(3).tolist()
        [[0.05, 0.45], [0.005, 0.495]]
        """
        fixed = self._codes(given or {})
        self._check_names(names)
        twice = [v for k, v in enumerate(names) if v in fixed or v in names[:k]]
        if twice:
            raise InputError(
                f"{twice[0]!r} is named twice in what is asked and given; expected each variable "
                "once. Drop one of the two."
            )
        kept = self._ancestors([*names, *fixed])
        axis = {v: k for k, v in enumerate(v for v in kept if v not in fixed)}
        if len(axis) > _MOST_AXES:
            raise InputError(
                f"the answer depends on {len(axis)} variables; expected at most {_MOST_AXES}. "
                "Sample, or ask about variables with fewer ancestors."
            )
        operands: list[Any] = []
        for v in kept:
            scope = (*self.parents[v], v)
            operands.append(self.tables[v][tuple(fixed.get(u, slice(None)) for u in scope)])
            operands.append([axis[u] for u in scope if u not in fixed])
        if not operands:
            return np.ones(())
        weights = np.asarray(np.einsum(*operands, [axis[v] for v in names], optimize="greedy"))
        total = weights.sum()
        if total == 0:
            raise InputError(
                f"given={dict(given or {})} has probability zero; expected an event that can "
                "happen. Change or drop one of its levels."
            )
        return np.asarray(weights / total, dtype=np.float64)

    def probability(
        self, event: Mapping[str, str], *, given: Mapping[str, str] | None = None
    ) -> float:
        """Exact probability that variables take these levels, given levels of others.

        Examples
        --------
        >>> asia = load_network("asia")
        >>> asia.probability({"lung": "yes"}, given={"xray": "yes", "smoke": "yes"})
        0.6459...
        """
        codes = self._codes(event)
        return float(self.joint(*codes, given=given)[tuple(codes.values())])

    def marginals(self) -> dict[str, FloatArray]:
        """Exact probabilities of the levels of each variable."""
        return {v: self.joint(v) for v in self.levels}

    def __reduce__(self) -> tuple[Any, ...]:
        # a mapping proxy cannot be pickled, a dict can
        return type(self), (dict(self.levels), dict(self.parents), dict(self.tables), self.name)

    def _report(self) -> Report:
        free = sum((t.shape[-1] - 1) * int(np.prod(t.shape[:-1])) for t in self.tables.values())
        facts = [
            ("variables", len(self.levels)),
            ("edges", sum(map(len, self.parents.values()))),
            ("free probabilities", free),
        ]
        rows = [(v, ", ".join(names)) for v, names in self.levels.items()]
        title = f"Bayesian network {self.name}".rstrip()
        return Report(title, facts, ("variable", "levels"), rows)

    def _codes(self, values: Mapping[str, str]) -> dict[str, int]:
        self._check_names(values)
        for v, level in values.items():
            if level not in self.levels[v]:
                raise InputError(
                    f"{v!r} has no level {level!r}; expected one of "
                    f"{', '.join(map(repr, self.levels[v]))}. Use one of these names."
                )
        return {v: self.levels[v].index(level) for v, level in values.items()}

    def _check_names(self, names: Mapping[str, str] | tuple[str, ...]) -> None:
        for v in names:
            if v not in self.levels:
                raise UnknownVariableError.among(v, self.levels, where="the network")

    def _ancestors(self, names: list[str]) -> list[str]:
        found, queue = set(names), list(names)
        while queue:
            new = set(self.parents[queue.pop()]) - found
            found |= new
            queue.extend(new)
        return [v for v in self.levels if v in found]


def load_network(name: str) -> DiscreteNetwork:
    """Load a bundled Bayesian network.

    Parameters
    ----------
    name : str
        One of :func:`available_networks`.

    Returns
    -------
    DiscreteNetwork
        Graph, levels and conditional probability tables; draw rows with `.sample(n, rng=...)`.

    Raises
    ------
    InputError
        If there is no network of that name.

    Examples
    --------
    >>> alarm = load_network("alarm")
    >>> len(alarm.levels), len(alarm.graph.edges())
    (37, 46)
    """
    if name not in available_networks():
        raise unknown_name(name, available_networks(), what="network")
    return _read_network(name)


@cache
def _read_network(name: str) -> DiscreteNetwork:
    text = data_file(f"{name}.bif").read_text(encoding="utf-8")
    return DiscreteNetwork.from_bif(text, name=name)


def _as_table(
    v: str, parents: tuple[str, ...], cells: Any, levels: Mapping[str, tuple[str, ...]]
) -> FloatArray:
    table = np.array(cells, dtype=np.float64)
    shape = tuple(len(levels[u]) for u in (*parents, v))
    if table.shape != shape:
        raise InputError(
            f"the table of {v!r} has shape {table.shape}; expected {shape}: an axis for each "
            f"of its parents {parents}, then one for {v!r}. Check `levels` and `parents`."
        )
    if not (table >= 0).all() or not np.allclose(table.sum(axis=-1), 1, rtol=0, atol=1e-6):
        raise InputError(
            f"the table of {v!r} holds no probabilities; expected numbers of at least 0 with sum 1 "
            "along the last axis. Complete or rescale its rows."
        )
    table.flags.writeable = False
    return table


def _in_causal_order(parents: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    try:
        return tuple(TopologicalSorter(parents).static_order())
    except SortingError as error:
        circle = " -> ".join(map(str, error.args[1]))
        raise CycleError(
            f"the parents run in a circle: {circle}; expected no directed cycle. Remove one of "
            "these edges."
        ) from None
