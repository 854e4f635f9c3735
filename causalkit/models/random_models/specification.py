"""`ModelSpec`: what kind of random model to draw, as one frozen value.

A specification says how large a model is, which shape its graph has, how effects come about from
their causes, what the noise is like, and what makes the data hard: hidden causes, selection, rows
of several domains. Everything else is drawn by :func:`random_model`. One specification and one seed
give one model; one specification and many seeds give a benchmark.

>>> spec = ModelSpec(n_nodes=20, mechanism="mlp", noise="laplace", n_latents=2)
>>> spec.with_(n_nodes=5).n_nodes
5
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit.errors import InputError
from causalkit.models.random_models.graphs import GRAPHS, largest_degree

__all__ = ["MECHANISMS", "NOISES", "ModelSpec"]

MECHANISMS: Final = (
    "linear",
    "gaussian-process",
    "mlp",
    "post-nonlinear",
    "location-scale",
    "discrete",
    "mixed",
)
NOISES: Final = ("gaussian", "laplace", "uniform", "student", "mixed")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What kind of random model to draw.

    Attributes
    ----------
    n_nodes : int, default 10
        Observed variables.
    degree : float, default 2
        Expected number of edges at an observed variable, hidden causes left aside; at most
        `n_nodes - 1`, or about half of that if the graph is bipartite.
    graph : {"erdos-renyi", "scale-free", "geometric", "bipartite"}
    mechanism : str, default "linear"
        "linear"; "gaussian-process" and "mlp", additive noise on a smooth random function or a
        random network; "post-nonlinear", a monotone function of one of those and noise;
        "location-scale", noise with a scale that depends on the causes; "discrete", tables of
        probabilities; "mixed", continuous and discrete variables side by side.
    noise : {"gaussian", "laplace", "uniform", "student", "mixed"}
        Of continuous variables, Student's t with 5 degrees of freedom; "mixed" draws one of the
        four for each.
    weights : tuple of float, default (0.5, 2)
        Smallest and largest absolute slope, relative to noise of variance one; of a nonlinear
        function, its standard deviation over the number of its causes.
    standardize : bool, default True
        Bring each continuous variable to mean 0 and variance 1 while the model is built, so that
        its effects are made from standard units.
    n_latents : int, default 0
        Hidden common causes, each of two or three observed variables.
    selection : float, optional
        Share of the units that are seen, if being seen depends on two of the variables.
    n_domains : int, default 1
        Domains that rows come from. In each but the first, some mechanisms are others.
    changing : float, default 0.3
        Share of the observed variables with another mechanism in a domain; at least one.
    n_levels : tuple of int, default (2, 4)
        Fewest and most levels of discrete variables.

    Raises
    ------
    InputError
        If a setting is out of range.
    """

    n_nodes: int = 10
    degree: float = 2.0
    graph: Literal["erdos-renyi", "scale-free", "geometric", "bipartite"] = "erdos-renyi"
    mechanism: str = "linear"
    noise: str = "gaussian"
    weights: tuple[float, float] = (0.5, 2.0)
    standardize: bool = True
    n_latents: int = 0
    selection: float | None = None
    n_domains: int = 1
    changing: float = 0.3
    n_levels: tuple[int, int] = (2, 4)

    def __post_init__(self) -> None:
        check_count(self.n_nodes, "n_nodes")
        check_choice(self.graph, "graph", GRAPHS)
        largest = largest_degree(self.graph, self.n_nodes)
        if not 0 <= self.degree <= largest:
            raise InputError(
                f"degree={self.degree!r} with n_nodes={self.n_nodes} and graph={self.graph!r}; "
                f"expected a number from 0 to {largest:g}. Ask for fewer edges or more nodes."
            )
        check_choice(self.mechanism, "mechanism", MECHANISMS)
        check_choice(self.noise, "noise", NOISES)
        check_choice(self.standardize, "standardize", (True, False))
        check_count(self.n_latents, "n_latents", minimum=0)
        check_count(self.n_domains, "n_domains")
        check_fraction(self.changing, "changing", closed=True)
        if self.selection is not None:
            check_fraction(self.selection, "selection")
        low, high = _pair(self.weights, "weights")
        if not 0 < low <= high < float("inf"):
            raise InputError(
                f"weights={self.weights!r}; expected the smallest and the largest absolute weight, "
                "0 < smallest <= largest. Write e.g. weights=(0.5, 2.0)."
            )
        fewest, most = _pair(self.n_levels, "n_levels")
        if not check_count(fewest, "n_levels", minimum=2) <= check_count(most, "n_levels"):
            raise InputError(
                f"n_levels={self.n_levels!r}; expected the fewest and the most levels, at least 2. "
                "Write e.g. n_levels=(2, 4)."
            )
        needed = 2 if self.n_latents or self.selection is not None else 1
        if self.n_nodes < needed:
            raise InputError(
                f"n_nodes={self.n_nodes}; expected at least 2 with hidden causes or selection, "
                "each of which joins two variables."
            )

    @classmethod
    def of(cls, spec: ModelSpec | None, settings: dict[str, Any]) -> ModelSpec:
        """Return a specification with these settings changed; from the defaults if None."""
        known = {field.name for field in fields(cls)}
        for name in settings:
            check_choice(name, "setting", sorted(known))
        if spec is not None and not isinstance(spec, cls):
            raise InputError(
                f"spec is a {type(spec).__name__}; expected a ModelSpec. Write e.g. "
                "random_model(n_nodes=20, rng=0)."
            )
        return replace(spec or cls(), **settings)

    def with_(self, **settings: Any) -> ModelSpec:
        """Return the same specification with some settings changed."""
        return type(self).of(self, settings)


def _pair(values: Any, what: str) -> tuple[Any, Any]:
    try:
        low, high = values
        if low <= high or low > high:
            return low, high
    except (TypeError, ValueError):
        pass
    raise InputError(f"{what}={values!r}; expected two numbers, the smallest and the largest.")
