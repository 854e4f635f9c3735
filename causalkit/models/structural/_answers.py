"""What a structural causal model is asked: seeing, doing, imagining."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit._core.table import column_names
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.models.interventions import Intervention
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.structural._ancestral import System
from causalkit.models.structural._effect_question import effect_question
from causalkit.models.structural._labels import Labels
from causalkit.models.structural.counterfactuals import Noises
from causalkit.models.structural.latent_factors import draw_factors
from causalkit.models.structural.model_effects import answer_question
from causalkit.models.structural.strengths import arrow_strengths
from causalkit.models.truth import Truth
from causalkit.typing import Data, Name, Names, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answers"]


class Answers(ABC):
    """Questions to a system of mechanisms; :class:`StructuralCausalModel` says where it is from."""

    dag_: CausalGraph
    graph_: CausalGraph
    latents_: tuple[Name, ...]
    levels_: dict[Name, tuple[object, ...]]
    mechanisms_: dict[Name, Mechanism]
    _system: System
    _labels: Labels

    @abstractmethod
    def _after(self, system: System) -> Self:
        """Return the model of another system with the same variables."""

    # --- seeing and doing ------------------------------------------------------------------------

    def sample(
        self,
        n: int,
        rng: RandomState = None,
        *,
        do: Mapping[Name, Intervention] | None = None,
        with_latents: bool = False,
    ) -> pd.DataFrame:
        """Draw rows.

        Parameters
        ----------
        n : int
        rng : int, Generator or None
        do : dict of name to intervention, optional
            Of the model after this; see :meth:`do`. With the same seed, the noise is that of a run
            without it.
        with_latents : bool, default False
            Whether to return latent variables too.

        Returns
        -------
        DataFrame of shape (n, n_variables)
            In the order of the graph.

        Raises
        ------
        NumericalError
            If a mechanism gives values that are not finite.

        Examples
        --------
        >>> from causalkit.models.structural.structural_model import StructuralCausalModel
        >>> model = StructuralCausalModel(CausalGraph.parse("x -> y"), mechanism="linear")
        >>> model = model.fit({"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 1.5, 2.0, 4.0]})
        >>> model.sample(3, rng=0, do={"x": 1.0})["x"].tolist()
        [1.0, 1.0, 1.0]
        """
        check_is_fitted(self, "graph_")
        n = check_count(n, "n")
        system = self._system if do is None else self._system.after(self._labels.coded(do))
        values = system.values(system.draw(n, as_generator(rng)), n)
        return self._labels.frame(values, with_latents=with_latents)

    def do(self, interventions: Mapping[Name, Intervention]) -> Self:
        """Return the model after interventions.

        Parameters
        ----------
        interventions : dict of name to number, label, Hold, Shift or Policy
            A number (or the label of a level) is held. A policy sees the levels of a category as
            their positions, 0, 1, …

        Returns
        -------
        StructuralCausalModel
            Its graph has no arrows into what is held, and arrows into what a policy decides from
            what it looks at.

        Raises
        ------
        InputError
            If a policy looks at effects of what it decides.
        UnknownVariableError
            If there is no such variable.

        Examples
        --------
        >>> from causalkit.models.structural.structural_model import StructuralCausalModel
        >>> model = StructuralCausalModel(CausalGraph.parse("x -> y"), mechanism="linear")
        >>> model = model.fit({"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 1.0, 2.0, 4.0]})
        >>> model.do({"y": 1.0}).graph_
        DAG with 2 nodes, 0 edges
        """
        check_is_fitted(self, "graph_")
        return self._after(self._system.after(self._labels.coded(interventions)))

    def effect(
        self,
        treatment: Name,
        outcome: Name,
        *,
        contrast: tuple[Any, Any] = (0, 1),
        kind: str = "total",
        mediators: Names | None = None,
        given: Mapping[Name, Any] | None = None,
        n: int = 100_000,
        rng: RandomState = None,
    ) -> Truth:
        """Average effect of a treatment in the model.

        Parameters
        ----------
        treatment, outcome : name
        contrast : tuple of two numbers, labels or interventions
            From what to what the treatment is set.
        kind : {"total", "direct", "indirect"}
            Natural direct and indirect effects; the direct one holds the mediators of each row at
            what they are with the first of the contrast, the indirect one moves nothing but them.
        mediators : name or names, optional
            Of natural effects; all variables between treatment and outcome if left out.
        given : dict of name to value, label or (low, high), optional
            Effect among rows whose values, had nothing been done, are these, or in these ranges
            (the upper end left out). Of a variable with a density, a range is needed.
        n : int
            Rows drawn, where there is no closed form.
        rng : int, Generator or None

        Returns
        -------
        Truth

        Raises
        ------
        InputError
            If the outcome has unordered levels, a setting does not fit, or fewer than 100 rows
            that are drawn are as `given` says.

        Notes
        -----
        **Assumes:** nothing beyond the model, of which it is a property.

        Where all variables between treatment and outcome are linear in their causes and add their
        noise, the effect is the same in every row and is computed exactly.

        Examples
        --------
        >>> import numpy as np
        >>> from causalkit.models.structural.structural_model import StructuralCausalModel
        >>> model = StructuralCausalModel(CausalGraph.parse("x -> m -> y; x -> y"))
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=400)
        >>> m = x + rng.normal(size=400)
        >>> model = model.set_params(mechanism="linear").fit({"x": x, "m": m, "y": x + m + x})
        >>> [round(model.effect("x", "y", kind=kind).value, 1) for kind in ("total", "direct")]
        [3.1, 2.0]
        """
        check_is_fitted(self, "graph_")
        question = effect_question(
            self._labels, treatment, outcome, contrast, kind, mediators, given
        )
        return answer_question(self._system, question, check_count(n, "n"), as_generator(rng))

    def strengths(self, n: int = 4000, rng: RandomState = None) -> pd.DataFrame:
        """How much each arrow of the model matters.

        Parameters
        ----------
        n : int
            Rows drawn.
        rng : int, Generator or None

        Returns
        -------
        DataFrame with columns cause, effect, strength
            Of all arrows, those of latent variables too: share of the variance of the effect that
            goes when the cause alone is drawn anew; see
            :mod:`causalkit.models.structural.strengths`.

        Examples
        --------
        >>> from causalkit.models.structural.structural_model import StructuralCausalModel
        >>> data = {"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 2.0, 4.0, 6.0]}
        >>> model = StructuralCausalModel(CausalGraph.parse("x -> y"), mechanism="linear").fit(data)
        >>> model.strengths(rng=0)["strength"].round(1).tolist()
        [1.0]
        """
        import pandas as pd

        check_is_fitted(self, "graph_")
        n = check_count(n, "n", minimum=2)
        categories = [name for name, levels in self.levels_.items() if len(levels) > 2]
        found = arrow_strengths(self._system, n, as_generator(rng), categories)
        return pd.DataFrame(found, columns=["cause", "effect", "strength"])

    # --- imagining -------------------------------------------------------------------------------

    def abduct(self, data: Data, rng: RandomState = None) -> Noises:
        """Noise that gives these rows.

        Parameters
        ----------
        data : DataFrame, 2-D ndarray, or dict of columns
            All variables without missing cells, latent ones included; factors of a fitted model
            may be left out, and are drawn.
        rng : int, Generator or None
            For factors, and for mechanisms that are not bijective, whose noise is drawn from what a
            row leaves open.

        Returns
        -------
        Noises

        Raises
        ------
        UnknownVariableError
            If a variable is no column.
        InputError
            If a level of the data is not known to the model, or a latent variable that is no
            factor is no column.

        Examples
        --------
        >>> from causalkit.models.structural.structural_model import StructuralCausalModel
        >>> data = {"x": [0.0, 1.0, 2.0, 3.0], "y": [0.5, 1.5, 2.0, 4.0]}
        >>> model = StructuralCausalModel(CausalGraph.parse("x -> y"), mechanism="linear").fit(data)
        >>> model.abduct(data)["y"].round(2)
        array([ 0.15,  0.05, -0.55,  0.35])
        """
        check_is_fitted(self, "graph_")
        there, generator = set(column_names(data)), as_generator(rng)
        known = all(name in there for name in self.latents_)
        values = self._labels.values(data, with_latents=known)
        if not known:
            hidden = self.dag_.indices(self.latents_)
            values[hidden] = draw_factors(self._system, values, hidden, generator)
        noise = self._system.noise(values, generator)
        exact = known and all(mechanism.bijective for mechanism in self.mechanisms_.values())
        return Noises(self.dag_.nodes, noise, exact)

    def replay(
        self,
        noises: Noises,
        *,
        do: Mapping[Name, Intervention] | None = None,
        with_latents: bool = False,
    ) -> pd.DataFrame:
        """Run the model with noise that is given.

        Parameters
        ----------
        noises : Noises
            As :meth:`abduct` returns.
        do : dict of name to intervention, optional
        with_latents : bool, default False

        Returns
        -------
        DataFrame of shape (len(noises), n_variables)

        Raises
        ------
        InputError
            If the noise is of other variables.

        Examples
        --------
        >>> from causalkit.models.structural.structural_model import StructuralCausalModel
        >>> data = {"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 1.5, 2.0, 4.0]}
        >>> model = StructuralCausalModel(CausalGraph.parse("x -> y"), mechanism="linear").fit(data)
        >>> model.replay(model.abduct(data))["y"].round(6).tolist()
        [0.0, 1.5, 2.0, 4.0]
        """
        check_is_fitted(self, "graph_")
        if noises.names != self.dag_.nodes:
            raise InputError(
                "the noise is of other variables than the model has; expected noise of "
                f"{', '.join(map(str, self.dag_.nodes[:8]))}. Abduct it from this model."
            )
        system = self._system if do is None else self._system.after(self._labels.coded(do))
        values = system.values(noises.values, len(noises))
        return self._labels.frame(values, with_latents=with_latents)

    def counterfactual(
        self, data: Data, do: Mapping[Name, Intervention], rng: RandomState = None
    ) -> pd.DataFrame:
        """What these rows would have been, had something been done.

        Parameters
        ----------
        data : DataFrame, 2-D ndarray, or dict of columns
            As in :meth:`abduct`.
        do : dict of name to intervention
        rng : int, Generator or None
            For mechanisms that are not bijective.

        Returns
        -------
        DataFrame
            A row for each row of the data, with its index.

        Notes
        -----
        **Assumes:** the mechanisms are right, not only in what they draw but in how noise enters
        them. Exact where all mechanisms are bijective, with drawn factors too, as only their sum
        with noise of its own enters a variable; else one draw of what is possible.

        Examples
        --------
        >>> from causalkit.models.structural.structural_model import StructuralCausalModel
        >>> data = {"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 2.0, 4.0, 6.0]}
        >>> model = StructuralCausalModel(CausalGraph.parse("x -> y"), mechanism="linear").fit(data)
        >>> model.counterfactual({"x": [1.0], "y": [5.0]}, {"x": 2.0})["y"].round(6).tolist()
        [7.0]
        """
        frame = self.replay(self.abduct(data, rng), do=do, with_latents=True)
        frame = frame[[name for name in frame.columns if name not in self.latents_]]
        index = getattr(data, "index", None)
        return frame if index is None or callable(index) else frame.set_axis(index)
