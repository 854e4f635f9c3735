"""Random models of tables: what is drawn obeys the truth that comes with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from causalkit.benchmark.sortability import r2_sortability, varsortability
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.graph import Kind, is_separated, latent_projection
from causalkit.models.interventions import Hold
from causalkit.models.random_models.functions import felt_shares
from causalkit.models.random_models.specification import MECHANISMS, NOISES, ModelSpec
from causalkit.models.random_models.tabular import random_model

CONTINUOUS = ("linear", "gaussian-process", "mlp", "post-nonlinear", "location-scale")


@pytest.mark.parametrize("mechanism", ["linear", "post-nonlinear", "mixed"])
def test_the_same_seed_gives_the_same_bytes(mechanism):
    spec = ModelSpec(3, 1.0, mechanism=mechanism, n_latents=1, selection=0.6, n_domains=2)
    first, second = (random_model(spec, 3).sample(60, rng=4) for _ in range(2))
    assert first.data.to_numpy().tobytes() == second.data.to_numpy().tobytes()
    assert list(first.data.columns) == ["domain", "x0", "x1", "x2"]
    assert len(first.data) == 60
    assert not first.data.equals(random_model(spec, 3).sample(60, rng=5).data)


@pytest.mark.parametrize("mechanism", CONTINUOUS)
def test_variables_are_in_standard_units(mechanism):
    model = random_model(n_nodes=4, degree=3.0, mechanism=mechanism, noise="mixed", rng=1)
    data = model.sample(20_000, rng=2).data
    assert np.abs(data.mean()).max() < 0.05
    assert np.abs(data.std() - 1).max() < (0.03 if mechanism == "linear" else 0.12)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_only_descendants_move_and_children_do(mechanism):
    """Hold a variable: no bit of a non-descendant changes; each child of it is felt."""
    model = random_model(n_nodes=5, degree=3.0, mechanism=mechanism, n_latents=1, rng=5)
    scm = model.structural
    before = scm.sample(400, 0, with_latents=True)
    for name in model.observed:
        moved = np.roll(before[name].to_numpy(), 1)
        after = scm.sample(400, 0, do={name: Hold(moved)}, with_latents=True)
        for other in model.dag.nodes:
            same = before[other].to_numpy().tobytes() == after[other].to_numpy().tobytes()
            if other not in model.dag.descendants(name):
                assert same
            elif other in model.dag.children(name):
                assert np.mean(before[other] != after[other]) > 0.02


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_model_is_stored_and_read_back(mechanism, tmp_path):
    scm = random_model(n_nodes=3, mechanism=mechanism, rng=0).structural
    scm.save(tmp_path / "model.npz")
    again = type(scm).load(tmp_path / "model.npz")
    assert again.sample(20, 0).equals(scm.sample(20, 0))


@pytest.mark.parametrize("mechanism", ["gaussian-process", "mlp"])
def test_every_cause_takes_part_in_its_effect(mechanism):
    for seed in range(2):
        model = random_model(n_nodes=5, degree=4.0, mechanism=mechanism, rng=seed)
        data = model.sample(2000, rng=0).data
        for name in model.dag.nodes:
            parents = [v for v in model.dag.nodes if v in model.dag.parents(name)]
            shares = felt_shares(model.mechanisms[name].mean, data[parents].to_numpy())
            assert (shares * len(parents) > 0.1).all()


def test_effects_agree_with_rows_drawn_under_interventions():
    for mechanism in ("linear", "mlp", "discrete", "mixed"):
        model = random_model(n_nodes=4, degree=3.0, mechanism=mechanism, rng=2)
        cause, outcome = model.dag.nodes[model.dag.order[0]], model.dag.nodes[model.dag.order[-1]]
        truth = model.effect(cause, outcome, n=20_000, rng=0)
        scm = model.structural
        low, high = (scm.sample(8000, seed, do={cause: seed})[outcome] for seed in (0, 1))
        error = np.sqrt((low.var() + high.var()) / 8000)
        assert truth.agrees(high.mean() - low.mean(), std_error=error)
        assert truth.exact or mechanism != "linear"


def test_linear_effects_are_those_of_the_path_matrix():
    model = random_model(n_nodes=8, degree=4.0, n_latents=2, rng=3)
    p = len(model.dag.nodes)
    slopes = np.zeros((p, p))
    for j, name in enumerate(model.dag.nodes):
        slopes[model.dag.directed[:, j], j] = model.mechanisms[name].mean.slopes
    total = np.linalg.inv(np.eye(p) - slopes)
    for i, cause in enumerate(model.observed):
        for j, outcome in enumerate(model.observed):
            if i != j:
                found = model.effect(cause, outcome)
                assert found.exact
                assert found.value == pytest.approx(total[i, j], abs=1e-10)


def test_latent_variables_confound_and_are_not_drawn():
    model = random_model(n_nodes=6, degree=1.0, n_latents=2, rng=0)
    assert model.graph == latent_projection(model.dag, model.observed)
    assert model.graph.kind is Kind.ADMG
    assert model.latents == ("u0", "u1")
    data = model.sample(20_000, rng=0).data
    assert tuple(data.columns) == model.observed
    correlations = data.corr()
    for i, a in enumerate(model.observed):
        for b in model.observed[i + 1 :]:
            if is_separated(model.graph, a, b):
                assert abs(correlations.loc[a, b]) < 5 / np.sqrt(20_000)


def test_selection_shows_the_wanted_share_and_joins_what_decides():
    model = random_model(n_nodes=6, degree=0.0, selection=0.3, rng=0)
    a, b = model.selection.causes
    assert sorted(model.mag.skeleton(), key=sorted) == [frozenset((a, b))]
    whole = model.structural.sample(20_000, 0)
    seen = model.selection.probability(whole[[a, b]].to_numpy()).mean()
    assert abs(seen - 0.3) < 0.02
    data = model.sample(5000, rng=0).data
    assert len(data) == 5000
    correlations = np.abs(data.corr().to_numpy() - np.eye(6))
    i, j = sorted((model.graph.index(a), model.graph.index(b)))
    assert correlations[i, j] > 0.1
    correlations[i, j] = correlations[j, i] = 0
    assert correlations.max() < 5 / np.sqrt(5000)
    assert not model.graph.edges()  # of the whole population


def test_where_hardly_any_unit_is_seen_that_is_said():
    model = random_model(n_nodes=3, selection=0.5, rng=0)
    rule = replace(model.selection, slopes=np.zeros(2), intercept=-50.0)
    with pytest.raises(NumericalError, match="0 of 10 rows were seen"):
        replace(model, selection=rule).sample(10, rng=0)


def test_without_hidden_things_the_mag_is_the_dag():
    model = random_model(n_nodes=5, rng=0)
    assert model.mag.edges() == model.graph.edges()


def test_sortability_is_that_of_the_benchmark():
    for standardize in (True, False):
        draw = random_model(n_nodes=8, standardize=standardize, rng=2).sample(500, rng=0)
        assert draw.varsortability == pytest.approx(varsortability(draw.data, draw.graph))
        assert draw.r2_sortability == pytest.approx(r2_sortability(draw.data, draw.graph))


def test_standard_units_take_the_gift_of_sortability_away():
    def mean_sortability(standardize: bool) -> np.ndarray:
        rng = np.random.default_rng(0)
        found = []
        for _ in range(20):
            model = random_model(n_nodes=12, degree=4.0, standardize=standardize, rng=rng)
            draw = model.sample(400, rng=rng)
            found.append((draw.varsortability, draw.r2_sortability))
        return np.mean(found, axis=0)

    raw, standard = mean_sortability(False), mean_sortability(True)
    assert raw.min() > 0.75
    assert abs(standard[0] - 0.5) < 0.1
    assert standard[1] < raw[1] - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("mechanism", ["gaussian-process", "mlp", "location-scale"])
def test_r2_gives_no_gift_in_nonlinear_models(mechanism):
    found = []
    for seed in range(40):
        draw = random_model(n_nodes=10, mechanism=mechanism, rng=seed).sample(1000, rng=seed)
        found.append(draw.r2_sortability)
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - 0.5) < 3 * error


def test_sortability_is_unknown_where_it_cannot_be_known():
    draw = random_model(n_nodes=5, degree=0.0, rng=0).sample(5, rng=0)
    assert np.isnan(draw.varsortability)
    assert np.isnan(draw.r2_sortability)
    draw = random_model(n_nodes=4, rng=0).sample(50, rng=0)
    assert np.isnan(replace(draw, data=draw.data.assign(x0=1.0)).r2_sortability)


@pytest.mark.parametrize("kind", ["discrete", "mixed"])
def test_discrete_variables_are_integers_that_take_all_their_levels(kind):
    model = random_model(n_nodes=8, mechanism=kind, n_levels=(3, 4), rng=1)
    data = model.sample(4000, rng=0).data
    for name, count in model.n_levels.items():
        if count:
            assert data[name].dtype == np.int64
            assert sorted(set(data[name])) == list(range(count))
        else:
            assert data[name].dtype == np.float64
    assert any(model.n_levels.values())


@pytest.mark.parametrize("mechanism", ["linear", "mlp", "discrete"])
def test_domains_differ_in_the_mechanisms_that_are_named(mechanism):
    model = random_model(n_nodes=6, mechanism=mechanism, n_domains=3, changing=0.3, rng=0)
    assert {k: len(names) for k, names in model.changed.items()} == {0: 0, 1: 2, 2: 2}
    draw = model.sample(31, rng=0)
    assert draw.environment == "domain"
    assert draw.data["domain"].value_counts().to_dict() == {0: 11, 1: 10, 2: 10}
    assert dict(draw.targets) == dict(model.changed)
    base, noise = model.in_domain(0), np.random.default_rng(0)
    for k in (1, 2):
        other = model.in_domain(k)
        for name in model.observed:
            parents = [v for v in model.dag.nodes if v in model.dag.parents(name)]
            causes = model.structural.sample(4000, 1)[parents].to_numpy()
            drawn = base.mechanisms[name].draw(4000, noise)
            first = base.mechanisms[name].value(causes, drawn)
            second = other.mechanisms[name].value(causes, drawn)
            if name in model.changed[k]:
                assert np.mean(first != second) > 0.01
                if mechanism != "discrete":
                    assert 0.4 < abs(second.mean() - first.mean()) < 1.6
            else:
                assert other.mechanisms[name] is base.mechanisms[name]


def test_hard_interventions_cut_a_variable_off_from_its_causes():
    model = random_model(n_nodes=4, degree=3.0, rng=0)
    last = model.dag.nodes[model.dag.order[-1]]
    draw = model.sample_interventions(20_000, [[last]], rng=0)
    assert dict(draw.targets) == {0: (), 1: (last,)}
    acted = draw.data[draw.data["environment"] == 1].drop(columns="environment")
    correlations = acted.corr()[last].drop(last)
    assert np.abs(correlations).max() < 5 / 100
    assert abs(abs(acted[last].mean()) - 2.0) < 0.05
    seen = draw.data[draw.data["environment"] == 0].drop(columns="environment")
    assert np.abs(seen.corr()[last].drop(last)).max() > 0.2


def test_shifts_move_a_variable_and_its_effects_by_the_effect():
    model = random_model(n_nodes=4, degree=3.0, rng=0)
    first, last = (model.dag.nodes[model.dag.order[k]] for k in (0, -1))
    draw = model.sample_interventions(40_000, [first], kind="shift", strength=1.5, rng=0)
    means = draw.data.groupby("environment").mean()
    moved = means.loc[1] - means.loc[0]
    assert abs(abs(moved[first]) - 1.5) < 0.06
    assert abs(moved[last] - moved[first] * model.effect(first, last).value) < 0.06


def test_soft_interventions_keep_the_causes():
    model = random_model(n_nodes=4, degree=3.0, rng=0)
    last = model.dag.nodes[model.dag.order[-1]]
    draw = model.sample_interventions(20_000, [last], kind="soft", rng=0)
    acted = draw.data[draw.data["environment"] == 1].drop(columns="environment")
    assert np.abs(acted.corr()[last].drop(last)).max() > 0.2
    assert 0.4 < abs(acted[last].mean()) < 1.6


def test_discrete_variables_are_set_to_levels():
    model = random_model(n_nodes=4, mechanism="discrete", n_levels=(3, 3), rng=0)
    data = model.sample_interventions(9000, ["x1"], rng=0, observational=False).data
    assert set(data["environment"]) == {1}
    assert np.abs(data["x1"].value_counts(normalize=True) - 1 / 3).max() < 0.03
    with pytest.raises(InputError, match="levels cannot be added to"):
        model.sample_interventions(100, ["x1"], kind="shift")


def test_random_targets_take_every_variable_before_any_twice():
    model = random_model(n_nodes=5, rng=0)
    draw = model.sample_interventions(100, n_environments=5, n_targets=2, rng=1)
    named = [name for names in draw.targets.values() for name in names]
    assert sorted(named) == sorted([*model.observed, *model.observed])
    assert all(len(set(names)) == len(names) for names in draw.targets.values())


def test_targets_that_are_told_or_not_are_read_by_the_algorithms():
    """`Draw.targets` is what GIES wants, and what UnknownTargets finds."""
    from causalkit.discovery import GIES, UnknownTargets

    model = random_model(n_nodes=4, degree=2.0, rng=1)
    draw = model.sample_interventions(4000, n_environments=4, rng=2)
    told = GIES(draw.targets, regime="environment").fit(draw.data)
    assert told.graph_.skeleton() == model.graph.skeleton()
    unknown = UnknownTargets("environment", observational=0).fit(draw.data)
    assert dict(unknown.targets_) == dict(draw.targets)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mechanism": "quadratic"}, "mechanism='quadratic'"),
        ({"noise": "cauchy"}, "noise='cauchy'"),
        ({"graph": "tree"}, "graph='tree'"),
        ({"n_nodes": 0}, "n_nodes=0"),
        ({"n_nodes": 1, "n_latents": 1, "degree": 0}, "at least 2"),
        ({"weights": (2.0, 1.0)}, "weights"),
        ({"weights": 1.0}, "two numbers"),
        ({"n_levels": (1, 3)}, "n_levels"),
        ({"n_levels": (3, 2)}, "n_levels"),
        ({"selection": 1.0}, "selection"),
        ({"standardize": 3}, "standardize"),
        ({"n_node": 3}, "setting='n_node'"),
        ({"n_nodes": 3, "degree": 3.0}, "0 to 2"),
        ({"n_nodes": 4, "degree": 3.0, "graph": "bipartite"}, "0 to 2"),
    ],
)
def test_settings_are_checked(settings, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        random_model(rng=0, **settings)


def test_questions_are_checked():
    model = random_model(n_nodes=3, n_domains=2, rng=0)
    with pytest.raises(InputError, match="spec is a dict"):
        random_model({"n_nodes": 3})
    with pytest.raises(InputError, match="domain=2"):
        model.in_domain(2)
    with pytest.raises(UnknownVariableError):
        model.sample_interventions(10, ["y"])
    with pytest.raises(InputError, match="environments"):
        model.sample_interventions(2, ["x0", "x1"])
    with pytest.raises(InputError, match="n_targets=4"):
        model.sample_interventions(10, n_targets=4)
    with pytest.raises(InputError, match="kind="):
        model.sample_interventions(10, kind="stochastic")
    with pytest.raises(InputError, match="n=0"):
        model.sample(0)


@pytest.mark.parametrize("noise", NOISES)
def test_reports_say_what_was_drawn(noise):
    model = random_model(
        n_nodes=4, noise=noise, n_latents=1, selection=0.5, n_domains=2, standardize=False, rng=0
    )
    for text in (repr(model), repr(model.sample(20, rng=0))):
        assert noise in text
        assert "domain" in text
    assert model.spec.with_(noise="laplace").noise == "laplace"
    assert model.sample(20, rng=0).to_frame().shape == (20, 5)
    draw = model.sample(20, rng=0)
    assert draw.effect("x0", "x1").value == model.effect("x0", "x1").value
