"""Everything that causalkit raises or warns about.

::

    CausalkitError
    ├── InputError (ValueError)             what was passed in cannot be used
    │   └── UnknownVariableError (KeyError)     a name that the data or the graph does not have
    ├── GraphError (ValueError)             the edges do not make a graph of the stated kind
    │   └── CycleError                          a directed cycle, which is shown
    ├── NotIdentifiableError                the effect does not follow from graph and data
    └── NumericalError                      the arithmetic broke down: singular, separated, diverged

    CausalkitWarning (UserWarning)
    ├── AssumptionWarning                   the data look as if the method did not apply to them
    ├── ConvergenceWarning                  an iteration or a simulation has not settled
    ├── FewRowsWarning                      tests rest on so few rows that they find next to nothing
    ├── OverlapWarning                      some units have almost no comparable units
    ├── NuisanceWarning                     learners miss structure that moves the effect
    ├── KnowledgeWarning                    what was learnt contradicts what was known
    ├── RedundantColumnsWarning             columns are copies of each other
    ├── ResamplingWarning                   some resamples failed and count in no share
    ├── TimeBudgetWarning                   a search was stopped before its end
    └── WeakInstrumentWarning               instruments hardly move the treatment

A message has three parts: what was wrong, what was expected, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AssumptionWarning",
    "CausalkitError",
    "CausalkitWarning",
    "ConvergenceWarning",
    "CycleError",
    "FewRowsWarning",
    "GraphError",
    "InputError",
    "KnowledgeWarning",
    "NotIdentifiableError",
    "NuisanceWarning",
    "NumericalError",
    "OverlapWarning",
    "RedundantColumnsWarning",
    "ResamplingWarning",
    "TimeBudgetWarning",
    "UnknownVariableError",
    "WeakInstrumentWarning",
]


class CausalkitError(Exception):
    """Base of every error that causalkit raises on purpose."""


class InputError(CausalkitError, ValueError):
    """An argument or a table cannot be used as it is."""


class UnknownVariableError(InputError, KeyError):
    """A variable was named that the data or the graph does not have."""

    # KeyError prints the repr of its argument; a sentence should be printed as a sentence.
    __str__ = Exception.__str__

    @classmethod
    def among(
        cls, name: object, known: Iterable[object], *, where: str = "the data"
    ) -> UnknownVariableError:
        """Say that `name` is not among `known`, and which known name may have been meant."""
        names = list(known)
        by_text = {str(k): k for k in names}
        close = get_close_matches(str(name), by_text, n=1)
        hint = f"Did you mean {by_text[close[0]]!r}? " if close else ""
        shown = ", ".join(repr(k) for k in names[:12]) + (", …" if len(names) > 12 else "")
        return cls(
            f"there is no variable {name!r} in {where}. {hint}There are {len(names)}: {shown}."
        )


class GraphError(CausalkitError, ValueError):
    """The edges do not make a graph of the stated kind."""


class CycleError(GraphError):
    """The directed edges run in a circle."""


class NotIdentifiableError(CausalkitError):
    """The effect cannot be computed from this graph and these variables.

    Attributes
    ----------
    witness : tuple
        What stands in the way, e.g. the undirected edges whose orientation decides.
    """

    def __init__(self, message: str, *, witness: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.witness = witness


class NumericalError(CausalkitError, ArithmeticError):
    """The arithmetic broke down: a singular matrix, perfect separation, no convergence."""


class CausalkitWarning(UserWarning):
    """Base of every warning that causalkit gives on purpose."""


class AssumptionWarning(CausalkitWarning):
    """The data look as if an assumption of the method did not hold, such as non-Gaussian noise."""


class ConvergenceWarning(CausalkitWarning):
    """An iteration or a simulation ended before its answer had settled."""


class FewRowsWarning(CausalkitWarning):
    """Tests rest on so few rows or clusters that they miss nearly everything."""


class RedundantColumnsWarning(CausalkitWarning):
    """Columns are copies of each other, and no search can tell which of them is a cause."""


class ResamplingWarning(CausalkitWarning):
    """Resamples failed: shares are those of the others, or an interval lacks the other graphs."""


class OverlapWarning(CausalkitWarning):
    """Some units have almost no comparable units with the other treatment."""


class KnowledgeWarning(CausalkitWarning):
    """What the data say contradicts what was given as known."""


class TimeBudgetWarning(CausalkitWarning):
    """A search was stopped by its time budget; what it returns is not the full answer."""


class WeakInstrumentWarning(CausalkitWarning):
    """Instruments hardly move the treatment, so intervals that take them as strong mislead."""


class NuisanceWarning(CausalkitWarning):
    """Learners miss structure in a nuisance, and the effect would move if they did not."""
