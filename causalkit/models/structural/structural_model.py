"""`StructuralCausalModel`: a graph with a mechanism for each variable, fitted or written down.

A structural causal model says how each variable comes about from its causes and from noise of its
own. So it answers three kinds of question. *Seeing*: draw rows (:meth:`sample`). *Doing*: draw rows
after an intervention (:meth:`do`), or ask for an effect (:meth:`effect`). *Imagining*: what would
these very rows have been (:meth:`counterfactual`)?

>>> import numpy as np
>>> from causalkit.models.mechanisms.additive import Additive, Linear
>>> from causalkit.models.noise import Normal
>>> model = StructuralCausalModel.from_mechanisms(
...     CausalGraph.parse("X -> Y"),
...     {
...         "X": Additive(Linear(np.array([])), Normal()),
...         "Y": Additive(Linear(np.array([2.0])), Normal(0.5)),
...     },
... )
>>> model.effect("X", "Y").value
2.0
>>> model.counterfactual({"X": [1.0], "Y": [2.5]}, {"X": 0.0})
     X    Y
0  0.0  0.5
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from os import PathLike
from typing import Any, Final, Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import as_names, check_choice, check_complete
from causalkit._core.random import as_generator
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, latent_projection
from causalkit.graph.marks import Kind
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.structural._ancestral import System
from causalkit.models.structural._answers import Answers
from causalkit.models.structural._labels import Labels
from causalkit.models.structural.latent_factors import check_regressions, couple
from causalkit.typing import Data, FloatArray, Name, Names, RandomState

__all__ = ["StructuralCausalModel"]

_FEWEST_COMPLETE: Final = 20


class StructuralCausalModel(Answers, BaseEstimator):
    """A graph and the mechanism of each of its variables.

    Parameters
    ----------
    graph : CausalGraph or str
        DAG over columns of the data, or ADMG whose bidirected edges become latent factors
        (:mod:`causalkit.models.structural.latent_factors`). Other columns are not read. Text is
        parsed.
    mechanism : str, or dict of name to str or Mechanism
        Family of mechanisms; by variable if it is a dict, and "auto" for those that are not in it.
        Of numbers "linear", "spline", "boosting", "location-scale", "level", "quantile"
        (:func:`~causalkit.models.mechanisms.fitting.fit_mechanism`) and "count"; of levels "table",
        "logistic", "softmax", "ordinal" (:mod:`~causalkit.models.structural.model_fitting`). "auto"
        goes by the values, and by held-out rows. A mechanism is kept as it is.
    noise : {"auto", "empirical", "smoothed", "normal", "student", "mixture"}
        Of mechanisms that add noise or scale it. "auto" is the slowest part of a fit.
    missing : {"refuse", "drop"}
        What a fit does with missing cells. "drop": each mechanism is fitted to the rows in which
        its variable and all its causes are seen, whatever else is missing there; latent factors to
        the complete rows.
    random_state : int, Generator or None, default 0
        Folds and trees of the fit.

    Attributes
    ----------
    graph_ : CausalGraph
        The truth of data that are drawn: over the observed variables, an ADMG if latent ones
        confound them.
    dag_ : CausalGraph
        The same with latent variables.
    latents_ : tuple of names
        Variables that are not part of what is drawn.
    mechanisms_ : dict of name to Mechanism
    levels_ : dict of name to tuple
        Levels of variables that are categories or booleans; their values are positions in it.
    families_ : dict of name to str
        After `fit`: family that was asked for or chosen.
    validation_ : dict of name to dict of str to float
        After `fit`, where a family was chosen: mean held-out loss of each one that was tried.

    Notes
    -----
    **Assumes:** the graph is right, and unobserved common causes are its bidirected edges; noises
    are independent but for those, and where they share one, their normal scores are normal
    together. With ``missing="drop"`` also that, given its causes, whether cells of a variable and
    its causes are missing has nothing to do with the variable. A fitted model answers
    questions about interventions and counterfactuals as if its mechanisms were the true ones. Of
    counterfactuals, data can never say whether they are right: mechanisms that draw the same
    data may differ in them.

    References
    ----------
    Pearl (2009), "Causality", 2nd edition, chapters 1 and 7. doi:10.1017/CBO9780511803161

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=500)
    >>> data = {"x": x, "y": 1.5 * x + rng.normal(size=500)}
    >>> model = StructuralCausalModel(CausalGraph.parse("x -> y"), random_state=0).fit(data)
    >>> model.families_["y"], round(model.effect("x", "y").value, 1)
    ('linear', 1.5)
    >>> model.sample(2, rng=0, do={"x": 1.0}).shape
    (2, 2)
    """

    families_: dict[Name, str]
    validation_: dict[Name, dict[str, float]]

    def __init__(
        self,
        graph: CausalGraph | None = None,
        *,
        mechanism: str | Mapping[Name, str | Mechanism] = "auto",
        noise: str = "auto",
        missing: str = "refuse",
        random_state: RandomState = 0,
    ) -> None:
        self.graph = graph
        self.mechanism = mechanism
        self.noise = noise
        self.missing = missing
        self.random_state = random_state

    # --- from data, mechanisms or a file ---------------------------------------------------------

    def fit(self, X: Data, y: Any = None) -> Self:
        """Fit a mechanism for each variable of the graph.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self
            With the attributes above; a fit to the same data with the same seed is the same.

        Raises
        ------
        InputError
            If there is no graph or it is no DAG or ADMG, if an ancestor of a variable is joined to
            it by `<->`, if cells are missing and are not to be dropped, too few are left, or a
            family is not known.
        UnknownVariableError
            If a node of the graph is no column.
        """
        del y
        from causalkit.models.structural.model_fitting import fit_system

        graph = _checked_graph(self.graph, mixed=True)
        check_regressions(graph)
        table = as_table(X, columns=graph.nodes)
        if check_choice(self.missing, "missing", ("refuse", "drop")) == "refuse":
            advice = 'Set missing="drop", or impute them.'
            check_complete(table, who=type(self).__name__, advice=advice)
        fitted = fit_system(graph, table, self.mechanism, self.noise, self.random_state)
        named = zip(table.names, table.levels, strict=True)
        levels = {name: known for name, known in named if known is not None}
        system, factors = System(graph, fitted.mechanisms), tuple[Name, ...]()
        if graph.kind is Kind.ADMG:
            rng = as_generator(0)  # of mechanisms that are bijective, so nothing is drawn
            values = _complete_rows(table)
            system, factors = couple(graph, fitted.mechanisms, values, rng)
        self._become(system, factors, levels)
        self.families_, self.validation_ = fitted.families, fitted.validation
        return self

    @classmethod
    def from_mechanisms(
        cls,
        graph: CausalGraph,
        mechanisms: Mapping[Name, Mechanism],
        latents: Names = (),
        *,
        levels: Mapping[Name, Collection[object]] | None = None,
    ) -> Self:
        """Build a model from mechanisms that are known.

        Parameters
        ----------
        graph : CausalGraph
            DAG over all variables, latent ones included.
        mechanisms : dict of name to Mechanism
            One for each node. Its causes are the parents of the node, in the order in which the
            graph lists its nodes.
        latents : name or names
            Nodes that are left out of what is drawn.
        levels : dict of name to tuple, optional
            What the values 0, 1, … of a variable are called.

        Returns
        -------
        StructuralCausalModel

        Raises
        ------
        InputError
            If a mechanism is missing, too many or does not fit its causes; if the graph is no DAG.

        Examples
        --------
        >>> import numpy as np
        >>> from causalkit.models.mechanisms.additive import Additive, Linear
        >>> from causalkit.models.noise import Normal
        >>> root, child = Linear(np.zeros(0)), Linear(np.ones(1))
        >>> StructuralCausalModel.from_mechanisms(
        ...     CausalGraph.parse("U -> X; U -> Y"),
        ...     {"U": Additive(root, Normal()), "X": Additive(child, Normal()),
        ...      "Y": Additive(child, Normal())},
        ...     latents="U",
        ... ).graph_
        ADMG with 2 nodes, 1 edge: X <-> Y
        """
        dag = _checked_graph(graph)
        for name in mechanisms:
            if name not in dag:
                raise UnknownVariableError.among(name, dag.nodes, where="the graph")
        lacking = [name for name in dag.nodes if name not in mechanisms]
        if lacking:
            raise InputError(
                f"{', '.join(map(repr, lacking[:8]))} have no mechanism; expected one for each "
                "node of the graph. Add them, e.g. Additive(Linear(slopes), Normal())."
            )
        hidden = frozenset(dag.nodes[k] for k in dag.indices(as_names(latents)))
        system = System(dag, tuple(mechanisms[name] for name in dag.nodes)).check()
        named = {
            dag.nodes[dag.index(name)]: tuple(some) for name, some in dict(levels or {}).items()
        }
        model = cls(None)
        model._become(system, tuple(name for name in dag.nodes if name in hidden), named)
        return model

    def _become(
        self, system: System, latents: tuple[Name, ...], levels: dict[Name, tuple[object, ...]]
    ) -> None:
        observed = [name for name in system.dag.nodes if name not in latents]
        if not observed:
            raise InputError("all variables are latent; expected one that is observed.")
        self._system, self.dag_, self.latents_, self.levels_ = system, system.dag, latents, levels
        self._labels = Labels(system.dag, latents, levels)
        self.mechanisms_ = dict(zip(system.dag.nodes, system.mechanisms, strict=True))
        self.graph_ = latent_projection(system.dag, observed) if latents else system.dag
        self.graph = self.graph_

    def _after(self, system: System) -> Self:
        changed = type(self)(None)
        changed._become(system, self.latents_, dict(self.levels_))
        return changed

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to a file: arrays as in `numpy.savez`, the rest as JSON among them.

        Parameters
        ----------
        path : str or path
            By custom it ends in `.npz`.

        Raises
        ------
        InputError
            If a mechanism holds a Python function, as a policy does.

        Examples
        --------
        >>> import numpy as np
        >>> from tempfile import TemporaryDirectory
        >>> data = {"x": np.arange(9.0), "y": np.arange(9.0) ** 2}
        >>> model = StructuralCausalModel(CausalGraph.parse("x -> y"), mechanism="linear").fit(data)
        >>> with TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.npz")
        ...     again = StructuralCausalModel.load(f"{folder}/model.npz")
        >>> again.sample(5, rng=0).equals(model.sample(5, rng=0))
        True
        """
        check_is_fitted(self, "graph_")
        from causalkit.models.saving import write_value

        write_value(
            {
                "system": self._system,
                "latents": self.latents_,
                "levels": self.levels_,
                "families": getattr(self, "families_", None),
                "validation": getattr(self, "validation_", None),
            },
            path,
            kind="StructuralCausalModel",
        )

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a model that :meth:`save` wrote.

        Parameters
        ----------
        path : str or path

        Returns
        -------
        StructuralCausalModel

        Raises
        ------
        InputError
            If the file is none of these, or of a later version.
        """
        from causalkit.models.saving import read_value, whole

        parts = read_value(path, kind="StructuralCausalModel")
        model = cls(None)
        with whole(path):
            model._become(parts["system"], parts["latents"], parts["levels"])
            if parts["families"] is not None:
                model.families_, model.validation_ = parts["families"], parts["validation"]
        return model


def _complete_rows(table: Table) -> FloatArray:
    """Values of the rows without a hole."""
    values: FloatArray = table.values[~table.missing.any(axis=1)]
    if len(values) < min(_FEWEST_COMPLETE, table.n_rows):
        raise InputError(
            f"{len(values)} row(s) have no hole, and the noise of variables joined by '<->' is "
            f"coupled by such rows; expected at least {_FEWEST_COMPLETE}. Leave out columns with "
            "many holes, or impute them."
        )
    return values


def _checked_graph(graph: object, *, mixed: bool = False) -> CausalGraph:
    if isinstance(graph, str):
        graph = CausalGraph.parse(graph)
    if not isinstance(graph, CausalGraph):
        raise InputError(
            f"graph is a {type(graph).__name__}; expected a CausalGraph. Write e.g. "
            "CausalGraph.parse('X -> Y'), or learn one first."
        )
    if graph.kind is Kind.ADMG and not mixed:
        raise InputError(
            "graph has bidirected edges, which stand for latent variables; expected a DAG. Write "
            "each latent variable as a node and use from_mechanisms(..., latents=...)."
        )
    if graph.kind not in (Kind.DAG, Kind.ADMG):
        raise InputError(
            f"graph is a {graph.kind.name}, a class of graphs; expected a DAG. Choose a member, "
            "e.g. consistent_extension(graph)."
        )
    return graph
