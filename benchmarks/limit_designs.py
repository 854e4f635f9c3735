"""Algorithms that `bench_limits.py` measures, and data that suit each of them.

`MODELS` has a sentence and a function `(p, n, degree, seed)` by name, which returns data and a
function that gives the true graph. `METHODS` has, by name: the model, the class of graphs that the
data can tell, and a function that makes the algorithm.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pandas as pd

from causalkit import discovery as d
from causalkit import independence as ci
from causalkit import scores
from causalkit.graph import Kind, LaggedGraph, dag_to_cpdag, lagged_pag
from causalkit.graph.mag import mag_to_pag
from causalkit.models import StructuralVAR, bent, random_changing_model, random_model

__all__ = ["METHODS", "MODELS", "in_class"]

# --- data that suit a method: (p, n, degree, seed) to data and a function that gives the truth ----


def linear(**settings):
    def drawn(p, n, degree, seed):
        model = random_model(n_nodes=p, degree=degree, rng=seed, **settings)
        return model.sample(n, rng=seed + 1).data, lambda: model.graph

    return drawn


def hidden(**settings):
    def drawn(p, n, degree, seed):
        n_latents = max(1, p // 10)
        model = random_model(n_nodes=p, degree=degree, n_latents=n_latents, rng=seed, **settings)
        return _levels(model, model.sample(n, rng=seed + 1).data), lambda: model.mag

    return drawn


def levels(mechanism):
    def drawn(p, n, degree, seed):
        model = random_model(n_nodes=p, degree=degree, mechanism=mechanism, rng=seed)
        return _levels(model, model.sample(n, rng=seed + 1).data), lambda: model.graph

    return drawn


def _levels(model, data):
    """Discrete columns as categories."""
    named = [name for name in data.columns if model.n_levels[name]]
    return data.assign(**{name: pd.Categorical(data[name].astype(str)) for name in named})


def monotone(p, n, degree, seed):
    data, truth = linear()(p, n, degree, seed)
    return np.sign(data) * data.abs() ** 3, truth


def holes(p, n, degree, seed):
    data, truth = linear()(p, n, degree, seed)
    return data.mask(np.random.default_rng(seed).random(data.shape) < 0.05), truth


def curves(p, n, degree, seed):
    model = random_changing_model(p, n_domains=1, changing=0.0, degree=degree, rng=seed)
    data = pd.DataFrame(model.sample(n, rng=seed + 1))
    return data.drop(columns="domain"), lambda: model.graph


def changing(nonlinear):
    def drawn(p, n, degree, seed):
        model = random_changing_model(
            p, n_domains=10, changing=0.3, degree=degree, nonlinear=nonlinear, rng=seed
        )
        return pd.DataFrame(model.sample(n, rng=seed + 1)), lambda: _of_changes(model)

    return drawn


def _of_changes(model):
    """What CD-NOD finds with an oracle: edges between variables that change are directed, too."""
    both = [(a, b) for a, b in _arrows(model.graph) if {a, b} <= model.changing]
    tiers = [[model.surrogate], list(model.graph.nodes)]
    knowledge = d.Knowledge(tiers=tiers, required=both)
    rows = dict.fromkeys(model.surrogate_graph.nodes, np.arange(2.0))
    found = d.PC(ci.Oracle(model.surrogate_graph), knowledge=knowledge).fit(rows).graph_
    return found.subgraph(model.graph.nodes)


def _arrows(dag):
    return [(dag.nodes[i], dag.nodes[j]) for i, j in np.argwhere(dag.directed)]


def series(*, step=0.0, n_hidden=0.0, noise="gaussian", function=None):
    """Lags 1 and 2; `step` is the share of links within a step, spectral radius at most 0.9."""

    @cache
    def model_of(p, degree, seed):
        rng = np.random.default_rng(seed)
        size = p + math.ceil(n_hidden * p)
        weights = np.zeros((3, size, size))
        place, pairs = rng.permutation(size), set()
        while len(pairs) < min(round(degree * size / 2), size * (size - 1) // 2):
            i, j = sorted(rng.choice(size, 2, replace=False))
            pairs.add((i, j))
        for i, j in sorted(pairs):
            within = rng.random() < step
            if (place[i] > place[j]) if within else rng.random() < 0.5:
                i, j = j, i
            weight = rng.uniform(0.25, 0.5) * rng.choice([-1, 1])
            weights[0 if within else rng.integers(1, 3), i, j] = weight
        seen = sorted(rng.permutation(size)[:p])
        own = np.where(np.isin(np.arange(size), seen), rng.uniform(0.3, 0.6, size), 0.0)
        weights[1][np.diag_indices(size)] = own
        names = tuple(f"x{k}" for k in range(size))
        model = _stationary(StructuralVAR(names, weights, noise, function=function))
        return model, [names[k] for k in seen]

    def drawn(p, n, degree, seed):
        model, kept = model_of(p, degree, seed)
        values = model.sample(n, rng=seed + 1)
        data = pd.DataFrame({name: values[name] for name in kept})
        if n_hidden:
            return data, lambda: lagged_pag(model.graph, kept, 2)
        return data, lambda: model.graph

    return drawn


def _stationary(model):
    """The same with weaker links between series from the past, if it would run away."""
    weights = model.weights.copy()
    while True:
        found = StructuralVAR(model.variables, weights, model.noise, function=model.function)
        slope = 2.0 if model.function else 1.0  # a bent cause acts up to twice as strongly
        scaled = weights * np.where(np.eye(weights.shape[1], dtype=bool), 1.0, slope)
        if StructuralVAR(model.variables, scaled).spectral_radius < 0.9:
            return found
        own = weights[1].diagonal().copy()
        weights = weights * 0.8
        weights[1][np.diag_indices(len(own))] = own


MODELS = {
    "gaussian": ("linear, Gaussian noise", linear()),
    "laplace": ("linear, Laplace noise", linear(noise="laplace")),
    "equal": (
        "linear, Gaussian noise of equal variance, not standardised",
        linear(standardize=False, weights=(0.5, 1.0)),
    ),
    "monotone": ("linear, Gaussian noise, each column cubed", monotone),
    "holes": ("linear, Gaussian noise, 5 % of the cells empty at random", holes),
    "curves": ("sums of curves, Gaussian noise", curves),
    "discrete": ("tables of probabilities, 2 to 4 levels", levels("discrete")),
    "mixed": ("numbers and categories side by side", levels("mixed")),
    "hidden": ("linear, Gaussian noise, p/10 hidden common causes", hidden()),
    "hidden discrete": (
        "tables of probabilities, p/10 hidden common causes",
        hidden(mechanism="discrete"),
    ),
    "hidden mixed": (
        "numbers and categories, p/10 hidden common causes",
        hidden(mechanism="mixed"),
    ),
    "hidden curves": (
        "smooth random functions, p/10 hidden common causes",
        hidden(mechanism="gaussian-process"),
    ),
    "changing": ("sums of curves, 10 domains, 3 of 10 mechanisms change", changing(True)),
    "changing linear": ("linear, 10 domains, 3 of 10 mechanisms change", changing(False)),
    "lags": ("linear, lags 1 and 2, Gaussian noise", series()),
    "steps": ("linear, a quarter of the links within the step, Gaussian", series(step=0.25)),
    "steps laplace": (
        "linear, a quarter of the links within the step, Laplace",
        series(step=0.25, noise="laplace"),
    ),
    "lags curved": ("curves, lags 1 and 2, Gaussian noise", series(function=bent)),
    "lags hidden": (
        "linear, a quarter of the links within the step, a fifth more series hidden",
        series(step=0.25, n_hidden=0.2),
    ),
}

PAST = {"max_lag": 2}
METHODS = {
    "FLOP": ("gaussian", "cpdag", lambda: d.FLOP()),
    "PC": ("gaussian", "cpdag", lambda: d.PC(alpha=0.01)),
    "FCI": ("hidden", "pag", lambda: d.FCI(alpha=0.01)),
    "PC(GSquare)": ("discrete", "cpdag", lambda: d.PC(ci.GSquare(), alpha=0.01)),
    "PC(DegenerateGaussian)": (
        "mixed", "cpdag", lambda: d.PC(ci.DegenerateGaussian(), alpha=0.01),
    ),
    "PCMCIPlus": ("steps", "lagged-cpdag", lambda: d.PCMCIPlus(**PAST)),
    "PCMCI": ("lags", "lagged-dag", lambda: d.PCMCI(min_lag=1, alpha=0.01, **PAST)),
    "LPCMCI": ("lags hidden", "lagged-pag", lambda: d.LPCMCI(**PAST)),
    "PC(TestwiseDeletion)": (
        "holes", "cpdag", lambda: d.PC(ci.TestwiseDeletion(ci.FisherZ()), alpha=0.01),
    ),
    "DirectLiNGAM": ("laplace", "dag", lambda: d.DirectLiNGAM()),
    "PC(RankZ)": ("monotone", "cpdag", lambda: d.PC(ci.RankZ(), alpha=0.01)),
    "PC(RCoT)": ("curves", "cpdag", lambda: d.PC(ci.RCoT(), alpha=0.01)),
    "PC(KCI)": ("curves", "cpdag", lambda: d.PC(ci.KCI(), alpha=0.01)),
    "CAM": ("curves", "dag", lambda: d.CAM()),
    "VARLiNGAM": ("steps laplace", "lagged-dag", lambda: d.VARLiNGAM(**PAST)),
    "PCMCI(bh)": (
        "lags", "lagged-dag", lambda: d.PCMCI(min_lag=1, alpha=0.01, correction="bh", **PAST),
    ),
    "Granger(bh)": (
        "lags", "lagged-dag", lambda: d.Granger(alpha=0.01, correction="bh", **PAST),
    ),
    "Granger": ("lags", "lagged-dag", lambda: d.Granger(alpha=0.01, **PAST)),
    "CDNOD(DegenerateGaussian)": (
        "changing linear", "cpdag",
        lambda: d.CDNOD(ci.DegenerateGaussian(), domain="domain", random_state=0),
    ),
    "CDNOD": ("changing", "cpdag", lambda: d.CDNOD(domain="domain", random_state=0)),
    "RFCI": ("hidden", "pag", lambda: d.RFCI(alpha=0.01)),
    "GFCI": ("hidden", "pag", lambda: d.GFCI(alpha=0.01)),
    "GES": ("gaussian", "cpdag", lambda: d.GES()),
    "BOSS": ("gaussian", "cpdag", lambda: d.BOSS()),
    "GRaSP": ("gaussian", "cpdag", lambda: d.GRaSP()),
    "HillClimb": ("gaussian", "cpdag", lambda: d.HillClimb()),
    "ExactSearch": ("gaussian", "cpdag", lambda: d.ExactSearch()),
    "ExactPosterior": ("gaussian", "cpdag", lambda: d.ExactPosterior(random_state=0)),
    "OrderMCMC": ("gaussian", "cpdag", lambda: d.OrderMCMC(random_state=0)),
    "HillClimb(DiscreteBIC)": (
        "discrete", "cpdag", lambda: d.HillClimb(scores.DiscreteBIC()),
    ),
    "HillClimb(DegenerateGaussianBIC)": (
        "mixed", "cpdag", lambda: d.HillClimb(scores.DegenerateGaussianBIC()),
    ),
    "FCI(GSquare)": ("hidden discrete", "pag", lambda: d.FCI(ci.GSquare(), alpha=0.01)),
    "FCI(DegenerateGaussian)": (
        "hidden mixed", "pag", lambda: d.FCI(ci.DegenerateGaussian(), alpha=0.01),
    ),
    "FCI(RCoT)": ("hidden curves", "pag", lambda: d.FCI(ci.RCoT(), alpha=0.01)),
    "GroupLassoGranger": ("lags", "lagged-dag", lambda: d.GroupLassoGranger(**PAST)),
    "RegressionGranger": (
        "lags curved", "lagged-dag", lambda: d.RegressionGranger(random_state=0, **PAST),
    ),
    "PCMCI(GCM)": (
        "lags curved", "lagged-dag", lambda: d.PCMCI(ci.GCM(), min_lag=1, alpha=0.01, **PAST),
    ),
    "TransferEntropy": ("lags curved", "lagged-dag", lambda: d.TransferEntropy(**PAST)),
    "DYNOTEARS": ("steps", "lagged-dag", lambda: d.DYNOTEARS(**PAST)),
    "TSICD": ("lags hidden", "lagged-pag", lambda: d.TSICD(**PAST)),
    "ICALiNGAM": ("laplace", "dag", lambda: d.ICALiNGAM(random_state=0)),
    "SCORE": ("curves", "dag", lambda: d.SCORE()),
    "RESIT": ("curves", "dag", lambda: d.RESIT()),
    "NOTEARS": ("equal", "dag", lambda: d.NOTEARS(standardize=False)),
    "DAGMA": ("equal", "dag", lambda: d.DAGMA(standardize=False)),
    "GOLEM": (
        "equal", "dag", lambda: d.GOLEM(standardize=False, equal_variances=True),
    ),
}  # fmt: skip


def in_class(graph, truth):
    """A graph in the class that the data can tell."""
    if truth == "pag":
        return graph if graph.kind is Kind.PAG else mag_to_pag(graph)
    if truth.endswith("cpdag") and graph.kind is Kind.DAG:
        return graph.to_cpdag() if isinstance(graph, LaggedGraph) else dag_to_cpdag(graph)
    return graph
