"""What the two leaderboard scripts share: options, the run, and the files it leaves.

A run is kept in a folder as it goes, so one that was interrupted is continued by the same command.
It leaves `results.parquet` (a row for each data set, method and task), `table.md`, and pictures.
A method from anywhere joins by `--method NAME=module:callable`: it takes a frame and returns a
graph, and in Python by `run(..., extra={"mine": my_function})`.
"""

from __future__ import annotations

import argparse
import importlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

from causalkit.benchmark import compare


@dataclass(frozen=True)
class Size:
    """How much is asked: rows, data sets of each model, and seconds for a method on one."""

    n_obs: tuple[int, ...]
    n_repeats: int
    time_limit: float


def options(doc: str, folder: str) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two minutes: few methods and sizes")
    parser.add_argument("--out", type=Path, default=Path("results") / folder)
    parser.add_argument("--repeats", type=int, help="data sets of each model and size")
    parser.add_argument("--rows", type=int, nargs="+", help="sizes of the data sets")
    parser.add_argument("--models", nargs="+", help="names of models; left out, all")
    parser.add_argument("--methods", nargs="+", help="names of methods; left out, all")
    parser.add_argument("--method", action="append", default=[], metavar="NAME=module:callable")
    parser.add_argument("--like", type=Path, help="a .csv or .npy of series: models of it, too")
    parser.add_argument("--graph", type=Path, help="a .npy [cause, effect] for CausalTime")
    parser.add_argument("--log", action="store_true", help="log(1 + x) of the recorded series")
    parser.add_argument("--jobs", type=int, help="processes")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def run(
    title: str,
    methods: Mapping[str, Any],
    models: Mapping[str, Any],
    asked: argparse.Namespace,
    size: Size,
    extra: Mapping[str, Callable[[Any], Any]] | None = None,
) -> None:
    """Compare, and write what came out."""
    methods = {**_chosen(methods, asked.methods, "method"), **_external(asked.method)}
    methods |= dict(extra or {})
    models = _chosen(models, asked.models, "model")
    sizes = tuple(asked.rows or size.n_obs)
    asked.out.mkdir(parents=True, exist_ok=True)
    started = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each result keeps what was warned of
        board = compare(
            methods,
            models,
            n_obs=sizes,
            n_repeats=asked.repeats or size.n_repeats,
            store=asked.out / "cells",
            n_jobs=asked.jobs,
            random_state=asked.seed,
            time_limit=size.time_limit,
        )
    board.to_frame().to_parquet(asked.out / "results.parquet")
    parts = [f"# {title}\n", f"Rows {', '.join(map(str, sizes))}; seed {asked.seed}.\n"]
    parts.append(board.to_markdown())
    for model in board.models:
        one = type(board)(
            tuple(r for r in board.results if r.model == model), baselines=board.baselines
        )
        parts.append(f"## {model}\n\n{one.to_markdown()}")
    (asked.out / "table.md").write_text("\n".join(parts), encoding="utf-8")
    n_data_sets = len({(r.model, r.n_obs, r.repeat) for r in board.results})
    for name, settings in (
        ("f1", {"measure": "f1"}),
        ("effects", {"measure": "absolute_error"}),
        ("ranks", {"kind": "critical-difference"}),
    ):
        if settings.get("measure") == "absolute_error" and "effect" not in board.tasks:
            continue
        if "kind" in settings and n_data_sets < 2:  # one ranking has no mean
            continue
        figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
        board.plot(ax=ax, **settings)
        figure.savefig(asked.out / f"{name}.png", dpi=120)
        plt.close(figure)
    print(board.to_markdown())
    print(f"{len(board.results)} results in {perf_counter() - started:.0f} s; see {asked.out}/")


def _chosen(known: Mapping[str, Any], names: list[str] | None, what: str) -> dict[str, Any]:
    unknown = set(names or ()) - set(known)
    if unknown:
        raise SystemExit(f"no {what} {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    return {name: one for name, one in known.items() if names is None or name in names}


def _external(given: list[str]) -> dict[str, Any]:
    """Callables that are named on the command line."""
    found = {}
    for entry in given:
        name, _, place = entry.partition("=")
        module, _, attribute = place.partition(":")
        if not (name and module and attribute):
            raise SystemExit(f"--method {entry}; expected NAME=module:callable.")
        found[name] = getattr(importlib.import_module(module), attribute)
    return found
