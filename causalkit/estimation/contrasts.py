"""Which levels of a treatment are compared, whose rows they are, and the comparison in words.

An effect of a discrete treatment compares two of its levels, control first. Two levels compare
themselves; of more, the user names two (`contrast=("a", "b")`). A continuous treatment has no
levels: its effect is that of one unit more.

==================  ================================================================
what is needed      what gives it
==================  ================================================================
positions           :func:`contrast_of`: (control, treated) among `problem.levels`
rows of both arms   :class:`Arms`: the same, with zeros and ones, and the names
words               :func:`contrast_in_words`: "dose: high versus low";
                    :func:`question_in_words`: with outcome, as a heading
==================  ================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation.asked_in_words import treatment_in_words
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

__all__ = ["Arms", "contrast_in_words", "contrast_of", "question_in_words"]


@dataclass(frozen=True, slots=True, eq=False)
class Arms:
    """Who is in which arm, as zeros and ones, and what the arms are called.

    Attributes
    ----------
    control, treated : ndarray of shape (n,)
    names : tuple of str
        Control, treated.
    codes : tuple of int
        Positions of both among the levels of the treatment.
    """

    control: FloatArray
    treated: FloatArray
    names: tuple[str, str]
    codes: tuple[int, int]

    @classmethod
    def of(cls, problem: Problem, contrast: object) -> Arms:
        """Return the arms of a contrast."""
        codes = contrast_of(problem, contrast)
        levels = cast("tuple[object, ...]", problem.levels)
        control, treated = ((problem.t == code).astype(np.float64) for code in codes)
        return cls(control, treated, (f"{levels[codes[0]]}", f"{levels[codes[1]]}"), codes)

    def called(self, problem: Problem, k: int) -> str:
        """An arm in words."""
        return f"the rows with {problem.treatment} = {self.names[k]}"


def contrast_of(problem: Problem, contrast: object) -> tuple[int, int]:
    """Positions of the control and the treated level.

    Raises
    ------
    InputError
        If there are more than two levels and no contrast, or it names an unknown level.
    """
    levels = cast("tuple[object, ...]", problem.levels)
    if contrast is None:
        if len(levels) == 2:
            return 0, 1
        raise InputError(
            f"treatment {problem.treatment!r} has {len(levels)} levels {levels[:6]}; one effect "
            f"compares two of them. Name the two to the estimator, OLS(contrast=({levels[0]!r}, "
            f"{levels[1]!r})), control first, "
            'or contrast="each" for every level against the first.'
        )
    if not isinstance(contrast, tuple) or len(contrast) != 2 or contrast[0] == contrast[1]:
        raise InputError(
            f"contrast={contrast!r}; expected a pair (control, treated) of different levels "
            f"among {levels}."
        )
    for level in contrast:
        if level not in levels:
            raise InputError(
                f"contrast={contrast!r}: treatment {problem.treatment!r} has no level {level!r}; "
                f"expected two of {levels}."
            )
    return levels.index(contrast[0]), levels.index(contrast[1])


def contrast_in_words(problem: Problem, codes: tuple[int, int] = (0, 1)) -> str:
    """Say what is compared: two levels by their positions; one unit more if there are none."""
    if problem.levels is None:
        return f"one unit more of {problem.treatment}"
    control, treated = codes
    return f"{problem.treatment}: {problem.levels[treated]} versus {problem.levels[control]}"


def question_in_words(problem: Problem, codes: tuple[int, int] = (0, 1)) -> str:
    """Ask for the effect of a problem: "Effect of dose (high instead of low) on relief"."""
    treatment = treatment_in_words(problem.treatment, contrast_in_words(problem, codes))
    return f"Effect of {treatment} on {problem.outcome_in_words}"
