"""What is put around every command: the two output streams, the exit status, `--json`, `--quiet`.

Standard output has the answer and nothing else, so that it can go into a pipe. With `--json` it is
one JSON document, of a command that failed, too. Remarks, warnings, progress and errors go to
standard error; progress only where that is a terminal. The statuses are those of :class:`Status`.

A command that stands in the middle of a pipe may lose its reader (`| head`); then it stops without
a word, with the status that shells give to a process that wrote into a closed pipe.
"""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from functools import wraps
from typing import Annotated, Any, Final

import typer

from causalkit import __version__
from causalkit._core.progress import say, show_progress
from causalkit.cli.json_text import as_json_text
from causalkit.cli.shell_words import in_options, typed_command
from causalkit.errors import (
    CausalkitError,
    CausalkitWarning,
    NotIdentifiableError,
    NumericalError,
)

__all__ = ["Answer", "Status", "as_command", "as_typed", "json_asked", "remark"]

VERSION: Final = 1
"""Of the shape of all JSON documents; it grows when a key goes or changes its meaning."""

_JSON: Final = Annotated[
    bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel="Output")
]
_QUIET: Final = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress, no remarks.", rich_help_panel="Output"),
]


class Status(IntEnum):
    """How a command ended."""

    FINE = 0
    UNEXPECTED = 1  # an error that nobody meant to raise
    INPUT = 2  # options, files or data that cannot be used
    NOT_IDENTIFIED = 3  # the effect does not follow from graph and data
    NUMERICAL = 4  # the arithmetic broke down
    CHECK_FAILED = 5  # --strict, and what was checked came out against the answer
    INTERRUPTED = 130  # Ctrl-C
    NO_READER = 141  # the reader of the pipe has gone


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say.

    Attributes
    ----------
    text : str
        For people; nothing is printed of an empty one.
    values : mapping of str to plain values
        The same for `--json`.
    status : Status
    """

    text: str
    values: Mapping[str, Any]
    status: Status = Status.FINE


@dataclass(slots=True)
class _Run:
    """One run of a command: its name, how it speaks, and what it said on the way."""

    command: str
    as_json: bool
    quiet: bool
    options: Collection[str] = ()
    typed: str = ""
    remarks: list[str] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)

    def warn(self, message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        """Show a warning without the line of code that led to it."""
        said = in_options(str(message), self.options)
        self.warnings.append({"kind": category.__name__, "message": said})
        say(f"causalkit: {category.__name__}: {said}")

    def print(self, format_: str, values: Mapping[str, Any]) -> None:
        """Print a JSON document with what all of them have."""
        head = {"format": f"causalkit.{format_}", "version": VERSION, "causalkit": __version__}
        said = {"remarks": self.remarks, "warnings": self.warnings}
        typer.echo(as_json_text({**head, **values, **said}))


_run: ContextVar[_Run | None] = ContextVar("causalkit_command", default=None)


def json_asked() -> bool:
    """Whether the command that runs is to print JSON."""
    run = _run.get()
    return run is not None and run.as_json


def as_typed() -> str:
    """The command that runs, as it was typed."""
    run = _run.get()
    return "" if run is None else run.typed


def remark(*lines: str) -> None:
    """Say what was decided on the way: on standard error unless `--quiet`, and in the JSON."""
    run = _run.get()
    for line in lines:
        if run is None or not run.quiet:
            say(f"· {line}")
        if run is not None:
            run.remarks.append(line)


def as_command(command: Callable[..., Answer]) -> Callable[..., None]:
    """Put around a command what all commands have; it gets `--json` and `--quiet`."""

    @wraps(command)
    def wrapped(
        context: typer.Context, *, as_json: bool = False, quiet: bool = False, **options: Any
    ) -> None:
        run = _Run(command.__name__, as_json, quiet, tuple(options), typed_command(context))
        token = _run.set(run)
        try:
            status = _answered(run, command, options)
        finally:
            _run.reset(token)
        if status:
            raise typer.Exit(int(status))

    signature = inspect.signature(command, eval_str=True)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in (("as_json", _JSON), ("quiet", _QUIET))
    ]
    first = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    parameters = [first, *signature.parameters.values(), *added]
    wrapped.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters, return_annotation=None
    )
    wrapped.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
    return wrapped


def _answered(run: _Run, command: Callable[..., Answer], options: Mapping[str, Any]) -> Status:
    """Run a command and print what it answers, or why it cannot."""
    watched = not run.quiet and sys.stderr.isatty()
    try:
        with warnings.catch_warnings(), show_progress(watched):
            warnings.simplefilter("always", CausalkitWarning)
            warnings.showwarning = run.warn
            answer = command(**options)
        if run.as_json:
            run.print(run.command, answer.values)
        elif answer.text:
            typer.echo(answer.text)
        return answer.status
    except BrokenPipeError:
        _leave_pipe()
        return Status.NO_READER
    except KeyboardInterrupt:
        say("causalkit: interrupted")
        return Status.INTERRUPTED
    except CausalkitError as error:
        return _refused(run, error, in_options(str(error), run.options), _status_of(error))
    except OSError as error:  # a file that cannot be read or written
        said = f"{error.filename or 'file'}: {error.strerror or error}."
        return _refused(run, error, said, Status.INPUT)


def _status_of(error: CausalkitError) -> Status:
    if isinstance(error, NotIdentifiableError):
        return Status.NOT_IDENTIFIED
    return Status.NUMERICAL if isinstance(error, NumericalError) else Status.INPUT


def _refused(run: _Run, error: Exception, message: str, status: Status) -> Status:
    """Say why there is no answer."""
    say(f"causalkit: {message}")
    if run.as_json:
        known = {"kind": type(error).__name__, "message": message, "status": int(status)}
        witness = [str(part) for part in getattr(error, "witness", ())]
        run.print("error", {"command": run.command, **known, "witness": witness})
    return status


def _leave_pipe() -> None:
    """Let nothing be written any more: Python would try at its end, and complain."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  (a file descriptor is wanted)
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
