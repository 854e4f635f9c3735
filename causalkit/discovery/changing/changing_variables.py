"""Which mechanisms change: the variables that the surrogate is joined to, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from causalkit._core.report import Report, Reported
from causalkit.discovery.base import Separation, show_set
from causalkit.graph.marks import show_name
from causalkit.typing import Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ChangingVariables"]


@dataclass(frozen=True, slots=True, repr=False)
class ChangingVariables(Reported, Mapping[Name, Separation]):
    """Variables whose mechanism changes with the surrogate, and the test that came closest to no.

    A mapping: `changing["income"].p_value`, `"income" in changing`, `list(changing)`.

    Attributes
    ----------
    surrogate : str or int
        What changes go by: the domain, the time, or both.
    tests : tuple of Separation
        For each such variable, in the order of the data, the test of variable and surrogate with
        the largest p-value of all sets that were tried. That p-value bounds the error of calling
        the mechanism changing if one of the sets is the right one. It is NaN where knowledge
        decided.

    Examples
    --------
    >>> test = Separation(("dose", "site"), ("age",), 4.2, 0.001, 200)
    >>> changing = ChangingVariables("site", (test,))
    >>> "dose" in changing, changing["dose"].given
    (True, ('age',))
    >>> print(changing)
    What changes with site
    ──────────────────────
    variable  given  statistic  p-value
    ───────────────────────────────────
    dose      {age}        4.2    0.001
    """

    surrogate: Name
    tests: tuple[Separation, ...]

    def __getitem__(self, variable: Name) -> Separation:
        for test in self.tests:
            if test.pair[0] == variable:
                return test
        raise KeyError(variable)

    def __iter__(self) -> Iterator[Name]:
        return (test.pair[0] for test in self.tests)

    def __len__(self) -> int:
        return len(self.tests)

    def to_frame(self) -> pd.DataFrame:
        """One row a variable: `variable`, `given`, `statistic`, `p_value`, `n_used`."""
        import pandas as pd

        return pd.DataFrame(
            {
                "variable": list(self),
                "given": [test.given for test in self.tests],
                "statistic": [test.statistic for test in self.tests],
                "p_value": [test.p_value for test in self.tests],
                "n_used": [test.n_used for test in self.tests],
            }
        )

    def _report(self) -> Report:
        title = f"What changes with {show_name(self.surrogate)}"
        if not self.tests:
            return Report(title, notes=["nothing: no variable depends on it given others."])
        rows = [
            (show_name(test.pair[0]), show_set(test.given), test.statistic, test.p_value)
            for test in self.tests
        ]
        return Report(title, columns=("variable", "given", "statistic", "p-value"), rows=rows)
