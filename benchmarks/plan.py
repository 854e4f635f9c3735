"""Which benchmarks there are, in the order of the page, and how long each is asked to take.

`python -m benchmarks` gives each benchmark the arguments of :data:`QUICK`, so that all of them
together take less than 45 minutes of one processor; `python -m benchmarks --full` gives none, so
that each runs with its own defaults, as the tables of `docs/explanation` do. A new benchmark needs
a place in :data:`GROUPS` (a test asks for it), and arguments in :data:`QUICK` unless its defaults
take less than a minute.
"""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "Discovery in tables": (
        "discovery_constraint",
        "orientation",
        "discovery_score",
        "ges",
        "penalty",
        "discrete",
        "categorical",
        "fci",
        "lingam",
        "continuous",
        "pairwise",
        "interventional",
        "cdnod",
        "changes",
        "missing",
        "local",
        "out_of_core",
        "posterior",
        "bootstrap",
        "perturbed_tests",
    ),
    "Tests of independence": ("ci_calibration", "kernel_tests"),
    "Series": (
        "pcmci",
        "latent_series",
        "nonlinear_pcmci",
        "granger",
        "svar",
        "series_accuracy",
        "lagged_effects",
    ),
    "Identification and graphs": (
        "identify",
        "identification",
        "adjustment",
        "frontdoor",
        "graph",
        "metrics",
    ),
    "Estimation": ("estimation", "nuisances", "boosting", "coverage"),
    "Refutation": ("refutation", "calibration"),
    "Twins": ("table_twins", "fidelity"),
    "Effects in learnt graphs": ("learnt_effects", "learnt_series"),
    "Limits": ("limits",),
}

QUICK: dict[str, str] = {
    "adjustment": "100 300",
    "bootstrap": "--sizes 20 50 --tables 3 --rates 10 --resamples 100",
    "calibration": "12 1",
    "categorical": "--rows 1000 --seeds 3 --networks asia",
    "cdnod": "--graphs 5 --patience 3",
    "changes": "--pairs 24 --drifts 12",
    "ci_calibration": "16",
    "continuous": "--sizes 20 --seeds 3",
    "coverage": "--reps 100 --n-jobs 1 OLS IPW g-computation AIPW",
    "discovery_constraint": "--sizes 20 50 100 --seeds 3 --limit 8",
    "discovery_score": "--sizes 20 50 --seeds 3 --limit 5",
    "discrete": "--seeds 3 --sizes 20 50",
    "fci": "--repeats 3 --seeds 3 --graphs 20 --sizes 20 50",
    "fidelity": "--parts known power --seeds 3",
    "frontdoor": "300",
    "ges": "--sizes 20 50 --degrees 4 --seeds 5",
    "granger": "--steps 500 --series 5 20 --lags 2 5",
    "identify": "2",
    "identification": "verdicts",
    "interventional": "--sections known sachs --sizes 10 20 --rows 200 --seeds 3",
    "kernel_tests": "speed",
    "lagged_effects": "--reps 40 --n-jobs 1",
    "latent_series": "--repeats 3 --graphs 5",
    "learnt_effects": "--cells weak --repeats 15 --jobs 1",
    "learnt_series": "--repeats 5 --jobs 1",
    "lingam": "--sizes 20 50 --seeds 2 --limit 8",
    "local": "--sizes 100 1000 --targets 10",
    "metrics": "10 100 300",
    "missing": "--seeds 3 --repeats 30 --rows 1000",
    "nonlinear_pcmci": "tests --questions 4 --patience 1",
    "nuisances": "--largest 100000 --repeats 1",
    "orientation": "--sizes 50 100 --degrees 4 --seeds 10",
    "out_of_core": "--rows 500000 --repeats 2",
    "pairwise": "--pairs 10 --rows 300 --peer-pairs 4 --kinds AN LS --skip-real",
    "pcmci": "--repeats 3 --graphs 5",
    "penalty": "--sizes 20 50 --seeds 4",
    "perturbed_tests": "--by-rows 4",
    "posterior": "--seeds 1 --walks 20 --largest 12",
    "series_accuracy": "--repeats 2 --methods RandomLinks LaggedCorrelation Granger "
    "GroupLassoGranger RegressionGranger PCMCI PCMCIPlus VARLiNGAM DYNOTEARS",
    "svar": "--sizes 10 --seeds 3",
    "table_twins": "--budgets fast --models 20",
}
