"""`DecisionTree`: a rule of whom to give what, as a value: text, picture, decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalkit._core.report import Report, Reported, format_value
from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DecisionTree", "labelled"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DecisionTree(Reported):
    """A rule of whom to give what.

    Attributes
    ----------
    levels : tuple
        Actions.
    names : tuple of str
        Columns.
    column, left, right, action : tuple of int
        Of each node (the first is the root): the column it looks at, the nodes it goes on to, and
        the position of its action in `levels`. The first three are -1 in a leaf, the last is -1
        elsewhere.
    threshold : tuple of float
        Rows with a value of at most this go left.
    n_rows : tuple of int
        Rows that the tree was grown on, of each node.
    """

    levels: tuple[object, ...]
    names: tuple[str, ...]
    column: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    action: tuple[int, ...]
    n_rows: tuple[int, ...]

    def decide(self, X: FloatArray) -> IntArray:
        """Positions in `levels` of the actions of encoded rows, shape (n,)."""
        node = np.zeros(len(X), dtype=np.intp)
        column, threshold = np.array(self.column), np.array(self.threshold)
        left, right = np.array(self.left), np.array(self.right)
        while True:
            inner = np.flatnonzero(column[node] >= 0)
            if not len(inner):
                return np.array(self.action, dtype=np.intp)[node]
            at = node[inner]
            goes = X[inner, column[at]] <= threshold[at]
            node[inner] = np.where(goes, left[at], right[at])

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return sum(column < 0 for column in self.column)

    def lines(self) -> Iterator[str]:
        """The tree as text, one line a node."""
        yield from self._below(0, "", "")

    def question(self, node: int) -> str:
        """What an inner node asks."""
        return f"{self.names[self.column[node]]} ≤ {format_value(self.threshold[node])}"

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the tree."""
        from causalkit.plotting.heterogeneity import plot_policy_tree

        return plot_policy_tree(self, ax=ax, **style)

    def _below(self, node: int, answer: str, indent: str) -> Iterator[str]:
        rows = f"({self.n_rows[node]} rows)"
        if self.column[node] < 0:
            yield f"{indent}{answer}→ {self.levels[self.action[node]]} {rows}"
            return
        yield f"{indent}{answer}{self.question(node)}? {rows}"
        deeper = indent + "  "
        yield from self._below(self.left[node], "yes: ", deeper)
        yield from self._below(self.right[node], "no: ", deeper)

    def _report(self) -> Report:
        title = f"Decision tree with {self.n_leaves} leaves"
        return Report(title=title, columns=("rule",), rows=[(line,) for line in self.lines()])


def labelled(levels: tuple[object, ...]) -> NDArray[Any]:
    """Levels as an array in which each keeps its type."""
    if len({type(level) for level in levels}) == 1:
        return np.array(levels)
    labels = np.empty(len(levels), dtype=object)
    labels[:] = levels
    return labels
