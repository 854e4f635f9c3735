"""Lists of arguments for the command line: names of commands and options, with values at random.

They are put together from what the commands say of themselves, so a new option is tried as soon as
it is there. A command may end with any status that is documented but 1, a fault of the program.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from enum import Enum
from functools import cache
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from causalkit.cli.app import app, main
from tools.fuzz.mutation import damage

__all__ = ["check", "generate"]

FILES = ("data.csv", "small.csv", "series.csv", "text.csv", "tiers.yaml", "graph.json", "no.csv")
WORDS = (
    *(
        "x",
        "y",
        "z",
        "w",
        "0",
        "1",
        "-1",
        "2",
        "3",
        "0.05",
        "1e9",
        "nan",
        "inf",
        "",
        " ",
        "-",
        "--",
    ),
    *("x -> y", "x -> y; x <-> y", "x[t-1] -> y[t]", "digraph {x -> y}", "pc", "ols", "x,y", "out"),
    *("out.json", "out.svg", "out.html", "out.dot", "no/such/folder.json", "asia", "401ksubs", "ü"),
)
COSTLY = frozenset({"demo", "compare", "generate", "datasets", "suggest", "notebook"})
STATUSES = (0, 2, 3, 4, 5)


def generate(rng: Random, number: int) -> tuple[str, list[str]]:
    """Name of a command, and its arguments."""
    del number
    commands = _commands()
    name = rng.choice(list(commands))
    arguments = [name]
    for parameter in commands[name].params:
        if not (parameter.required and rng.random() < 0.95) and rng.random() > 0.15:
            continue
        value = _value(rng, parameter)
        if parameter.param_type_name == "argument":
            arguments.append(value)
        else:
            option = rng.choice([*parameter.opts, *parameter.secondary_opts])
            arguments += [option] if getattr(parameter, "is_flag", False) else [option, value]
    if rng.random() < 0.2:
        arguments.insert(rng.randrange(len(arguments) + 1), rng.choice((*WORDS, "--no-such", "-q")))
    if rng.random() < 0.1:
        place = rng.randrange(len(arguments))
        arguments[place] = damage(rng, arguments[place], 1).encode("utf-8", "ignore").decode()
    return name if arguments[:1] == [name] else "damaged", arguments


def check(_: str, arguments: list[str]) -> str:
    """Run a command in a folder of its own; say how it ended."""
    if COSTLY & set(arguments) and not {"--help", "--list"} & set(arguments):
        return "left out: takes minutes by its nature"
    before = Path.cwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            _write_files()
            status, said = _run(arguments)
        finally:
            os.chdir(before)
    if status not in STATUSES or "Traceback" in said:
        raise RuntimeError(f"status {status} after {arguments!r}: {said[-1500:]}")
    return f"status {status}"


def _run(arguments: list[str]) -> tuple[int, str]:
    out, err = StringIO(), StringIO()
    empty = TextIOWrapper(BytesIO(b""))
    with (
        patch.object(sys, "argv", ["causalkit", *arguments]),
        patch.object(sys, "stdin", empty),
        redirect_stdout(out),
        redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            main()
        except SystemExit as ended:
            code = ended.code
            return (code if isinstance(code, int) else 0 if code is None else 1), err.getvalue()
    return 0, err.getvalue()


@cache
def _commands() -> dict[str, Any]:
    import typer

    group: Any = typer.main.get_command(app)
    return {name: command for name, command in group.commands.items() if name not in COSTLY}


def _value(rng: Random, parameter: Any) -> str:
    kind = getattr(parameter, "bare_type", None) or getattr(parameter, "type", None)
    if rng.random() < 0.8:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return str(rng.choice(list(kind)).value)
        if hasattr(kind, "choices"):  # of a plain option of click
            return str(rng.choice([getattr(each, "value", each) for each in kind.choices]))
        if kind in (int, float) or getattr(kind, "name", "") in ("integer", "float"):
            return rng.choice(("0", "1", "2", "0.05", "-1", "20", "1e300", "x"))
        if parameter.name in ("treatment", "outcome"):
            return rng.choice(("x", "y", "z"))
        if parameter.name in ("data", "table"):
            return rng.choice(FILES[:4])
    return rng.choice((*FILES, *WORDS))


@cache
def _tables() -> dict[str, str]:
    rng = np.random.default_rng(0)
    n = 120
    x = rng.normal(size=n)
    table = pd.DataFrame({"x": (x > 0).astype(int), "y": x + rng.normal(size=n), "z": x})
    mixed = table.assign(w=np.where(x > 0.5, "high", "low"))
    return {
        "data.csv": table.to_csv(index=False),
        "small.csv": table.head(3).to_csv(index=False),
        "series.csv": table.cumsum().to_csv(index=False),
        "text.csv": mixed.to_csv(index=False),
        "tiers.yaml": "tiers: [[z], [x], [y]]\n",
        "graph.json": '{"format": "causalkit.graph", "version": 1, "kind": "DAG", '
        '"nodes": ["x", "y", "z"], "edges": [["x", "->", "y"], ["z", "->", "x"]]}',
    }


def _write_files() -> None:
    for name, text in _tables().items():
        Path(name).write_text(text)
