"""One benchmark run in a process of its own, and what it printed kept for the page.

Each result is a JSON file in `build/benchmarks`, which git ignores, so that a benchmark that is run
again replaces its own section of the page only. A benchmark that fails or takes too long leaves a
result, too: how far it came, and why it ended.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

from benchmarks.environment import HERE, describe

ROOT = HERE.parent
KEPT = ROOT / "build" / "benchmarks"
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")


@dataclass(frozen=True, slots=True)
class Result:
    """What one run left."""

    name: str
    arguments: str
    outcome: str  # "finished", or why not
    seconds: float  # by the clock
    cpu_seconds: float  # of a processor
    date: str
    environment: dict[str, dict[str, str]]
    printed: str

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.outcome == "finished"

    @property
    def command(self) -> str:
        """What to type for the same run."""
        return f"python -m benchmarks.bench_{self.name} {self.arguments}".strip()

    def keep(self, folder: Path = KEPT) -> None:
        """Write the result to its file."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        (folder / f"{self.name}.json").write_text(text, encoding="utf-8")


def kept_results(folder: Path = KEPT) -> dict[str, Result]:
    """All results that are kept, by name."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json")))
    found = (Result(**json.loads(text)) for text in texts)
    return {result.name: result for result in found}


def run(name: str, arguments: str, limit: float) -> Result:
    """Run one benchmark with one thread, showing what it prints as it comes.

    Parameters
    ----------
    name : str
        Without `bench_`.
    arguments : str
        As they would be typed.
    limit : float
        Seconds after which it is stopped, with all processes that it has started.

    Returns
    -------
    Result
        Finished or not.
    """
    command = [sys.executable, "-u", "-m", f"benchmarks.bench_{name}", *shlex.split(arguments)]
    threads = {f"{library}_NUM_THREADS": "1" for library in LIBRARIES}
    start, late, printed = datetime.now(UTC), [], []
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | threads,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        ) as process,
    ):

        def stop() -> None:
            late.append(True)
            _end(process)

        timer = Timer(limit, stop)
        timer.start()
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                printed.append(line)
            status, usage = os.wait4(process.pid, 0)[1:]
        except BaseException:
            _end(process)
            raise
        finally:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        outcome = _outcome(process.returncode, bool(late), limit, errors)
    return Result(
        name,
        arguments,
        outcome,
        (datetime.now(UTC) - start).total_seconds(),
        usage.ru_utime + usage.ru_stime,
        f"{start:%Y-%m-%d}",
        describe(),
        "".join(printed),
    )


def _outcome(code: int, late: bool, limit: float, errors: tempfile._TemporaryFileWrapper) -> str:
    """One line: how the run ended; what it wrote to standard error goes on to ours."""
    errors.seek(0)
    said = errors.read()
    print(said, end="", file=sys.stderr)
    if late:
        return f"stopped after {limit:.0f} s"
    if code:
        last = said.strip().splitlines()[-1:] or [f"exit status {code}"]
        return f"failed: {last[0][:200]}"
    return "finished"


def _end(process: subprocess.Popen[str]) -> None:
    """End the process and those that it has started: they are a session of their own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
