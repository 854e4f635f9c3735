"""Who ranks links between series best? Methods by data sets, beside baselines that know nothing.

    python -m benchmarks series_accuracy
    python benchmarks/bench_series_accuracy.py [--data ../shared/data] [--sets LORENZ-10 VAR ...]
                                               [--methods GroupLassoGranger ...] [--repeats 5]

First, as they come: the mean AUROC and AUPRC of `scores_[cause, effect]` against the true links,
over repeats, with the standard error of the mean, and the mean time of a fit; what drives itself
does not count. Then the same as two tables, a row a method and a column a set. A method that has
no answer is there too, and says why.

With `--data` the sets are those that papers report: Lorenz-96 and sparse VAR of eSRU, NetSim of
Smith et al., and the gene networks of DREAM3, of which each holds many short runs, a subject each.
Without it Lorenz-96 and VAR are simulated here, by the same equations. A method is one line in
`METHODS`: what it is called, its settings, and how many series it is asked about at most, so that a
fit takes a minute and not an hour.
"""

from __future__ import annotations

import argparse
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

import warnings
from itertools import islice
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.base import BaseEstimator, clone

from causalkit.benchmark import LaggedCorrelation, LagOne, RandomLinks
from causalkit.discovery import (
    CCM,
    DYNOTEARS,
    LPCMCI,
    PCMCI,
    TSICD,
    Granger,
    GroupLassoGranger,
    JacobianGranger,
    JPCMCIPlus,
    MXMap,
    NeuralGranger,
    PCMCIPlus,
    RegressionGranger,
    SpectralGranger,
    TransferEntropy,
    VARLiNGAM,
)
from causalkit.errors import InputError
from causalkit.graph import LaggedGraph
from causalkit.independence import GCM, RCoT
from causalkit.metrics import auprc, auroc


class SameStep(BaseEstimator):
    """Correlations within the step, or partial ones given all else: blind to time."""

    def __init__(self, *, partial=False):
        self.partial = partial

    def fit(self, values):
        found = np.corrcoef(np.vstack(parts_of(values)).T)
        if self.partial:
            inverse = np.linalg.inv(found)
            found = inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
        self.scores_ = np.abs(found)
        return self


METHODS = [
    ("RandomLinks", RandomLinks(), None),
    ("same step, correlation", SameStep(), None),
    ("same step, partial", SameStep(partial=True), None),
    ("LaggedCorrelation", LaggedCorrelation(), None),
    ("LagOne", LagOne(), None),
    ("Granger", Granger(), None),
    ("Granger, by pairs", Granger(conditional=False), None),
    ("SpectralGranger", SpectralGranger(), 50),
    ("GroupLassoGranger", GroupLassoGranger(), None),
    ("GroupLassoGranger, hierarchical", GroupLassoGranger(hierarchical=True), None),
    ("RegressionGranger", RegressionGranger(), 50),
    ("TransferEntropy", TransferEntropy(), 15),
    ("NeuralGranger", NeuralGranger(random_state=0), 15),  # these three need torch
    ("NeuralGranger, LSTM", NeuralGranger(network="lstm", random_state=0), 15),
    ("JacobianGranger", JacobianGranger(random_state=0), 15),
    ("PCMCI", PCMCI(), None),
    ("PCMCI, GCM", PCMCI(GCM()), 15),
    ("PCMCI, RCoT", PCMCI(RCoT()), 15),
    ("PCMCIPlus", PCMCIPlus(), None),
    ("JPCMCIPlus", JPCMCIPlus(), None),
    ("LPCMCI", LPCMCI(), None),
    ("TSICD", TSICD(), 50),
    ("VARLiNGAM", VARLiNGAM(), None),
    ("DYNOTEARS", DYNOTEARS(), None),
    ("CCM", CCM(n_surrogates=19), 50),  # skills, which rank pairs, need no surrogates
    ("CCM, with delays", CCM(max_lag=1, n_surrogates=19), 15),
    ("MXMap, with delays", MXMap(max_lag=1, n_surrogates=19), 15),
]


# --- data: series (n_steps, p), or a list of them, and whether i drives j -------------------------


def lorenz(forcing, n_steps, seed, p=10, step=0.05, noise=0.1):
    """x_i' = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F, by Runge and Kutta, seen with noise."""
    rng = np.random.default_rng(seed)

    def slope(x):
        return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + forcing

    x, seen = forcing + rng.normal(size=p), []
    for _ in range(1000 + n_steps):
        for _ in range(5):
            h = step / 5
            a = slope(x)
            b = slope(x + h / 2 * a)
            c = slope(x + h / 2 * b)
            x = x + h / 6 * (a + 2 * b + 2 * c + slope(x + h * c))
        seen.append(x)
    each = np.arange(p)
    truth = np.zeros((p, p), dtype=bool)
    for shift in (-2, -1, 0, 1):
        truth[(each + shift) % p, each] = True
    return np.array(seen[1000:]) + noise * rng.normal(size=(n_steps, p)), truth


def sparse_var(n_steps, seed, p=10, lags=3, share=0.2):
    """A VAR of which the same causes act at all lags."""
    rng = np.random.default_rng(seed)
    truth = np.eye(p, dtype=bool) | (rng.random((p, p)) < share)
    weights = truth * rng.choice([-0.1, 0.1], (lags, p, p))
    x = rng.normal(size=(n_steps + 200, p))
    for t in range(lags, len(x)):
        x[t] += sum(x[t - 1 - lag] @ weights[lag] for lag in range(lags))
    return x[200:], truth


def stored(folder, pattern):
    """Arrays X_np (p, n_steps) and Gref[effect, cause]."""
    for path in sorted(Path(folder).glob(pattern)):
        data = np.load(path)
        yield data["X_np"].T, data["Gref"].T > 0


def net_sim(path):
    """Subjects below each other in `ts`, weights `net[subject, cause, effect]`."""
    from scipy.io import loadmat

    data = loadmat(path)
    subjects = np.split(data["ts"], len(data["net"]))
    return zip(subjects, data["net"] > 0, strict=True)


def gene_networks(folder, n_genes):
    """Runs below each other, where time begins again; lines `source, target, 0 or 1`."""
    for path in sorted(Path(folder).glob(f"dream3_{n_genes}_?.tsv")):
        time, *genes = np.loadtxt(path, delimiter="\t", skiprows=1, unpack=True)
        runs = np.split(np.array(genes).T, np.flatnonzero(np.diff(time) < 0) + 1)
        truth = np.zeros((n_genes, n_genes), dtype=bool)
        for line in path.with_name(f"{path.stem}_true.txt").read_text().splitlines():
            source, target, linked = line.split()
            truth[int(source[1:]) - 1, int(target[1:]) - 1] = linked == "1"
        yield runs, truth


def data_sets(folder):
    """By name: the number of lags, and series with their links."""
    if folder is None:
        return {
            "LORENZ-10": (1, (lorenz(10, 500, seed) for seed in range(99))),
            "LORENZ-40": (1, (lorenz(40, 500, seed) for seed in range(99))),
            "VAR": (3, (sparse_var(500, seed) for seed in range(99))),
        }
    folder = Path(folder)
    esru = folder / "lorenz96_var_sru"
    return {
        "LORENZ-10": (1, stored(esru / "lorenz96", "F_10_T_500*")),
        "LORENZ-40": (1, stored(esru / "lorenz96", "F_40_T_500*")),
        "VAR": (3, stored(esru / "var", "S_30_T_500*")),
        "NETSIM-3": (1, net_sim(folder / "netsim" / "fMRI_15.mat")),
        "NETSIM-4": (1, net_sim(folder / "netsim" / "fMRI_50.mat")),
        "DREAM3-10": (1, gene_networks(folder / "dream3", 10)),
        "DREAM3-50": (1, gene_networks(folder / "dream3", 50)),
        "DREAM3-100": (1, gene_networks(folder / "dream3", 100)),
    }


def parts_of(values):
    return values if isinstance(values, list) else [values]


# --- the tables -----------------------------------------------------------------------------------


def as_graph(truth):
    """Links [cause, effect] as a graph; when they act is not known."""
    names = [f"x{k}" for k in range(len(truth))]
    edges = [((names[i], 1), names[j]) for i, j in np.argwhere(truth)]
    return LaggedGraph(names, edges)


def cell(values):
    values = np.array(values)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return " ± ".join(f"{value:.3f}".removeprefix("0") for value in (values.mean(), error))


def made(method, lags, seed):
    """The method with so many lags, unless it has none: a setting of 0 is meant."""
    known = method.get_params(deep=False)
    settings = {"random_state": seed, "max_lag": lags if known.get("max_lag") else 0}
    return clone(method).set_params(**{name: settings[name] for name in settings.keys() & known})


def measure(method, most, lags, repeats):
    """AUROC, AUPRC and seconds of each repeat; or why there are none."""
    p = len(repeats[0][1])
    if most is not None and p > most:
        return f"not asked about more than {most} series, for its time"
    found = []
    try:
        small = [part[:100, :3] for part in parts_of(repeats[0][0])]
        made(method, lags, 0).fit(small)  # kernels are compiled outside the clock
        for seed, (values, truth) in enumerate(repeats):
            start = process_time()
            scores = made(method, lags, seed).fit(values).scores_
            seconds = process_time() - start
            graph, among = as_graph(truth), scores[:p, :p]  # labels of subjects come last
            found.append((auroc(graph, among), auprc(graph, among), seconds))
    except InputError as error:
        return str(error).split(";")[0]
    return found


def show_table(title, table, names):
    print(f"\n{title}\n\n| method | {' | '.join(names)} |")
    print("| --- |" + " --- |" * len(names))
    for method in dict.fromkeys(method for method, _ in table):
        print(f"| {method} | {' | '.join(table[method, name] for name in names)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data")
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    sets = data_sets(options.data)
    names = [name for name in sets if not options.sets or name in options.sets]
    areas, precisions = {}, {}
    print("| data | lags | method | AUROC | AUPRC | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in names:
        lags, draws = sets[name]
        repeats = list(islice(draws, options.repeats))
        for called, method, most in METHODS:
            if options.methods and called not in options.methods:
                continue
            found = measure(method, most, lags, repeats)
            shown = ("—", "—", found)
            if not isinstance(found, str):
                area, precision, seconds = zip(*found, strict=True)
                shown = (cell(area), cell(precision), f"{np.mean(seconds):.3g}")
            areas[called, name], precisions[called, name] = shown[:2]
            print(f"| {name} | {lags} | {called} | {' | '.join(shown)} |", flush=True)
    show_table("AUROC", areas, names)
    show_table("AUPRC", precisions, names)


if __name__ == "__main__":
    main()
