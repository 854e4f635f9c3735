"""`Analysis`: what the chain from a table to an answer found, step by step.

Each step's own result is kept: the graph, the estimand, the effect, the challenges. Beside them
stand what was decided on the way and why (`decisions`), and what changes how the answer is to be
read (`notes`). :func:`~causalkit.workflow.analyze` makes it; it renders itself as a page, as plain
values, and as the code that runs it again.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causalkit._core.report import Report, Reported, format_value
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import InputError, ResamplingWarning
from causalkit.estimation import Effect, EffectSet
from causalkit.estimation.effect import Interval
from causalkit.estimation.instruments.weak_instruments import (
    first_stage_strength,
    weak_instrument_set,
)
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.identification import Estimand
from causalkit.refutation import Challenges
from causalkit.typing import Name
from causalkit.workflow.decisions import Decision
from causalkit.workflow.learnt.data_sources import variables_of
from causalkit.workflow.learnt.learnt_contrasts import LearntEffects
from causalkit.workflow.learnt.learnt_result import LearntEffect

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.workflow.certificates.certificate import Certificate

__all__ = ["Analysis"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Analysis(Reported):
    """What the chain found, and what it was told.

    Attributes
    ----------
    treatment, outcome : str or int
    graph : CausalGraph or LaggedGraph
        Given or learnt.
    discovery : DiscoveryAlgorithm, SeriesAlgorithm or None
        The fitted algorithm; None if the graph was given.
    estimand : Estimand
    effect : Effect or EffectSet
        Its interval takes the graph as given.
    learnt : LearntEffect, LearntEffects or None
        The effect over all graphs that the data leave possible, one for each contrast if there are
        several; None if the graph was given.
    challenges : Challenges
    notes : tuple of str
        What changes how the answer is to be read; those that are a reason for doubt have a
        `headline`.
    decisions : tuple of Decision
        What was chosen at each step, and why; `pandas.DataFrame(analysis.decisions)` is a table.
    graph_as_given : str
        Why `interval()` takes a learnt graph as given; empty if it does not, or the graph was
        given.
    settings : mapping
        The arguments of the call, for the code that reruns it.
    data_summary : tuple of mappings
        One a column: name, kind, missing cells, mean, standard deviation, minimum, maximum; of
        categories the levels, and of two levels the second one and its share.
    n_rows : int
    fingerprint : str
        SHA-256 of names and values, to recognise the data again.
    """

    treatment: Name
    outcome: Name
    graph: CausalGraph | LaggedGraph
    discovery: DiscoveryAlgorithm | SeriesAlgorithm | None
    estimand: Estimand
    effect: Effect | EffectSet
    learnt: LearntEffect | LearntEffects | None
    challenges: Challenges
    notes: tuple[str, ...]
    decisions: tuple[Decision, ...]
    graph_as_given: str
    settings: Mapping[str, Any]
    data_summary: tuple[Mapping[str, Any], ...]
    n_rows: int
    fingerprint: str

    def interval(self, level: float = 0.95, *, contrast: int | str | None = None) -> Interval:
        """Interval with structural and sampling uncertainty, if the graph was learnt.

        Parameters
        ----------
        level : float
        contrast : int or str, optional
            Which effect, if there are several: its place in `contrasts`, or its label. Left out,
            the hull of the intervals of all, as :meth:`EffectSet.interval` has it.

        Returns
        -------
        Interval
            That of `learnt`; of a given graph, with `n_resamples=0`, or where going over other
            graphs failed, that of `effect`, which takes the graph as given.

        Raises
        ------
        InputError
            If there is no such contrast.

        Warns
        -----
        ResamplingWarning
            If going over other graphs was asked for and failed.
        """
        if self.lost_graphs:
            warnings.warn(
                "the interval takes the learnt graph as given, and is too short by an unknown "
                f"amount: going over other graphs failed. {self.graph_as_given}",
                ResamplingWarning,
                stacklevel=2,
            )
        return self._interval(level, contrast)

    @property
    def contrasts(self) -> tuple[str, ...]:
        """Labels of the effects where each answers its own question; empty if there is one."""
        if isinstance(self.effect, EffectSet) and self.effect.reading != "alternatives":
            return self.effect.labels
        return self.learnt.labels if isinstance(self.learnt, LearntEffects) else ()

    @property
    def lost_graphs(self) -> bool:
        """Whether `interval()` was to go over other graphs, and could not."""
        return bool(self.graph_as_given and self.settings["n_resamples"])

    def _interval(
        self, level: float = 0.95, contrast: int | str | None = None, *, given: bool = False
    ) -> Interval:
        """The interval without a warning; with `given`, the one that takes the graph as given."""
        found = self.effect if given or self.learnt is None else self.learnt
        if contrast is None:
            return found.interval(level)
        names = self.contrasts
        place = names.index(contrast) if contrast in names else contrast
        if not isinstance(place, int) or not -len(names) <= place < len(names):
            known = f"one of {', '.join(map(repr, names))}" if names else "None: there is one"
            raise InputError(f"there is no contrast {contrast!r}; expected {known}.")
        if isinstance(found, LearntEffects) or (
            isinstance(found, EffectSet) and found.reading != "alternatives"
        ):
            return found[place].interval(level)
        return found.interval(level)  # no effect, whatever is compared

    def to_html(
        self, path: str | Path | None = None, *, certificate: Certificate | None = None
    ) -> str:
        """Render one self-contained HTML page; write it to `path` if one is given.

        Parameters
        ----------
        path : str or Path, optional
        certificate : Certificate, optional
            Of this analysis, from :func:`~causalkit.workflow.certify`, to be shown in it.

        Returns
        -------
        str
            The page.
        """
        from causalkit.report import render

        page = render(self, certificate)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values that JSON can hold."""
        from causalkit.report import to_plain

        return to_plain(self)

    def code(self) -> str:
        """Python code that runs this analysis again on `data`."""
        from causalkit.report import rerun_code

        return rerun_code(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the effect (or each possible effect, or contrast) as a one-row-each table."""
        return self.effect.to_frame()

    def _repr_html_(self) -> str:
        return "".join(part._repr_html_() for part in (self.estimand, self.effect, self.challenges))

    @property
    def weakness(self) -> str | None:
        """How strong the instruments are, and if they are weak what holds then; None without."""
        strength = first_stage_strength(self.effect)
        if strength is None or not isinstance(self.effect, Effect):
            return None
        found, weak = strength
        if not weak:
            return f"strong enough: first-stage F {format_value(found)}"
        robust = weak_instrument_set(self.effect).sentence
        return (
            f"weak: first-stage F {format_value(found)}, so the interval of the estimate cannot be "
            f"trusted. {robust}"
        )

    def _report(self) -> Report:
        how = "given" if self.discovery is None else f"learnt by {type(self.discovery).__name__}"
        return Report(
            title=f"Effect of {self.treatment} on {self.outcome}",
            facts=[
                ("rows", self.n_rows),
                (
                    "graph",
                    f"{self.graph.kind.name}, {len(variables_of(self.graph))} variables, {how}",
                ),
                ("estimand", str(self.estimand.expression)),
                ("answer", self.effect.sentence),
                *([] if self.weakness is None else [("instruments", self.weakness)]),
                *([] if self.learnt is None else [("over graphs", self.learnt.sentence)]),
                ("challenges", self.challenges.summary),
            ],
            notes=self.notes,
        )
