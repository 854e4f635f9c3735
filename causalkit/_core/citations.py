"""`cite`: BibTeX for whatever was used, read from the docstrings.

A docstring that rests on somebody's work names it in a section References: authors, a year in
brackets, a title in quotes, where it appeared, a DOI. That text is the only place where a work is
written down; here it is read back, so a list of references cannot disagree with the documentation.

>>> from causalkit.discovery import RFCI
>>> print(cite(RFCI))
@software{causalkit,
  title = {causalkit: from raw data to a defended causal effect},
  author = {{The causalkit developers}},
...
@article{colombo2012learning,
  author = {Colombo and Maathuis and Kalisch and Richardson},
  title = {Learning high-dimensional directed acyclic graphs with latent and selection variables},
  year = {2012},
  doi = {10.1214/11-AOS940}
}

A class without references of its own has those of its module. A fitted algorithm, an estimator or a
result brings those of its parts along: an analysis cites its search, its test and its estimator.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from causalkit.errors import InputError

__all__ = ["Reference", "cite", "references_in"]

_SECTION: Final = re.compile(r"\nReferences\n-+\n(.*?)(?=\n\n?\w[\w ]*\n-{3,}\n|\Z)", re.DOTALL)

_NAME: Final = (
    r"(?:(?:[A-ZÀ-ŽŚ]\.[ -]?)+(?=[ ,])|[A-ZÀ-ŽŚ][\w’'`\-]+|[dl]['’][A-Z]\w+"
    r"|de|van|von|der|di|den|le|la|et al\.?|and|&)"
)
_HEAD: Final = re.compile(rf"(?<![\w/.\-])((?:{_NAME}[, ]+)+)\((\d{{4}})[a-z]?(?:, [^)]*)?\)")
_DOI: Final = re.compile(r"(?:doi[: ]|https?://doi\.org/)(10\.\d{4,9}/\S+)")
_ARXIV: Final = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_QUOTED: Final = re.compile(r'"([^"]+)"')
_PAGES: Final = re.compile(r"(\d+)(?:\((\d+)\))?(?:[:,] ?(?:pp?\. )?([A-Z]?\d+[-–][A-Z]?\d+))?")

_PROCEEDINGS: Final = (
    "NeurIPS", "NIPS", "UAI", "ICML", "AISTATS", "IJCAI", "KDD", "ICLR", "CLeaR", "FLAIRS", "PMLR",
    "AAAI", "COLT", "PGM", "Proc",
)  # fmt: skip

_DEEPEST: Final = 4


@dataclass(frozen=True, slots=True)
class Reference:
    """One work, as far as a docstring says.

    Parameters
    ----------
    authors : tuple of str
        As they are named, which is by family name only in most places.
    year : int
    title, venue, volume, pages, doi : str
        Empty where the docstring does not say.
    """

    authors: tuple[str, ...]
    year: int
    title: str = ""
    venue: str = ""
    volume: str = ""
    pages: str = ""
    doi: str = ""

    @property
    def key(self) -> str:
        """First author, year, and first long word of the title: `colombo2012learning`."""
        words = re.findall(r"[^\W\d_]{4,}", self.title) or [""]
        family = self.authors[0].split(",")[0].split()[-1]
        return re.sub(r"\W", "", f"{family}{self.year}{words[0]}").lower()

    @property
    def bibtex(self) -> str:
        """The entry."""
        kind, place = "article", "journal"
        if self.venue.startswith(_PROCEEDINGS):
            kind, place = "inproceedings", "booktitle"
        elif not self.venue and not self.doi:
            kind = "book" if self.title else "misc"
        fields = {
            "author": " and ".join(name.replace("et al.", "others") for name in self.authors),
            "title": self.title,
            place: self.venue,
            "volume": self.volume,
            "pages": self.pages.replace("–", "-").replace("-", "--"),
            "year": str(self.year),
            "doi": self.doi,
        }
        return _entry(kind, self.key, fields)

    @property
    def text(self) -> str:
        """One line to read."""
        where = " ".join(part for part in (self.venue, self.volume) if part)
        where += f": {self.pages}" if self.pages else ""
        doi = f"https://doi.org/{self.doi}" if self.doi else ""
        parts = (f"{', '.join(self.authors)} ({self.year})", self.title, where, doi)
        return ". ".join(part for part in parts if part) + ("" if doi else ".")


def references_in(docstring: str | None) -> tuple[Reference, ...]:
    """Read the works in the section References of a docstring.

    Examples
    --------
    >>> from causalkit.discovery import GES
    >>> [f"{work.authors[0]} {work.year}" for work in references_in(GES.__doc__)]
    ['Chickering 2002', 'Hauser 2012', 'Ramsey 2017', 'Nazaret 2024']
    """
    found = _SECTION.search(inspect.cleandoc(docstring or ""))
    if found is None:
        return ()
    text = " ".join(re.sub(r"\.\. \[\d+\]", " ", found[1]).split())
    heads = list(_HEAD.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)][: len(heads)]
    return tuple(_read(head, text[head.end() : end]) for head, end in zip(heads, ends, strict=True))


def _read(head: re.Match[str], rest: str) -> Reference:
    doi, arxiv = _DOI.search(rest), _ARXIV.search(rest)
    identifier = doi[1].rstrip(".,;") if doi else f"10.48550/arXiv.{arxiv[1]}" if arxiv else ""
    if identifier.endswith(")") and "(" not in identifier:
        identifier = identifier.rstrip(").")
    plain = rest[: min(found.start() for found in (doi, arxiv) if found)] if identifier else rest
    title, place = _title(plain)
    venue = re.split(r"[\d,:(]|\. [a-z]", place.strip(" .,"), maxsplit=1)[0].strip(" .")
    venue = venue if venue[:1].isupper() else ""  # else a remark
    numbers = _PAGES.search(place[place.find(venue) + len(venue) :]) if venue else None
    if not title and not numbers and not venue.startswith(_PROCEEDINGS):
        title, venue = venue, ""  # a book
    return Reference(
        authors=_authors(head[1]),
        year=int(head[2]),
        title=title,
        venue=venue,
        volume=numbers[1] if numbers else "",
        pages=(numbers[3] or "") if numbers else "",
        doi=identifier,
    )


def _title(text: str) -> tuple[str, str]:
    """The title, in quotes or as a sentence of its own, and what comes after it."""
    if quoted := _QUOTED.match(text.lstrip(" .,:")):
        return quoted[1].rstrip(".,"), text.lstrip(" .,:")[quoted.end() :]
    if text.startswith(". "):  # Author (year). Title. Where.
        title, _, place = text[2:].partition(". ")
        return title.strip(" ."), place
    return "", text


def _authors(text: str) -> tuple[str, ...]:
    """Names, initials kept with their family name."""
    text = re.sub(r"\s+(?:and|&)\s+", ", ", text.strip(" ,")).replace(" et al", ", et al")
    names: list[str] = []
    for part in (piece.strip() for piece in text.split(",")):
        if re.fullmatch(r"(?:[A-ZÀ-Ž]\.[ -]?)+", part) and names:
            names[-1] += f", {part}"
        elif part:
            names.append("et al." if part.startswith("et al") else part)
    return tuple(names)


def cite(*objects: Any, style: str = "bibtex") -> str:
    """Return the references of what was used.

    Parameters
    ----------
    *objects : object
        Classes, functions, algorithms and estimators (fitted or not), tests, scores, effects,
        analyses: anything of causalkit's. None at all: causalkit itself.
    style : {"bibtex", "text"}
        Entries for a .bib file, or one line a work.

    Returns
    -------
    str
        causalkit first, then each work once, in the order in which they are met. Authors are those
        that the docstrings name: family names, and "others" where they say et al.

    Raises
    ------
    InputError
        If something is not causalkit's, or the style is unknown.

    Examples
    --------
    >>> from causalkit.discovery import BOSS
    >>> from causalkit.scores import BDeu
    >>> print(cite(BOSS(BDeu()), style="text").splitlines()[1][:53])
    Andrews, Ramsey, Sanchez-Romero, Camchong, Kummerfeld
    """
    if style not in ("bibtex", "text"):
        raise InputError(f"style={style!r}; expected 'bibtex' or 'text'.")
    for asked in objects:
        if not _module_of(asked).startswith("causalkit"):
            raise InputError(
                f"{asked!r} is a {type(asked).__name__}, not something of causalkit's; expected "
                "an algorithm, an estimator, a result, a class or a function. Write e.g. cite(PC)."
            )
    works: dict[str, Reference] = {}
    for asked in objects:
        for work in _works(asked, 0, set()):
            same = works.setdefault(work.doi.lower() or work.key, work)
            works[work.doi.lower() or work.key] = same if same.title else work
    if style == "text":
        return "\n".join([_itself()["title"], *(work.text for work in works.values())])
    entries = [_entry("software", "causalkit", _itself())]
    taken: set[str] = set()
    for work in works.values():
        key = next(
            key for key in (work.key, *(work.key + c for c in "bcdefgh")) if key not in taken
        )
        taken.add(key)
        entries.append(work.bibtex.replace(work.key, key, 1))
    return "\n\n".join(entries)


def _works(asked: Any, depth: int, seen: set[int]) -> Iterator[Reference]:
    """References of an object, then those of its parts."""
    if id(asked) in seen or depth > _DEEPEST:
        return
    seen.add(id(asked))
    if isinstance(asked, (list, tuple)):
        for part in asked:
            yield from _works(part, depth + 1, seen)
        return
    if not _module_of(asked).startswith("causalkit"):
        return
    documented = asked if inspect.isclass(asked) or inspect.isroutine(asked) else type(asked)
    own = references_in(documented.__doc__)
    module = sys.modules.get(_module_of(documented))
    yield from own or references_in(getattr(module, "__doc__", None))
    if documented is asked:
        return
    for part in _parts(asked):
        yield from _works(part, depth + 1, seen)


def _parts(asked: Any) -> Iterable[Any]:
    """Settings of an estimator, what it was fitted with, and fields of a value."""
    if hasattr(asked, "get_params"):
        found = list(asked.get_params(deep=False).values())
        return [*found, getattr(asked, "test_", None), getattr(asked, "score_", None)]
    if dataclasses.is_dataclass(asked):
        return [getattr(asked, field.name, None) for field in dataclasses.fields(asked)]
    return ()


def _module_of(asked: Any) -> str:
    named = asked if hasattr(asked, "__module__") else type(asked)
    return str(named.__module__ or "")


def _itself() -> Mapping[str, str]:
    """What CITATION.cff says."""
    from causalkit import __version__

    title = "causalkit: from raw data to a defended causal effect"
    return {"title": title, "author": "{The causalkit developers}", "version": __version__}


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"
