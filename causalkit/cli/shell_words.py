"""What Python is told, in the words of a shell: advice as options, and the command as it was typed.

Errors and warnings say what to do, mostly to who writes Python. Here `time='day'` becomes `--time
day` and `KCI() as the test` becomes `--test kernel`, if the command that runs has such an option;
what it has not stays as it is.

>>> in_options("Use DegenerateGaussian() as the test, or say time='last day'.", {"test", "time"})
"Use --test mixed, or say --time 'last day'."
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

import typer

from causalkit.cli.choices import ESTIMATORS, METHODS, SCORES, SERIES_METHODS, TESTS

__all__ = ["in_options", "typed_command"]

_SETTINGS: Final = MappingProxyType(
    {
        **{name: name for name in ("time", "panel", "domain", "strategy", "clusters", "contrast")},
        **{name: name for name in ("max_lag", "alpha", "max_seconds")},
        "sample_weight": "weights",
        "n_resamples": "resamples",
        "random_state": "seed",
    }
)
"""Arguments in Python, and the options that stand for them."""

_CLASSES: Final = (
    ("test", TESTS),
    ("score", SCORES),
    ("estimator", ESTIMATORS),
    ("method", {**METHODS, **SERIES_METHODS}),
)

_PAIR: Final = r"\((?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^()'\"])*\)"
"""What stands between brackets; others may stand within its quotation marks."""

_CALL: Final = re.compile(rf"\w\((?:[^()]|{_PAIR})*\)")
_SETTING: Final = re.compile(
    rf"(?<![\w.-])({'|'.join(_SETTINGS)})=('[^']*'|\"[^\"]*\"|{_PAIR}|…|\.\.\.|[\w.]*\w)?"
)
_OBJECT: Final = re.compile(
    r"(?P<before>(?:,|\b(?:use|such as|or|expected)) )"
    r"(?P<deleting>TestwiseDeletion\((?=\w))?(?P<name>[A-Z]\w+)\(\)(?(deleting)\))"
    r"(?: as the (?:test|score))?",
    re.IGNORECASE,
)
_LEVELS: Final = re.compile(rf"Name the two to the estimator, \w+\((contrast={_PAIR})\)")
_STRATEGY: Final = re.compile(r"identify\(\.\.\., (strategy=\"[\w-]+\")\)")
_COMPLETE: Final = "drop the rows with data.dropna()"
_IN_PYTHON_ONLY: Final = re.compile(r"MissingnessCorrection\(\) if [^;]*; (?=or )")
_SEARCH_BY_TESTS: Final = re.compile(
    r"PC\(TestwiseDeletion\(\)\), or PC\(.*?\)\) where [\w ]*(?=:)"
)


def in_options(text: str, options: Collection[str]) -> str:
    """Advice in the options of a command, whose parameters have the names `options`.

    Examples
    --------
    >>> in_options("ask for strategy='possible', or use PCMCI(max_lag=2).", {"strategy", "max_lag"})
    'ask for --strategy possible, or use PCMCI(max_lag=2).'
    """
    if "strategy" in options:
        text = _STRATEGY.sub(r"\1", text)
    if "contrast" in options:
        text = _LEVELS.sub(r"Say \1", text)
    if "drop" in options:
        other = "--complete-rows" if "complete_rows" in options else "--drop, by column"
        text = _IN_PYTHON_ONLY.sub("", text).replace(
            _COMPLETE, f"leave out what is incomplete with {other}"
        )
    if "method" in options:
        text = _SEARCH_BY_TESTS.sub("--method pc", text)
    text = _OBJECT.sub(lambda found: _object(found, options), text)
    calls = [found.span() for found in _CALL.finditer(text)]

    def said(found: re.Match[str]) -> str:
        name, value = _SETTINGS[found[1]], found[2]
        inside = any(start < found.start() < end for start, end in calls)
        if inside or name not in options:
            return found[0]
        return f"--{name.replace('_', '-')}{_typed(value)}"

    return _SETTING.sub(said, text)


def _typed(value: str | None) -> str:
    """A value as it is typed after its option; nothing of one that is left open."""
    if value is None or value in ("…", "..."):
        return ""
    try:
        plain = ast.literal_eval(value)
    except (ValueError, SyntaxError):  # a word, such as True or a
        plain = value.strip("()").replace(", ", ",")
    several = ",".join(map(str, plain)) if isinstance(plain, tuple) else str(plain)
    return f" {shlex.quote(several)}"


def _object(found: re.Match[str], options: Collection[str]) -> str:
    """The option that names a class, if the command has one."""
    name = found["name"]
    for option, table in _CLASSES:
        key = _keys(table).get(name)
        if option in options and key is not None and (option == "test" or not found["deleting"]):
            within = "missing-" if found["deleting"] else ""
            return f"{found['before']}--{option} {within}{key}"
    return found[0]


def _keys(table: Mapping[str, str]) -> dict[str, str]:
    return {path.rpartition(".")[2]: key for key, path in table.items()}


def typed_command(context: typer.Context) -> str:
    """The command of a context, as it was typed."""
    words = ["causalkit", str(context.info_name)]
    for parameter in context.command.params:
        source: Any = context.get_parameter_source(str(parameter.name))
        if source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[str(parameter.name)]
        if parameter.param_type_name == "argument":
            words.append(str(value))
        elif isinstance(value, bool):
            words.append(parameter.opts[0] if value else parameter.secondary_opts[0])
        else:
            several = value if isinstance(value, (list, tuple)) else [value]
            words += [word for one in several for word in (parameter.opts[0], str(one))]
    return shlex.join(words)
