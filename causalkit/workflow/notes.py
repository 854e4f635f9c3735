"""Notes of an analysis: what changes how the answer is to be read.

A note is text, and so a string. Where it is also a reason for doubt, the code that writes it gives
it a headline of a few words, by which the first page of a report lists it among the others.

>>> note = Note("The table has 12 rows only.", headline="There are few rows")
>>> note.startswith("The table"), note.headline
(True, 'There are few rows')
"""

from __future__ import annotations

from typing import Self

__all__ = ["Note"]


class Note(str):
    """A note with a headline.

    Parameters
    ----------
    text : str
    headline : str, optional
        What there is to doubt, in a few words; empty if the note is no reason for doubt.
    """

    __slots__ = ("headline",)

    headline: str

    def __new__(cls, text: str, headline: str = "") -> Self:
        """Make one of a text and its headline."""
        note = super().__new__(cls, text)
        note.headline = headline
        return note
