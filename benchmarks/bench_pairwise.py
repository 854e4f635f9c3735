"""Cause or effect of two variables: on simulated pairs and on real ones, beside causal-learn.

    python -m benchmarks pairwise
    python benchmarks/bench_pairwise.py [--pairs 100] [--rows 1000] [--peer-pairs 100]
                                        [--methods NAME ...] [--kinds NAME ...] [--seed 20260101]
                                        [--generator text|code] [--skip-real]

Simulated, as Tagasovska et al. (2020) and Immer et al. (2023) describe it ("text"). The cause is
Gaussian, with a standard deviation from 1 to √2; the noise e is Gaussian with one from 1/5 to
√(2/5):

- AN, LS: y = f(x) + e and y = f(x) + g(x) e, with f and g Gaussian processes of width 1;
- AN-s, LS-s: the same with sigmoids, f(x) = a b(x+c) / (1+|b(x+c)|), where a - 1 is exponential
  with mean 1/4, |b| uniform from 1/2 to 2, and c from -2 to 2;
- MN-U: y = f(x) u with a sigmoid f and u uniform from 0 to 1.

What was published beside the paper is not quite that ("code"): both variances are drawn for each
row rather than once, so x and e have heavier tails than a Gaussian, and g is f minus its smallest
value.

Post-nonlinear pairs, y = g(f(x) + e): the cause is Gaussian or uniform, f one of four curves, of
which two are increasing, g the cube, the exponential, the inverse of a sigmoid, or a sigmoid, and
the noise as the kind says: PNL-normal, -laplace, -uniform, -exponential, -gumbel.

Both columns are shuffled into either order. Real: the pairs of Tübingen in which both variables are
single columns and the weight is not 0, weighted as published, of each at most `--rows` rows drawn
with a fixed seed; skipped where ../shared/data/tuebingen is not beside the project.

- leaning: share of pairs that lean the right way, whether decided or not, with its standard error;
- decided: share of pairs that are decided, and how many of these are right;
- seconds: median for one pair.

causal-learn's ANM decomposes a matrix of rows by rows again and again, so it sees the first
`--peer-pairs` of each set only, 300 rows at most, and so does a row of ours for comparison.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from time import process_time

import numpy as np

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.tables import head, row
from causalkit._core.parallel import one_thread
from causalkit.discovery.functional.asymmetries import IGCI, RECI, PairwiseLiNGAM
from causalkit.discovery.functional.noise_models import ANM, LOCI
from causalkit.discovery.functional.pairwise import PairwiseEnsemble, direction
from causalkit.discovery.functional.post_nonlinear import PNL
from causalkit.errors import CausalkitError

KINDS = ("AN", "AN-s", "LS", "LS-s", "MN-U")
NOISES = ("normal", "laplace", "uniform", "exponential", "gumbel")
DISTORTED = tuple(f"PNL-{noise}" for noise in NOISES)
CURVES = (
    lambda x: x**2 + x / 2,
    lambda x: 2 * np.tanh(2 * x) + x / 3,
    lambda x: np.sin(2 * x) + x / 2,
    lambda x: x**3 / 3 + x / 2,
)
TUEBINGEN = Path(__file__).resolve().parents[2] / "shared" / "data" / "tuebingen"
SEED = 20260101
PEER_ROWS = 300

METHODS = {
    "ANM": ANM(),
    "LOCI": LOCI(),
    "LOCI likelihood": LOCI(by="likelihood"),
    "LOCI convex": LOCI(curves="convex"),
    "LOCI convex likelihood": LOCI(by="likelihood", curves="convex"),
    "PNL": PNL(),
    "IGCI uniform slope": IGCI(),
    "IGCI uniform entropy": IGCI(estimator="entropy"),
    "IGCI Gaussian slope": IGCI(reference="gaussian"),
    "IGCI Gaussian entropy": IGCI(reference="gaussian", estimator="entropy"),
    "RECI": RECI(),
    "PairwiseLiNGAM": PairwiseLiNGAM(),
    "PairwiseLiNGAM skewness": PairwiseLiNGAM(measure="skewness"),
    "PairwiseLiNGAM tanh": PairwiseLiNGAM(measure="tanh"),
    "PairwiseEnsemble": PairwiseEnsemble(),
}


# --- pairs ----------------------------------------------------------------------------------------


def process(x, rng):
    K = np.exp(-((x[:, None] - x) ** 2) / 2)
    K[np.diag_indices(len(x))] += 1e-6
    return np.linalg.cholesky(K) @ rng.normal(size=len(x))


def sigmoid(x, rng):
    a = 1 + rng.exponential(1 / 4)
    b, c = rng.choice([-1, 1]) * rng.uniform(0.5, 2), rng.uniform(-2, 2)
    z = b * (x + c)
    return a * z / (1 + np.abs(z))


def logit(s):
    share = (s - s.min() + 0.05) / (np.ptp(s) + 0.1)
    return np.log(share / (1 - share))


DISTORTIONS = (lambda s: s**3, np.exp, logit, np.tanh)


def distorted(noise, n, rng):
    """Cause and effect of a post-nonlinear model."""
    x = rng.normal(size=n) if rng.random() < 0.5 else rng.uniform(-2, 2, size=n)
    e = getattr(rng, noise)(size=n)
    curve, distortion = CURVES[rng.integers(4)], DISTORTIONS[rng.integers(4)]
    s = curve(x) + rng.uniform(0.4, 0.9) * (e - e.mean()) / e.std()
    return x, distortion(s / s.std())


def coded(kind, n, rng):
    """Cause and effect, as the published code has it."""
    x, e = np.sqrt(rng.uniform(1, 2, size=(2, n))) * rng.normal(size=(2, n))
    f = (process if kind in ("AN", "LS") else sigmoid)(x, rng)
    if kind == "MN-U":
        return x, f * rng.uniform(size=n)
    return x, f + (1 if kind.startswith("AN") else f - f.min()) * 0.2 * e


def simulated(kind, n, rng):
    """Cause and effect."""
    if kind in DISTORTED:
        return distorted(kind.removeprefix("PNL-"), n, rng)
    x = rng.uniform(1, np.sqrt(2)) * rng.normal(size=n)
    e = rng.uniform(0.2, np.sqrt(0.4)) * rng.normal(size=n)
    draw = process if kind in ("AN", "LS") else sigmoid
    f = draw(x, rng)
    if kind == "MN-U":
        return x, f * rng.uniform(size=n)
    return x, f + (e if kind.startswith("AN") else draw(x, rng) * e)


def real_pairs(n_rows):
    """Name, cause, effect and weight of the pairs of single columns."""
    for line in (TUEBINGEN / "ground.truth" / "pairmeta.txt").read_text().splitlines():
        number, first, last, other_first, other_last, weight = line.split()
        if first != last or other_first != other_last or not float(weight):
            continue
        lines = (TUEBINGEN / "data" / f"pair.{int(number)}.txt").read_text().splitlines()[1:]
        columns = [[row.split()[int(k) - 1] for row in lines if row.strip()] for k in "12"]
        values = np.array(columns, dtype=float).T
        rng = np.random.default_rng([SEED, int(number)])
        if len(values) > n_rows:
            values = values[np.sort(rng.choice(len(values), n_rows, replace=False))]
        yield number, values[:, int(first) - 1], values[:, int(other_first) - 1], float(weight)


# --- asking ---------------------------------------------------------------------------------------


def ours(method):
    def ask(x, y):
        found = direction({"x": x, "y": y}, "x", "y", algorithm=method)
        return found.cause == "x", found.decided

    return ask


def causallearn_anm(x, y, alpha=0.05):
    from causallearn.search.FCMBased.ANM.ANM import ANM  # theirs

    x, y = ((v - v.mean()) / v.std() for v in (x, y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forwards, backwards = map(float, ANM().cause_or_effect(x[:, None], y[:, None]))
    return forwards > backwards, (forwards >= alpha) != (backwards >= alpha)


def causallearn_pnl(x, y, alpha=0.05):
    from causallearn.search.FCMBased.PNL.PNL import PNL as TheirPNL  # noqa: N811 - needs torch

    x, y = ((v - v.mean()) / v.std() for v in (x, y))
    forwards, backwards = map(float, TheirPNL().cause_or_effect(x[:, None], y[:, None]))
    return forwards > backwards, (forwards >= alpha) != (backwards >= alpha)


def table(title, pairs, asked):
    """Ask each method about each pair, given as (cause, effect, weight)."""
    head("method", "leaning", "decided", "of these right", "seconds", "refused", title=title)
    rng = np.random.default_rng(SEED)
    turned = rng.random(len(pairs)) < 0.5
    for name, ask in asked.items():
        right, decided, seconds, refused = [], [], [], 0
        for (cause, effect, _), swap in zip(pairs, turned, strict=True):
            start = process_time()
            try:
                first, sure = ask(effect, cause) if swap else ask(cause, effect)
            except CausalkitError:
                first, sure, refused = None, False, refused + 1
            seconds.append(process_time() - start)
            right.append(0.5 if first is None else float(first != swap))
            decided.append(sure)
        weights = np.array([weight for _, _, weight in pairs])
        weights /= weights.sum()
        right, decided = np.array(right), np.array(decided)
        share = min(weights @ right, 1.0)
        error = np.sqrt(share * (1 - share) * (weights @ weights))
        sure = weights @ decided
        row(
            name,
            f"{share:.1%} ± {error:.1%}",
            f"{sure:.1%}",
            f"{weights @ (right * decided) / sure:.1%}" if sure else None,
            f"{np.median(seconds):.3f}",
            refused,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=100, help="of each kind")
    parser.add_argument("--rows", type=int, default=1000, help="of each pair, at most")
    parser.add_argument("--peer-pairs", type=int, default=100, help="that causal-learn is asked")
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--kinds", nargs="*", choices=KINDS + DISTORTED, default=KINDS + DISTORTED)
    parser.add_argument("--seed", type=int, default=SEED, help="of the simulated pairs")
    parser.add_argument("--generator", choices=("text", "code"), default="text")
    parser.add_argument("--skip-real", action="store_true")
    options = parser.parse_args()
    with one_thread():
        report(options)


def report(options):
    asked = {name: ours(METHODS[name]) for name in options.methods}
    peers = {"ANM": ours(ANM()), "causal-learn ANM": causallearn_anm}
    if find_spec("torch"):
        peers |= {"PNL": ours(PNL()), "causal-learn PNL": causallearn_pnl}
    for kind in options.kinds:
        pairs = []
        for k in range(options.pairs):
            rng = np.random.default_rng([options.seed, (KINDS + DISTORTED).index(kind), k])
            draw = coded if options.generator == "code" and kind in KINDS else simulated
            pairs.append((*draw(kind, options.rows, rng), 1.0))
        table(f"{kind}: {len(pairs)} pairs of {options.rows} rows", pairs, asked)
        few = [(x[:PEER_ROWS], y[:PEER_ROWS], w) for x, y, w in pairs[: options.peer_pairs]]
        if few:
            table(f"{kind}: the first {len(few)}, {PEER_ROWS} rows", few, peers)
    if options.skip_real:
        return
    if not TUEBINGEN.is_dir():
        print("\nTübingen: skipped, ../shared/data/tuebingen is not there")
        return
    pairs = [(x, y, weight) for _, x, y, weight in real_pairs(options.rows)]
    table(f"Tübingen: {len(pairs)} pairs, at most {options.rows} rows, weighted", pairs, asked)
    few = [(x, y, w) for _, x, y, w in real_pairs(PEER_ROWS)] if options.peer_pairs else []
    if few:
        table(f"Tübingen: {len(few)} pairs, at most {PEER_ROWS} rows, weighted", few, peers)


if __name__ == "__main__":
    main()
