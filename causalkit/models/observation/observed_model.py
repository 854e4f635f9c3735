"""`ObservedModel`: a model whose data go through layers before anybody sees them.

>>> from causalkit.models.observation import Missing
>>> from causalkit.models.structural_var import random_svar
>>> model = ObservedModel(random_svar(3, rng=0), Missing("blocks", 0.2))
>>> draw, seen = model.sample_observed(500, rng=1)
>>> draw.shape, bool(seen.missing.to_numpy().any())
((500, 3), True)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

from causalkit._core.random import as_generator
from causalkit.errors import InputError
from causalkit.models.observation.observed import Layer, Observed, observe
from causalkit.typing import Name, RandomState

__all__ = ["ObservedModel"]


@dataclass(frozen=True, slots=True, eq=False)
class ObservedModel:
    """A model, and layers that come between it and who looks.

    Attributes
    ----------
    model : object
        With `graph` and `sample(n, rng=...)`, which returns data, or a draw that has `data`.
    layers : Layer or tuple of Layer
        In the order in which they come. They do not meet the column that says which subject (the
        `panel` of a draw) or environment a row is from.
    """

    model: Any
    layers: Layer | tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not hasattr(self.model, "sample"):
            raise InputError(
                f"a {type(self.model).__name__} cannot be sampled; expected a model with "
                "sample(n, rng=...). Apply layers to data with observe()."
            )

    @property
    def graph(self) -> Any:
        """Graph of the model: layers change what is seen, and not what causes what."""
        return self.model.graph

    @property
    def variables(self) -> tuple[Name, ...]:
        """Variables of the model."""
        names: Iterable[Name] = getattr(self.model, "variables", ())
        return tuple(names or self.graph.nodes)

    def effect(self, treatment: Name, outcome: Name, **settings: Any) -> Any:
        """Effect in the model, of the true values.

        Raises
        ------
        InputError
            If the model knows none.
        """
        if not hasattr(self.model, "effect"):
            raise InputError(
                f"a {type(self.model).__name__} does not know effects; expected one with effect()."
            )
        return self.model.effect(treatment, outcome, **settings)

    def sample(self, n: int, rng: RandomState = None, **settings: Any) -> Any:
        """Draw from the model, and apply the layers.

        Parameters
        ----------
        n : int
        rng : int, Generator or None
        **settings
            Of the model's `sample`.

        Returns
        -------
        As the model returns it
            With other data; a frame where the model returns columns.
        """
        return self.sample_observed(n, rng, **settings)[0]

    def sample_observed(
        self, n: int, rng: RandomState = None, **settings: Any
    ) -> tuple[Any, Observed]:
        """Draw, and return what :meth:`sample` does together with the truth about each cell."""
        import pandas as pd

        of_model, of_layers = as_generator(rng).spawn(2)
        drawn = self.model.sample(n, rng=of_model, **settings)
        is_draw = is_dataclass(drawn) and hasattr(drawn, "data")
        frame = pd.DataFrame(getattr(drawn, "data", drawn) if is_draw else drawn)
        labels = [getattr(drawn, what, None) for what in ("panel", "environment")]
        aside = [name for name in labels if name is not None]
        seen = observe(frame.drop(columns=aside), self.layers, rng=of_layers)
        data = frame[aside].join(seen.data)[list(frame.columns)]
        return (replace(drawn, data=data) if is_draw else data), seen
