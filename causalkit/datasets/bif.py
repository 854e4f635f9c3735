"""A reader of Bayesian networks in the interchange format BIF.

It reads the part of the format in which networks are published: discrete variables, and one row of
probabilities for each combination of the parents' levels::

    variable rain { type discrete [ 2 ] { yes, no }; }
    probability ( rain ) { table 0.2, 0.8; }
    probability ( wet | rain ) { (yes) 0.9, 0.1; (no) 0.1, 0.9; }

Comments and `property` lines are skipped. What it does not read (`default` rows, a `table` for a
variable with parents, continuous variables) is an error, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from causalkit.errors import InputError
from causalkit.typing import FloatArray

__all__ = ["parse_bif"]

Levels = dict[str, tuple[str, ...]]
Parents = dict[str, tuple[str, ...]]
Tables = dict[str, FloatArray]

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_PROPERTY = re.compile(r"\bproperty\b[^;]*;")
_VARIABLE = re.compile(
    r"\bvariable\s+(\S+)\s*\{\s*type\s+discrete\s*\[\s*(\d+)\s*\]\s*\{([^}]*)\}\s*;\s*\}"
)
_PROBABILITY = re.compile(r"\bprobability\s*\(([^)]*)\)\s*\{([^}]*)\}")
_ROW = re.compile(r"(?:\(([^)]*)\)|(table))\s*(.*)", re.DOTALL)


def parse_bif(text: str) -> tuple[Levels, Parents, Tables]:
    """Read levels, parents and conditional probability tables from the text of a BIF file.

    Parameters
    ----------
    text : str
        Contents of the file.

    Returns
    -------
    levels : dict of str to tuple of str
        Level names of each variable, in the order of the file.
    parents : dict of str to tuple of str
        Parents of each variable.
    tables : dict of str to array
        `tables[v]` has one axis for each parent of v, then one for v; NaN where the file has no
        row.

    Raises
    ------
    InputError
        If the text is not such a file.

    Examples
    --------
    >>> levels, parents, tables = parse_bif('''
    ...     variable rain { type discrete [ 2 ] { yes, no }; }
    ...     probability ( rain ) { table 0.2, 0.8; }
    ... ''')
    >>> levels["rain"], tables["rain"].tolist()
    (('yes', 'no'), [0.2, 0.8])
    """
    text = _PROPERTY.sub("", _COMMENT.sub("", text))
    levels = {name: _split(inside) for name, _, inside in _VARIABLE.findall(text)}
    n_variables = len(re.findall(r"\bvariable\b", text))
    if not levels or len(levels) != n_variables:
        raise InputError(
            f"read {len(levels)} of {n_variables} variables; expected a BIF file in which all "
            "variables are discrete and differently named. Check the `variable` blocks."
        )
    parents: Parents = {}
    tables: Tables = {}
    for scope, body in _PROBABILITY.findall(text):
        child, *causes = _split(scope.replace("|", ","))
        unknown = [name for name in (child, *causes) if name not in levels]
        if unknown or child in tables:
            problem = f"names unknown variables {unknown}" if unknown else "comes twice"
            raise InputError(
                f"the block `probability ( {scope.strip()} )` {problem}; expected one block for "
                "each declared variable. Correct the file."
            )
        parents[child] = tuple(causes)
        tables[child] = _read_table(child, [levels[cause] for cause in causes], levels[child], body)
    bare = [name for name in levels if name not in tables]
    if bare:
        raise InputError(
            f"there is no `probability` block for {', '.join(bare)}; expected one for each "
            "variable. Complete the file."
        )
    return levels, {name: parents[name] for name in levels}, {name: tables[name] for name in levels}


def _read_table(
    child: str, given: Sequence[tuple[str, ...]], outcomes: tuple[str, ...], body: str
) -> FloatArray:
    table = np.full([*map(len, given), len(outcomes)], np.nan)
    for row in filter(None, (part.strip() for part in body.split(";"))):
        match = _ROW.fullmatch(row)
        try:
            if match is None or (match[2] and given):
                raise ValueError
            at = _split(match[1] or "")
            codes = tuple(names.index(level) for names, level in zip(given, at, strict=True))
            cells = map(float, _split(match[3]))
            table[codes] = [cell for cell, _ in zip(cells, outcomes, strict=True)]
        except ValueError:
            raise InputError(
                f"cannot read the row `{row[:60]}` of {child!r}; expected one level of each of "
                f"{len(given)} parent(s) in brackets, then {len(outcomes)} probabilities. "
                "Correct the file."
            ) from None
    return table


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip().strip('"') for part in text.split(",") if part.strip())
