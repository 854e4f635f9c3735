"""What is bundled, and what is known about it.

A data set is two files in `data/`: `<name>.json` says what it is (source, licence, columns, what
is known), `<name>.csv.gz` holds a table or `<name>.bif` a network. Adding a pair of files adds a
data set; there is no other list to keep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

from causalkit._core.report import Report, Reported
from causalkit.errors import InputError

__all__ = ["Description", "Question", "available", "available_networks", "describe"]


@dataclass(frozen=True, slots=True)
class Question:
    """The question that a data set is usually asked.

    Attributes
    ----------
    treatment, outcome, instrument : str or None
        Columns, None where the data set suggests none.
    given : tuple of str
        Covariates of the usual analysis.
    tiers : tuple of tuple of str
        Columns in causal order: no column causes one of an earlier tier.
    """

    treatment: str | None = None
    outcome: str | None = None
    instrument: str | None = None
    given: tuple[str, ...] = ()
    tiers: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Description(Reported):
    """Where a data set comes from, what its columns mean, and what is known about it.

    Attributes
    ----------
    name, title : str
        The name to load it by, and one line that says what it is.
    n_rows : int or None
        Number of rows; None for a network, which is sampled.
    columns : mapping of str to str
        The meaning of each column, with its unit.
    missing : mapping of str to int
        Number of missing values in the columns that have any.
    source, licence, citation : str
        Package and study, terms of use, and whom to cite (with a DOI where there is one).
    truth : str
        The published result or the known structure, with its number and where it was published;
        "unknown" if there is none.
    suggested : Question or None
        The question that the data set is usually asked.
    """

    name: str
    title: str
    n_rows: int | None
    columns: Mapping[str, str] = field(hash=False)
    missing: Mapping[str, int] = field(hash=False)
    source: str
    licence: str
    citation: str
    truth: str
    suggested: Question | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        object.__setattr__(self, "missing", MappingProxyType(dict(self.missing)))

    def __reduce__(self) -> tuple[Any, ...]:
        # a mapping proxy cannot be pickled, a dict can
        values = (getattr(self, item.name) for item in fields(self))
        return Description, tuple(dict(v) if isinstance(v, Mapping) else v for v in values)

    def _report(self) -> Report:
        size = f"{len(self.columns)} columns"
        size = f"{self.n_rows} rows, {size}" if self.n_rows else f"{size}, sampled"
        facts = [("name", self.name), ("size", size), ("truth", self.truth)]
        if self.suggested is not None:
            facts.append(("suggested", _say(self.suggested)))
        if self.missing:
            holes = ", ".join(f"{column} {count}" for column, count in self.missing.items())
            facts.append(("missing", holes))
        facts += [("source", self.source), ("licence", self.licence), ("cite", self.citation)]
        rows = list(self.columns.items())
        return Report(self.title, facts=facts, columns=("column", "meaning"), rows=rows)


def available() -> tuple[str, ...]:
    """Names of the tables, for :func:`load`.

    Examples
    --------
    >>> "nhefs" in available()
    True
    """
    return _names_of(".csv.gz")


def available_networks() -> tuple[str, ...]:
    """Names of the networks, for :func:`load_network`.

    Examples
    --------
    >>> available_networks()
    ('alarm', 'asia')
    """
    return _names_of(".bif")


def describe(name: str) -> Description:
    """Say what a table or a network is, where it comes from, and what is known about it.

    Parameters
    ----------
    name : str
        One of :func:`available` or :func:`available_networks`.

    Returns
    -------
    Description
        Prints as text, and as a table in a notebook.

    Raises
    ------
    InputError
        If there is no data set of that name.

    Examples
    --------
    >>> card = describe("card")
    >>> card.n_rows, card.columns["educ"]
    (3010, 'years of schooling in 1976')
    >>> card.suggested.instrument
    'nearc4'
    """
    entry = read_entry(name)
    asked = entry.get("suggested")
    return Description(
        name=name,
        title=entry["title"],
        n_rows=entry.get("n_rows"),
        columns=entry["columns"],
        missing=entry.get("missing", {}),
        source=entry["source"],
        licence=entry["licence"],
        citation=entry["citation"],
        truth=entry["truth"],
        suggested=None if asked is None else _suggestion(asked),
    )


# --- for the other modules of this package -------------------------------------------------------


def data_file(name: str) -> Traversable:
    """Return a bundled file, wherever the package is installed."""
    return files("causalkit.datasets").joinpath("data", name)


def read_entry(name: str) -> Mapping[str, Any]:
    """Return the parsed `<name>.json`; the name is checked here."""
    known = available() + available_networks()
    if name not in known:
        raise unknown_name(name, known, what="data set")
    return _parsed_entry(name)


def unknown_name(name: object, known: tuple[str, ...], *, what: str) -> InputError:
    """Say that there is no such data set, and which one may have been meant."""
    close = get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}?" if close else "describe(name) says what each of them is."
    shown = ", ".join(map(repr, known))
    return InputError(f"there is no {what} {name!r}; expected one of {shown}. {hint}")


@cache
def _names_of(suffix: str) -> tuple[str, ...]:
    names = (item.name for item in files("causalkit.datasets").joinpath("data").iterdir())
    return tuple(sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix)))


@cache
def _parsed_entry(name: str) -> Mapping[str, Any]:
    entry: dict[str, Any] = json.loads(data_file(f"{name}.json").read_text(encoding="utf-8"))
    return MappingProxyType(entry)


def _suggestion(asked: Mapping[str, Any]) -> Question:
    lists = {
        "given": tuple(asked.get("given", ())),
        "tiers": tuple(tuple(tier) for tier in asked.get("tiers", ())),
    }
    return Question(**{**asked, **lists})


def _say(suggested: Question) -> str:
    parts = []
    if suggested.treatment:
        parts.append(f"effect of {suggested.treatment} on {suggested.outcome}")
    if suggested.instrument:
        parts.append(f"instrument {suggested.instrument}")
    if suggested.given:
        parts.append(f"given {', '.join(suggested.given)}")
    if suggested.tiers:
        parts.append("tiers " + " before ".join(", ".join(tier) for tier in suggested.tiers))
    return "; ".join(parts)
