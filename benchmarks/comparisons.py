"""What the summary on top of the page compares: where each figure stands, and never a figure.

Like is compared with like: the same algorithm, or the same question, on the same data. A peer that
was asked about less, because it is slow, is compared in time and not in accuracy.
"""

from __future__ import annotations

from functools import partial

from benchmarks.summary import Compared

_tables = partial(Compared, benchmark="discovery_constraint", value="seconds", unit="s")
_pcmci = partial(Compared, benchmark="pcmci", value="ms", ours="ours")
_scores = partial(Compared, benchmark="discovery_score", by="search")
_identify = partial(Compared, benchmark="identify", value="median ms", by="call")
_loss = partial(Compared, benchmark="boosting", value="loss y", unit="loss", accuracy=True)
_gies = partial(
    Compared,
    benchmark="interventional",
    by="method",
    ours="GIES, penalty 1",
    peers=("gies",),
    where={"p": "20", "kind": "hard"},
)
_shd = partial(Compared, unit="SHD", value="SHD", accuracy=True)
_f1 = partial(Compared, accuracy=True, less=False)

# Tools that answer any query of an effect, and not only some strategies.
COMPLETE = ("y0", "StatsPAI", "causaleffect", "pyAgrum", "antecedent")

# Ours, and the same search of others; in the last line the searches that FLOP competes with.
SEARCHES = {
    "GES": ("andrey GES", "tetrad-port FGES"),
    "BOSS, 1 start": ("andrey BOSS", "tetrad-port BOSS"),
    "FLOP, 20 restarts": ("flopsearch, 20 restarts",),
    "FLOP": ("andrey XGES", "andrey BOSS", "tetrad-port BOSS"),
}

SPEED: tuple[Compared, ...] = (
    *(
        _tables(f"PC, 100 variables, degree {degree}", where={"p": "100", "degree": degree})
        for degree in ("2", "4")
    ),
    Compared(
        "PC on categories, network alarm", "discrete", "ms", ours="causalkit G²", title="alarm"
    ),
    Compared(
        "FCI, 50 variables, a tenth hidden",
        "fci",
        "ms",
        by="search",
        ours="causalkit FCI",
        peers=("andrey FCI", "causal-learn FCI"),
        where={"p": "50"},
    ),
    *(
        _scores(
            f"{name}, 50 variables, degree 4",
            value="seconds",
            unit="s",
            ours=name,
            peers=peers,
            title="50 nodes, degree 4",
        )
        for name, peers in SEARCHES.items()
    ),
    Compared(
        "DirectLiNGAM, 50 variables",
        "lingam",
        "seconds",
        "s",
        where={"p": "50", "algorithm": "DirectLiNGAM"},
    ),
    Compared(
        "CD-NOD with RCoT, 6 variables, 15 domains",
        "cdnod",
        "seconds",
        "s",
        by="search",
        ours="causalkit RCoT",
        peers=("andrey RCoT, changes at .15",),
    ),
    _gies("GIES with known targets, 20 variables", value="s", unit="s"),
    Compared(
        "Markov boundary, 1,000 columns",
        "local",
        "median [s]",
        "s",
        by="method",
        ours="iamb",
        peers=("causal-learn",),
        where={"columns": "1000"},
    ),
    _pcmci("PCMCI, 20 series", where={"method": "PCMCI", "series": "20"}),
    _pcmci("PCMCI+, 20 series", where={"method": "PCMCI+", "series": "20"}),
    Compared(
        "LPCMCI, 10 series",
        "latent_series",
        by="",
        ours="LPCMCI, ms",
        peers=("andrey, ms", "tigramite, ms"),
        where={"series": "10"},
    ),
    Compared(
        "VARLiNGAM, 10 series, 500 steps",
        "svar",
        "s",
        "s",
        by="algorithm",
        ours="VARLiNGAM",
        peers=("lingam (package)",),
        where={"noise": "laplace", "series": "10"},
    ),
    Compared(
        "Granger tests of all pairs in a VAR, 20 series",
        "granger",
        unit="s",
        by="",
        ours="causalkit, s",
        peers=("statsmodels, s",),
        where={"tests": "VAR", "series": "20", "lags": "2"},
    ),
    Compared(
        "`CMIknn`, 200 steps, one other given",
        "nonlinear_pcmci",
        by="",
        ours="CMIknn",
        peers=("tigramite CMIknn",),
        where={"steps": "200", "given": "1"},
    ),
    *(
        Compared(
            f"{name}, 500 rows, 3 others given",
            "kernel_tests",
            "n=500, 3 given",
            by="test",
            ours=name,
            peers=(f"causal-learn {name}", f"andrey {name}"),
            title="Milliseconds",
        )
        for name in ("KCI", "RCIT", "RCoT")
    ),
    Compared(
        "Exact search, 10 variables",
        "posterior",
        unit="s",
        by="",
        ours="all sets",
        peers=("causal-learn astar", "dp"),
        called="causal-learn",
        where={"nodes": "10"},
    ),
    Compared(
        "100 replicates of PC, 50 variables",
        "bootstrap",
        unit="s",
        by="",
        ours="rows, 1 thread",
        peers=("causal-learn, 1 search × n",),
        where={"p": "50"},
    ),
    _identify(
        "`identify`: formula and optimal set, 50 variables",
        ours="causalkit identify",
        peers=("dowhy automatic", "dowhy efficient"),
        where={"nodes": "50"},
    ),
    _identify(
        "A minimal adjustment set, 200 variables",
        ours="causalkit minimal set",
        peers=("pgmpy minimal",),
        where={"nodes": "200"},
    ),
    Compared(
        "A minimal adjustment set, graph built before, 300 variables",
        "adjustment",
        "median ms",
        by="tool",
        where={"nodes": "300", "kind": "DAG", "question": "minimal set"},
    ),
    Compared(
        "General identification, chains with hidden causes",
        "identification",
        "median ms",
        by="tool",
        peers=COMPLETE,
        title="random, chains",
    ),
    *(
        Compared(
            f"{task}, 100 variables",
            "graph",
            by="",
            ours="causalkit, ms",
            peers=("peer, ms",),
            called=peer,
            where={"task": named},
            title="100 nodes",
        )
        for task, named, peer in (
            ("20 questions of separation", "20 separations, degree 4", "networkx"),
            ("A minimal separator", "1 minimal separator", "networkx"),
            ("DAG to CPDAG", "dag_to_cpdag, degree 4", "causal-learn"),
        )
    ),
    *(
        Compared(
            f"{name} of two DAGs, 300 variables, degree 8",
            "metrics",
            by="",
            ours="ours, ms",
            peers=("gadjid, ms",),
            where={"nodes": "300", "degree": "8", "kind": "DAG", "distance": name},
        )
        for name in ("parent_aid", "ancestor_aid", "oset_aid")
    ),
    *(
        Compared(
            f"{model} with {learner}, 10,000 rows",
            "estimation",
            "seconds",
            "s",
            where={"model": model, "learner": learner, "n": "10000"},
        )
        for model, learner in (("PLR", "LassoCV"), ("PLR", "boosting"), ("AIPW", "boosting"))
    ),
    Compared(
        "PLR with `GramLasso`, 100,000 rows",
        "nuisances",
        "seconds",
        "s",
        where={"n": "100000"},
        peers=("DoubleML", "econml", "dml-rs"),
        title="Lasso nuisances",
    ),
    Compared(
        "PLR with `BoostedRegressor`, 10,000 rows",
        "boosting",
        "seconds",
        "s",
        by="nuisances",
        ours="causalkit BoostedRegressor()",
        peers=("DoubleML HistGradientBoostingRegressor()",),
        where={"n": "10000"},
    ),
    *(
        Compared(
            f"100 simulations of the check {check}",
            "refutation",
            "seconds",
            "s",
            where={"check": check},
        )
        for check in ("placebo treatment", "random common cause", "data subset")
    ),
)

ACCURACY: tuple[Compared, ...] = (
    _shd(
        "PC, 100 variables, degree 4",
        "discovery_constraint",
        peers=("andrey", "pybnesian", "tetrad_port", "whydra"),
        where={"p": "100", "degree": "4"},
    ),
    _shd("PC on categories, network alarm", "discrete", ours="causalkit G²", title="alarm"),
    *(
        _f1(
            f"{name}, 50 variables, arrows that are right",
            "fci",
            "AHP",
            "precision",
            by="search",
            ours=f"causalkit {name}",
            peers=(f"andrey {name}", f"tetrad-port {name}"),
            where={"p": "50"},
        )
        for name in ("FCI", "GFCI")
    ),
    *(
        _scores(
            f"{name}, 50 variables, degree 4",
            value="SHD",
            unit="SHD",
            ours=name,
            peers=peers,
            title="50 nodes, degree 4",
            accuracy=True,
        )
        for name, peers in SEARCHES.items()
    ),
    _gies("GIES with known targets, 20 variables", value="SHD", unit="SHD", accuracy=True),
    _f1(
        "CD-NOD with RCoT, directions",
        "cdnod",
        "arrows",
        "F1",
        by="search",
        ours="causalkit RCoT",
        peers=("andrey RCoT, changes at .15",),
    ),
    _f1(
        "PCMCI+, 10 series, directions within the step",
        "pcmci",
        "arrows",
        "F1",
        ours="ours",
        title="PCMCI+, 10 series, 500 steps, linear",
    ),
    _f1(
        "VARLiNGAM, 10 series, links over time",
        "svar",
        "cross F1",
        "F1",
        by="algorithm",
        ours="VARLiNGAM",
        peers=("lingam (package)",),
        where={"noise": "laplace", "series": "10"},
    ),
    _f1(
        "LPCMCI, linear, marks at the ends of edges",
        "latent_series",
        "marks",
        "share right",
        by="method",
        ours="LPCMCI",
        peers=("tigramite",),
        title="linear",
    ),
    _f1(
        "General identification, chains with hidden causes",
        "identification",
        "right formula",
        "right formulas",
        by="tool",
        peers=COMPLETE,
        title="random, chains",
    ),
    _loss(
        "PLR with `BoostedRegressor`, 10,000 rows, outcome out of fold",
        by="nuisances",
        ours="causalkit BoostedRegressor()",
        peers=("DoubleML HistGradientBoostingRegressor()",),
        where={"n": "10000"},
    ),
)

COMPARED = (*SPEED, *ACCURACY)
