"""What was intervened upon in each environment, as far as the rows tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.discovery.base import show_set
from causalkit.discovery.interventions._environments import Environments
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["InterventionTargets", "TargetTest", "change_p_values"]


@dataclass(frozen=True, slots=True, repr=False)
class TargetTest(Reported):
    """Whether a variable has a mechanism of its own in an environment.

    Attributes
    ----------
    environment : object
        What the environment is called.
    variable : str or int
    parents : tuple of names
        Its causes in the graph that was learnt.
    is_target : bool
    evidence : float
        By how much the score is higher if it is a target than if it is not; minus infinity in an
        environment that is known to be observational.
    p_value : float
        Of the same regression on the parents as in the environments where the variable is no
        target; NaN where there is nothing to compare.
    """

    environment: object
    variable: Name
    parents: tuple[Name, ...]
    is_target: bool
    evidence: float
    p_value: float

    def _report(self) -> Report:
        asked = f"Was {show_name(self.variable)} intervened upon in {self.environment!r}?"
        return Report(
            asked,
            facts=[
                ("answer", "yes" if self.is_target else "no"),
                ("evidence", self.evidence),
                ("p-value of no", self.p_value),
                ("given", show_set(self.parents)),
            ],
        )


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class InterventionTargets(Reported, Mapping[object, tuple[Name, ...]]):
    """Targets by environment: `targets["heat"]`, `dict(targets)`.

    Attributes
    ----------
    environments : tuple
        What the environments are called.
    variables : tuple of names
    parents : tuple of tuples of names
        Of each variable, in the graph that was learnt.
    touched : ndarray of bool, shape (n_environments, n_variables)
    evidence : ndarray of shape (n_environments, n_variables)
        In units of log-likelihood; above zero for targets, and minus infinity where nothing is
        left to compare with.
    p_values : ndarray of shape (n_environments, n_variables)
    """

    environments: tuple[object, ...]
    variables: tuple[Name, ...]
    parents: tuple[tuple[Name, ...], ...]
    touched: BoolArray
    evidence: FloatArray
    p_values: FloatArray

    def __getitem__(self, environment: object) -> tuple[Name, ...]:
        row = self.touched[self._row(environment)]
        return tuple(self.variables[v] for v in np.flatnonzero(row))

    def __iter__(self) -> Iterator[object]:
        return iter(self.environments)

    def __len__(self) -> int:
        return len(self.environments)

    def test(self, environment: object, variable: Name) -> TargetTest:
        """Say why a variable is a target in an environment, or is not.

        Raises
        ------
        InputError
            If there is no such environment.
        UnknownVariableError
            If there is no such variable.
        """
        if environment not in self.environments:
            raise InputError(
                f"there is no environment {environment!r}; expected one of "
                f"{', '.join(map(repr, self.environments[:12]))}. Take a label of the column."
            )
        if variable not in self.variables:
            raise UnknownVariableError.among(variable, self.variables)
        e, v = self._row(environment), self.variables.index(variable)
        return TargetTest(
            self.environments[e],
            self.variables[v],
            self.parents[v],
            bool(self.touched[e, v]),
            float(self.evidence[e, v]),
            float(self.p_values[e, v]),
        )

    def to_frame(self) -> pd.DataFrame:
        """One row an environment and variable, with the fields of :class:`TargetTest`."""
        import pandas as pd

        m, p = self.touched.shape
        return pd.DataFrame(
            {
                "environment": [label for label in self.environments for _ in range(p)],
                "variable": list(self.variables) * m,
                "is_target": self.touched.ravel(),
                "evidence": self.evidence.ravel(),
                "p_value": self.p_values.ravel(),
            }
        )

    def _row(self, environment: object) -> int:
        try:
            return self.environments.index(environment)
        except ValueError:
            raise KeyError(environment) from None

    def _report(self) -> Report:
        rows = [
            (str(self.environments[e]), show_name(self.variables[v]), self.evidence[e, v],
             self.p_values[e, v])
            for e, v in zip(*np.nonzero(self.touched), strict=True)
        ]  # fmt: skip
        notes = [] if rows else ["none: every mechanism is the same in all environments."]
        columns = ("environment", "target", "evidence", "p-value") if rows else ()
        return Report("Targets of interventions", columns=columns, rows=rows, notes=notes)


def change_p_values(environments: Environments, dag: BoolArray, touched: BoolArray) -> FloatArray:
    """Test each mechanism in each environment against that of the environments without target.

    Parameters
    ----------
    environments : Environments
        K of them.
    dag : ndarray of bool, shape (p, p)
        `dag[i, j]` is `i -> j`.
    touched : ndarray of bool, shape (K, p)
        Which nodes are targets where.

    Returns
    -------
    ndarray of shape (K, p)
        NaN where no rows are left to compare with.

    Notes
    -----
    Chow's predictive test. With RSS the residual sum of squares of the regression on the parents,
    of m rows without the environment and of m + n rows with it, ::

        F = (RSS_with − RSS) / n / (RSS / (m − k − 1))   has   F(n, m − k − 1)

    exactly, for n as small as 1, if the mechanism is the same and Gaussian. Too large says that the
    rows are predicted badly, too small that they vary less, so both ends count.
    """
    from scipy.special import fdtr, fdtrc

    p_values = np.full(touched.shape, np.nan)
    for v in range(len(dag)):
        columns = [*np.flatnonzero(dag[:, v]).tolist(), v]
        k = len(columns) - 1
        for e in range(len(touched)):
            others = ~touched[:, v]
            others[e] = False
            if not others.any():
                continue
            m, gram = environments.pooled(others, columns)
            here = others.copy()
            here[e] = True
            total, joint = environments.pooled(here, columns)
            rest, spare = _left(gram), m - k - 1
            if spare <= 0 or rest <= 0:
                continue
            ratio = (_left(joint) - rest) / (total - m) / (rest / spare)
            ends = fdtr(total - m, spare, ratio), fdtrc(total - m, spare, ratio)
            p_values[e, v] = min(1.0, 2 * min(ends))
    return p_values


def _left(gram: FloatArray) -> float:
    """Sum of squares that the other columns leave of the last one."""
    inner, cross = gram[:-1, :-1], gram[:-1, -1]
    weights = np.linalg.lstsq(inner, cross, rcond=None)[0] if len(cross) else cross
    return float(gram[-1, -1] - cross @ weights)
