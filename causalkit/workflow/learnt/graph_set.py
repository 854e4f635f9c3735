"""`GraphSet`: graphs that searches found, how often, and what the data say about each.

Instead of the one graph that was learnt there is a set of them. Each has a share, of the searches
that found it, and a score, that of the data given one of its members. A graph whose score is far
below the best is ruled out by the data, however often it was found (Occam's window).

References
----------
Madigan and Raftery (1994), "Model selection and accounting for model uncertainty in graphical
models using Occam's window", JASA 89, 1535-1546 (graphs far below the best are left out).
doi:10.1080/01621459.1994.10476894
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GraphSet"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GraphSet(Reported):
    """Graphs that searches found, with what the data say about each.

    Attributes
    ----------
    graphs : tuple of CausalGraph, or of LaggedGraph
        All different; those most often found first.
    shares : ndarray of shape (k,)
        Share of the searches that found each; they add up to one. Zero of those that were not
        found, but made by adding the edge that is asked about.
    scores : ndarray of shape (k,)
        Its score, in units of log-likelihood; NaN of graphs that have none (with latents), minus
        infinity of a class of which the marks contradict each other, so that it has no member.
    window : float
        How far below the best score a graph may be to be kept.
    searches : tuple of (str, int)
        What was searched with, and how often.

    Examples
    --------
    >>> chain, fork = map(CausalGraph.parse, ("a -> b -> c", "a <- b -> c; a -> c"))
    >>> found = GraphSet((chain, fork), np.array([0.7, 0.3]), np.array([-10.0, -90.0]), 20.0)
    >>> found.kept
    array([ True, False])
    """

    graphs: tuple[CausalGraph | LaggedGraph, ...]
    shares: FloatArray
    scores: FloatArray
    window: float = math.inf
    searches: tuple[tuple[str, int], ...] = ()

    @property
    def kept(self) -> BoolArray:
        """Whether the score of each is within the window; all of those without a score."""
        possible: BoolArray = (self._below <= self.window) & (self.scores > -np.inf)
        return possible | np.isnan(self.scores)

    @property
    def plausible(self) -> GraphSet:
        """Those that are kept, their shares made to add up to one."""
        kept = self.kept
        share = self.shares[kept]
        graphs = tuple(graph for graph, ok in zip(self.graphs, kept, strict=True) if ok)
        return replace(self, graphs=graphs, shares=share / share.sum(), scores=self.scores[kept])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a graph."""
        import pandas as pd

        return pd.DataFrame(
            {
                "graph": [str(graph) for graph in self.graphs],
                "share": self.shares,
                "score": -self._below,
                "kept": self.kept,
            }
        )

    def __len__(self) -> int:
        return len(self.graphs)

    @property
    def _below(self) -> FloatArray:
        """How far each score is below the best; NaN of graphs without a score."""
        scored = self.scores[~np.isnan(self.scores)]
        below: FloatArray = (scored.max() if len(scored) else np.nan) - self.scores
        return below

    def _report(self) -> Report:
        shown = list(zip(self.graphs, self.shares, self._below, self.kept, strict=True))[:8]
        if np.isnan(self.scores).all():
            note = (
                "All are kept: none has a score. There is none for graphs with latent variables, "
                "empty cells or clustered rows, nor one that suits a kernel test."
            )
        elif np.isinf(self.window):
            note = "All are kept."
        else:
            note = f"Kept: at most {self.window:.3g} below the best, in log-likelihood."
        notes = [note]
        if added := int((self.shares == 0).sum()) if self.searches else 0:
            verb = "was" if added == 1 else "were"
            notes.append(
                f"{added} of all {len(self)} {verb} not found: the edge that is asked about was "
                "added."
            )
        return Report(
            title=f"{len(self)} graphs, {int(self.kept.sum())} of them kept",
            facts=[(label, f"{n} searches") for label, n in self.searches],
            columns=("share", "below the best", "kept", "graph"),
            rows=[
                (f"{share:.2f}", below, "yes" if kept else "no", str(graph))
                for graph, share, below, kept in shown
            ],
            notes=notes,
        )
