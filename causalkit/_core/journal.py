"""Files that a run may be killed over: what was written whole is read, what was torn is not.

A long computation keeps its results as they come, so that it can be taken up again. Nothing warns
it of the end (power, `kill -9`), so each piece must lie on the disk as if it were the last one:

- a line at a time, at the end of a file that one writer has (:func:`note_line`,
  :func:`noted_lines`): the line that was being written is torn, is not read, and is closed by the
  next one;
- a file at a time, under another name until it is whole (:func:`write_whole`).

>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     path = Path(folder, "results.jsonl")
...     note_line(path, {"number": 1})
...     with path.open("a") as file:
...         _ = file.write('{"numb')  # killed here
...     note_line(path, {"number": 2})
...     list(noted_lines(path))
[{'number': 1}, {'number': 2}]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["note_line", "noted_lines", "write_whole"]


def note_line(path: Path, row: Mapping[str, Any]) -> None:
    """Write one line of JSON to the end of a file; a line that was torn before is closed first.

    Parameters
    ----------
    path : Path
        It is made if it is not there.
    row : mapping of str to plain values
    """
    line = json.dumps(dict(row)).encode() + b"\n"
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, 2)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)


def noted_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read what :func:`note_line` wrote, whole lines only; nothing if there is no such file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    iterator of dict
    """
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n"):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # torn, or of nobody who writes such files
            continue
        if isinstance(row, dict):
            yield row


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that it is there as a whole or not at all.

    Parameters
    ----------
    path : Path
    write : function of a path
        Writes the content to another name in the same folder, which ends in `.partial` and takes
        the place of `path` when it is done.
    """
    partial = path.with_name(f"{path.name}.partial")
    write(partial)
    partial.replace(path)
