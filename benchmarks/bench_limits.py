"""How far does each discovery algorithm reach: in time, and against the graph without edges?

    python -m benchmarks limits                      as `make bench` runs it: --quick
    python benchmarks/bench_limits.py --quick        a minute, small p, prints the table
    python benchmarks/bench_limits.py --minutes 45   measures, goes on where it was stopped
    python benchmarks/bench_limits.py --write        journal to causalkit/discovery/limits.csv

For each method, number of rows and degree, p goes up from 5 to 500. A method sees data that suit
it: the column `model` says which, `truth` what it is compared with. A run is a process of its own
that is stopped after 60 seconds of one processor; nothing is run that is predicted to take more
(from the last two sizes, seconds growing at least with p², or from a sparser graph or fewer rows),
or above a p at which something easier was stopped. Seconds are those of one processor, of `fit`
alone; imports and compilation are outside the clock. Errors are structural Hamming distances; that
of the empty graph is the number of edges of the truth. Means are over two data sets, or up
to ten where p is small; over fewer where a fit takes long.

Columns of the table, one row a method, n and degree:

- `method`, `algorithm` as it is written, `kind` (tables or series), `model`, `truth` (cpdag, dag,
  pag; of series lagged-cpdag, lagged-dag, lagged-pag);
- `n` rows, `degree` mean number of edges at a variable (of series, links with other series);
- `p_minute` the largest p that took at most a minute, and `seconds` there (blank: none);
- `p_beats` the largest p with an error below that of the empty graph, and `ratio`, its error as a
  part of that of the empty graph, there (blank: none);
- `stopped` why p went no further: "grid" (500 was reached), "time" (stopped at a minute),
  "predicted", "easier" (a case with fewer rows or edges was stopped there), "memory" (more than
  8 GB), "budget" (not measured), or "error" (the method refuses such data, as where there are
  fewer rows than columns);
- `seconds_by_p` and `ratio_by_p`: all that was measured, as `5:0.012 10:0.02 20:60+`. A plus stands
  where a run was stopped, `inf` where memory or rows did not suffice.

Neural methods (NOTEARSMLP, DAGMAMLP, NeuralGranger, JacobianGranger), which need the extra `deep`,
are not measured. A method's own assumptions hold here: on data that break them it does worse.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

import math
import platform
import resource
import warnings
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from time import process_time

import numpy as np

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import causalkit as ck
from benchmarks.limit_designs import METHODS, MODELS, in_class
from benchmarks.tables import head, row
from causalkit.metrics import shd
from causalkit.report.code import source_of

SIZES = (5, 10, 20, 50, 100, 200, 500)
CELLS = ((1000, 2), (1000, 6), (100, 2), (10_000, 2), (100, 6), (10_000, 6))
MINUTE, SHORT = 60.0, 1.0
MEMORY = 8 << 30
JOURNAL = Path("results") / "limits.jsonl"
TABLE = Path(__file__).parents[1] / "causalkit" / "discovery" / "limits.csv"
COLUMNS = (
    "method", "algorithm", "kind", "model", "truth", "n", "degree", "p_minute", "seconds",
    "p_beats", "ratio", "stopped", "seconds_by_p", "ratio_by_p",
)  # fmt: skip


# --- one run, in a process of its own -------------------------------------------------------------


def run(name, data, true_graph, limit):
    """Seconds, error and the empty graph's error; or why there is no answer."""
    ours, theirs = get_context("fork").Pipe(duplex=False)
    child = get_context("fork").Process(target=_fit, args=(theirs, name, data, true_graph, limit))
    child.start()
    theirs.close()
    found = {}
    try:
        while True:
            found |= ours.recv()
    except EOFError:
        pass
    child.join()
    return found or {"stopped": "time"}


def _fit(pipe, name, data, true_graph, limit):
    _, truth, make = METHODS[name]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit) + 3, math.ceil(limit) + 60))
    warnings.simplefilter("ignore")
    begun = process_time()
    try:
        graph = make().fit(data).graph_
    except MemoryError:
        pipe.send({"stopped": "memory"})
        return
    except Exception as error:
        pipe.send({"stopped": "error", "why": str(error)[:200]})
        return
    pipe.send({"seconds": process_time() - begun})
    soft = math.ceil(process_time()) + 30
    resource.setrlimit(resource.RLIMIT_CPU, (soft, math.ceil(limit) + 60))
    true = in_class(true_graph(), truth)
    pipe.send({"error": shd(true, in_class(graph, truth)), "empty": len(true.edges())})


# --- up from small p ------------------------------------------------------------------------------


def ladder(name, n, degree, journal, options):
    """Measure one method at one n and degree, from p = 5 upwards."""
    model, _, _ = METHODS[name]
    for p in options.sizes:
        if degree > p - 1 or any(same(one, name, n, degree, p) for one in journal):
            continue
        why = not_worth(name, n, degree, p, journal, options.limit)
        if why or spent(journal) > 60 * options.minutes:
            keep(journal, options, method=name, n=n, degree=degree, p=p, stopped=why or "budget")
            return
        found = []
        while len(found) < n_sets(p) and sum(one["seconds"] for one in found) < SHORT:
            data, truth = MODELS[model][1](p, n, degree, 1000 * p + 10 * degree + len(found))
            found.append(run(name, data, truth, options.limit))
            if "stopped" in found[-1]:
                break
        keep(journal, options, method=name, n=n, degree=degree, p=p, **summary(found, options))
        if "stopped" in journal[-1]:
            return


def n_sets(p):
    """Data sets at most: of a few columns more, where the error of one says little."""
    return max(2, 50 // p)


def summary(found, options):
    ended = [one for one in found if "seconds" in one]
    if not ended:
        return found[0]
    seconds = mean(one["seconds"] for one in ended)
    judged = [one for one in ended if "error" in one]
    told = {"seconds": seconds, "runs": len(ended)}
    if judged:
        told |= {key: mean(one[key] for one in judged) for key in ("error", "empty")}
    return told | ({"stopped": "time"} if seconds > options.limit else {})


def same(one, name, n, degree, p=None):
    key = (one["method"], one["n"], one["degree"])
    return key == (name, n, degree) and p in (None, one["p"])


def not_worth(name, n, degree, p, journal, limit):
    """Why a run would not end in time; empty if it may."""
    for one in journal:
        easier = one["method"] == name and one["n"] <= n and one["degree"] <= degree
        if easier and one["p"] <= p and one.get("stopped") in ("time", "memory", "predicted"):
            return "predicted" if same(one, name, n, degree) else "easier"
    guesses = [predicted(points(name, n, degree, journal), p)]
    for m, other in {(n, 2), (100, degree), (1000, degree)} - {(n, degree)}:
        if m <= n and other <= degree:
            guesses.append(compared(name, (n, degree), (m, other), p, journal))
    return "predicted" if max(guesses) > limit else ""


def points(name, n, degree, journal):
    """Seconds by p, as far as they were measured."""
    return {
        one["p"]: one["seconds"]
        for one in journal
        if same(one, name, n, degree) and "seconds" in one
    }


def growth(seconds):
    """Exponent of the last two sizes, at least 2."""
    (p, t), (q, u) = sorted(seconds.items())[-2:]
    return max(2.0, math.log(u / t) / math.log(q / p))


def predicted(seconds, p):
    if not seconds:
        return 0.0
    last = max(seconds)
    return seconds[last] * (p / last) ** (growth(seconds) if len(seconds) > 1 else 2.0)


def compared(name, cell, easier, p, journal):
    """Seconds of an easier case at p, times how much longer this one took at the size before."""
    theirs, own = points(name, *easier, journal), points(name, *cell, journal)
    both = [q for q in own if q in theirs and q < p]
    if p not in theirs or not both:
        return 0.0
    return theirs[p] * max(1.0, own[max(both)] / theirs[max(both)])


def spent(journal):
    return sum(one.get("seconds", 0.0) * one.get("runs", 1) for one in journal) + sum(
        MINUTE for one in journal if one.get("stopped") == "time" and "seconds" not in one
    )


def keep(journal, options, **cell):
    journal.append(cell)
    if options.journal:
        with options.journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(cell) + "\n")
        print(cell, flush=True)


# --- the table ------------------------------------------------------------------------------------


def rows(journal, last):
    """One row a method, n and degree."""
    for name, (model, truth, _) in METHODS.items():
        for n, degree in sorted({(one["n"], one["degree"]) for one in journal}):
            cells = [one for one in journal if same(one, name, n, degree)]
            if cells:
                cells.sort(key=lambda one: one["p"])
                yield one_row(name, model, truth, n, degree, cells, last)


def one_row(name, model, truth, n, degree, cells, last):
    timed = {one["p"]: one["seconds"] for one in cells if "seconds" in one}
    in_time = {p: seconds for p, seconds in timed.items() if seconds <= MINUTE}
    ratios = {one["p"]: one["error"] / one["empty"] for one in cells if one.get("empty")}
    wins = [p for p, ratio in ratios.items() if ratio < 1]
    at_end = "grid" if cells[-1]["p"] >= last else "budget"
    stopped = next((one["stopped"] for one in cells if "stopped" in one), at_end)
    by_p = [f"{p}:{seconds:.2g}" for p, seconds in timed.items()]
    ends = {"time": f"{MINUTE:g}+", "memory": "inf", "error": "inf"}
    by_p += [
        f"{one['p']}:{ends[one['stopped']]}"
        for one in cells
        if one.get("stopped") in ends and one["p"] not in timed
    ]
    found = {
        "method": name,
        "algorithm": " ".join(source_of(METHODS[name][2]()).split()),
        "kind": "series" if truth.startswith("lagged") else "tables",
        "model": MODELS[model][0],
        "truth": truth,
        "n": n,
        "degree": degree,
        "stopped": stopped,
        "seconds_by_p": " ".join(by_p),
        "ratio_by_p": " ".join(f"{p}:{ratio:.2f}" for p, ratio in ratios.items()),
    }
    if in_time:
        found |= {"p_minute": max(in_time), "seconds": f"{in_time[max(in_time)]:.2g}"}
    if wins:
        found |= {"p_beats": max(wins), "ratio": f"{ratios[max(wins)]:.2f}"}
    return {column: found.get(column, "") for column in COLUMNS}


def write(journal):
    """The committed table, with a comment above that says when and where."""
    measured = list(rows(journal, SIZES[-1]))
    versions = f"causalkit {ck.__version__}, numpy {np.__version__}"
    python = f"Python {platform.python_version()}"
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# Measured {date.today()} by benchmarks/bench_limits.py, which says what is\n")
        file.write(f"# in the columns: {versions}, {python}, one thread of {processor()}.\n")
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(measured)


def processor():
    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = [line.partition(":")[2].strip() for line in told.splitlines() if "model name" in line]
    return named[0] if named else platform.machine()


def show(journal, last):
    hidden = ("algorithm", "kind", "model", "seconds_by_p", "ratio_by_p")
    shown = [column for column in COLUMNS if column not in hidden]
    head(*shown)
    for cells in rows(journal, last):
        row(*(cells[column] for column in shown))


def warm(name):
    """Compile, or read what was compiled: not what is measured."""
    model, _, make = METHODS[name]
    try:
        make().fit(MODELS[model][1](5, 100, 2, 0)[0])
    except Exception as error:
        print(f"{name}: {error}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a minute, small p (the default)")
    parser.add_argument("--minutes", type=float, help="measure, for so long in all")
    parser.add_argument("--journal", type=Path, default=JOURNAL)
    parser.add_argument("--cells", nargs="+", default=[], help="rows,degree; left out, all six")
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--write", action="store_true", help="write the table of the journal")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    options.sizes, options.limit = SIZES, MINUTE
    cells = [tuple(map(int, cell.split(","))) for cell in options.cells] or CELLS
    if options.quick or (options.minutes is None and not options.write):
        options.sizes, options.limit, cells = (5, 10, 20), 1.0, [(300, 2)]
        options.minutes, options.journal = 1.0, None
    journal = []
    if options.journal and options.journal.exists():
        journal = [json.loads(line) for line in options.journal.read_text().splitlines()]
        journal = [one for one in journal if one.get("stopped") not in ("budget", "easier")]
    if options.write:
        write(journal)
        return
    if options.journal:
        options.journal.parent.mkdir(parents=True, exist_ok=True)
    for n, degree in cells:
        for name in options.methods:
            warm(name)
            ladder(name, n, degree, journal, options)
    show(journal, options.sizes[-1])


if __name__ == "__main__":
    main()
