"""Algorithms of causal-learn behind our interface: what they share.

causal-learn holds algorithms that we do not write again. Each becomes a
:class:`~causalkit.discovery.DiscoveryAlgorithm` by one hook, `_learn(values, names)`, which hands a
matrix to causal-learn and returns a graph. Everything that makes a library safe to call is here,
once: the table is checked (no missing cells, constants or redundant columns, which causal-learn
turns into silent nonsense), columns come in the order of their names and in units of their standard
deviation, nothing prints or warns, no seed of the process is touched, and an error of theirs comes
back as one of ours.

causal-learn is MIT licensed: Zheng et al. (2024), "Causal-learn: causal discovery in Python", JMLR
25(60).
"""

from __future__ import annotations

import io
import random
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import ClassVar

import numpy as np

from causalkit._core.parallel import one_thread
from causalkit._core.random import as_generator, draw_seed
from causalkit._core.table import Table
from causalkit.discovery._columns import standardised
from causalkit.discovery._setup import as_knowledge, in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.errors import CycleError, InputError, NumericalError
from causalkit.graph import CausalGraph
from causalkit.typing import FloatArray, Name

__all__ = ["CausalLearnAlgorithm"]


class CausalLearnAlgorithm(DiscoveryAlgorithm):
    """Base of the algorithms that causal-learn carries out.

    A subclass writes `_learn(values, names)`; it may have the settings `random_state` and
    `knowledge`, which are read here.
    """

    _least_columns: ClassVar[int] = 2

    def _fit(self, table: Table) -> None:
        who = type(self).__name__
        names = in_name_order(table.names)
        values = standardised(table.select(names), who, least_columns=self._least_columns)
        with _on_its_own(getattr(self, "random_state", None), who):
            graph = self._learn(values, names)
        hidden = [name for name in graph.nodes if name not in names]
        self.graph_ = graph.reordered([*table.names, *hidden])

    @abstractmethod
    def _learn(self, values: FloatArray, names: tuple[Name, ...]) -> CausalGraph:
        """Return the graph; `values` has mean 0 and variance 1, a column for each of `names`."""

    def _explain(self, a: Name, b: Name) -> Explanation:
        edges = self.graph_.edges_between(a, b)
        knowledge = as_knowledge(getattr(self, "knowledge", None))
        known = [
            f"knowledge: {reason}"
            for reason in (knowledge.why_forbidden(a, b), knowledge.why_forbidden(b, a))
            if reason
        ]
        source = f"causal-learn's {type(self).__name__}; there is no record of tests or scores"
        if not edges:
            why = "; ".join(known) if len(known) == 2 else f"no edge returned by {source}"
            return Explanation((a, b), "no edge", why)
        shown = "; ".join(map(str, edges))
        return Explanation(
            (a, b), shown, f"edge returned by {source}", known[0] if known else f"as {source}"
        )


@contextmanager
def _on_its_own(random_state: object, who: str) -> Iterator[None]:
    """Run causal-learn so that nobody notices: seeds, output, warnings and threads are restored.

    It draws from the global generators of `random` and NumPy, so these are seeded for the time
    being.
    """
    seed = draw_seed(as_generator(random_state))  # type: ignore[arg-type]
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), one_thread():
            warnings.simplefilter("ignore")
            with np.errstate(all="ignore"):
                yield
    except CycleError as error:
        raise NumericalError(
            f"causal-learn's {who} returned edges that run in a circle ({error}); expected an "
            "acyclic graph. Bring more rows, or test at a smaller alpha."
        ) from error
    except (InputError, NumericalError):
        raise
    except (ArithmeticError, ValueError, IndexError, np.linalg.LinAlgError) as error:
        raise NumericalError(
            f"causal-learn's {who} broke down with {type(error).__name__}: {error}; expected data "
            "that its model can be fitted to. Look for nearly redundant columns and for values far "
            "out, or bring more rows."
        ) from error
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002
