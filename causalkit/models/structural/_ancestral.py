"""Running a system of mechanisms: causes before effects, a whole column at a time.

Each node has a random stream of its own, spawned before anything is drawn. So what is done to one
variable changes the noise of no other, bit for bit, and two runs with the same noise differ by the
intervention alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np

from causalkit.errors import InputError, NumericalError
from causalkit.graph import CausalGraph
from causalkit.graph._validity import topological_order
from causalkit.graph.marks import ARROW, TAIL, Kind
from causalkit.models.interventions import Hold, Intervention, Policy, Shift
from causalkit.models.mechanisms.additive import Additive, Linear, LocationScale
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.structural._intervened import Decided, Held, Shifted
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["System", "as_intervention"]


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """A DAG, latent nodes included, and the mechanism of each node.

    Attributes
    ----------
    dag : CausalGraph
    mechanisms : tuple of Mechanism
        In the order of the nodes. The causes of a node come to its mechanism in that order too.
    """

    dag: CausalGraph
    mechanisms: tuple[Mechanism, ...]

    def parents(self, node: int) -> IntArray:
        """Positions of the causes of a node."""
        found: IntArray = np.flatnonzero(self.dag.directed[:, node])
        return found

    def above(self, nodes: Collection[int]) -> frozenset[int]:
        """Positions of some nodes and all that causes them."""
        names = self.dag.ancestors([self.dag.nodes[k] for k in nodes])
        return frozenset(self.dag.indices(sorted(names, key=str)))

    def draw(
        self, n: int, rng: np.random.Generator, only: Collection[int] | None = None
    ) -> tuple[FloatArray | None, ...]:
        """Noise of each node, n rows; None for those that are not asked for."""
        streams = rng.spawn(len(self.mechanisms))
        return tuple(
            mechanism.draw(n, stream) if only is None or k in only else None
            for k, (mechanism, stream) in enumerate(zip(self.mechanisms, streams, strict=True))
        )

    def values(
        self,
        noise: tuple[FloatArray | None, ...],
        n: int,
        only: Collection[int] | None = None,
    ) -> FloatArray:
        """Values with this noise, shape (p, n); NaN for nodes that are not asked for."""
        directed = self.dag.directed.T.copy()
        values = np.full((len(self.mechanisms), n), np.nan)
        for k in self.dag.order.tolist():
            if only is not None and k not in only:
                continue
            causes, own = values[directed[k]].T, noise[k]
            if own is None:
                raise InputError(f"there is no noise of {self.dag.nodes[k]!r}; expected some.")
            values[k] = self.mechanisms[k].value(causes, own)
            if not np.isfinite(values[k]).all():
                raise NumericalError(
                    f"the mechanism of {self.dag.nodes[k]!r} gave values that are not finite; "
                    "expected numbers. Look at its function outside the range it was fitted on."
                )
        return values

    def noise(self, values: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, ...]:
        """Noise that gives these values of all nodes, shape (p, n)."""
        streams = rng.spawn(len(self.mechanisms))
        return tuple(
            mechanism.noise(values[self.parents(k)].T, values[k], stream)
            for k, (mechanism, stream) in enumerate(zip(self.mechanisms, streams, strict=True))
        )

    def after(self, do: Mapping[Name, Intervention]) -> System:
        """Return the system after interventions."""
        directed, mechanisms = self.dag.directed.copy(), list(self.mechanisms)
        for name, what in do.items():
            k = self.dag.index(name)
            action = as_intervention(name, what)
            if isinstance(action, Shift):
                mechanisms[k] = Shifted(mechanisms[k], action.amount)
                continue
            directed[:, k] = False
            if isinstance(action, Hold):
                mechanisms[k] = Held(action.value)
                continue
            given = sorted(self.dag.indices(action.given))
            directed[given, k] = True
            mechanisms[k] = Decided(action.rule, tuple(self.dag.nodes[i] for i in given))
        if np.array_equal(directed, self.dag.directed):
            return replace(self, mechanisms=tuple(mechanisms))
        if topological_order(directed) is None:
            raise InputError(
                f"a policy for {', '.join(map(repr, do))} looks at what it causes; expected causes "
                "of the variable, or variables beside it. Leave its effects out of `given`."
            )
        ends = directed * np.uint8(ARROW) | directed.T * np.uint8(TAIL)
        return System(CausalGraph(self.dag.nodes, ends, Kind.DAG), tuple(mechanisms))

    def check(self) -> System:
        """Return the system if each mechanism fits its causes, as far as can be seen."""
        for k, (name, mechanism) in enumerate(zip(self.dag.nodes, self.mechanisms, strict=True)):
            if not isinstance(mechanism, Mechanism):
                raise InputError(
                    f"the mechanism of {name!r} is a {type(mechanism).__name__}; expected draw(), "
                    "value(), noise() and bijective. Write e.g. Additive(Linear(slopes), Normal())."
                )
            functions = []
            if isinstance(mechanism, Additive | LocationScale):
                functions.append(mechanism.mean)
            if isinstance(mechanism, LocationScale):
                functions.append(mechanism.log_scale)
            n_causes = len(self.parents(k))
            for function in functions:
                if isinstance(function, Linear) and len(function.slopes) != n_causes:
                    raise InputError(
                        f"the mechanism of {name!r} has {len(function.slopes)} slope(s), and the "
                        f"graph gives it {n_causes} cause(s); expected as many. The slopes stand "
                        "in the order of the nodes of the graph."
                    )
        return self


def as_intervention(name: Name, what: object) -> Hold | Shift | Policy:
    """Return an intervention on a row: a number is held; nothing has a beginning or an end."""
    if isinstance(what, Real | np.ndarray) and not isinstance(what, bool):
        return Hold(what if isinstance(what, np.ndarray) else float(what))
    if not isinstance(what, Hold | Shift | Policy):
        raise InputError(
            f"do[{name!r}] is a {type(what).__name__}; expected a number, Hold, Shift or Policy."
        )
    if what.start is not None or what.stop is not None:
        raise InputError(
            f"do[{name!r}] has a start or a stop, and this model has no time; expected neither. "
            "Leave them out, or use TemporalCausalModel."
        )
    return what
