"""Several samples: experiments and other populations, against models whose effects are known."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError, NotIdentifiableError, UnknownVariableError
from causalkit.identification import (
    Hedge,
    Probability,
    ProbabilityTable,
    Sample,
    Source,
    general_formula,
    identify_from,
)
from causalkit.identification.formulas.expression import Equation
from tests.identification.oracle import Model, random_admg, random_query, subsets


def draw_samples(rng, plain, treatment, *, domains):
    """One to three samples; no experiment sets the treatment alone in the target."""
    found = []
    for k in range(int(rng.integers(1, 4))):
        size = int(rng.integers(0, 3))
        do = tuple(rng.choice(plain.nodes, size=min(size, len(plain.nodes) - 1), replace=False))
        domain, differs = "", ()
        if domains and rng.random() < 0.6:
            domain = f"D{k}"
            differs = tuple(v for v in plain.nodes if rng.random() < 0.3)
        if do != treatment or differs:
            found.append(Sample(do=do, domain=domain, differs=differs))
    return found or [Sample()]


def populations(rng, model, samples):
    """A model for each domain: the target's, with tables of its own where it differs."""
    found = {"": model}
    for sample in samples:
        if sample.domain:
            tables = dict(model.tables)
            for v in sample.differs:
                names, array = model.tables[v]
                fresh = rng.dirichlet(np.full(array.shape[-1], 2.0), size=array.shape[:-1])
                tables[v] = names, fresh
            found[sample.domain] = Model(model.plain, model.levels, tables)
    return found


def tables_of(models, samples):
    """What each sample shows, as a table over all nodes."""
    found = {}
    for sample in samples:
        model = models[sample.domain]
        shown = ProbabilityTable(model.joint(set_to=sample.do), model.plain.nodes)
        found[Source(sample.domain, frozenset(sample.do))] = shown
    return found


def same_in_data(models, samples, treatment, outcome):
    """Whether no small change of the models keeps all samples and changes the effect."""
    target, step = models[""], 1e-30
    shared = {
        (domain, v): (domain if v in differs else "")
        for domain, differs in {("", ()), *((s.domain, s.differs) for s in samples)}
        for v in target.tables
    }
    rows = []
    for owner, v in dict.fromkeys((home, v) for (_, v), home in shared.items()):
        names, array = models[owner].tables[v]
        flat = array.reshape(-1, array.shape[-1])
        for row in range(len(flat)):
            for level in range(flat.shape[1] - 1):
                moved = flat.astype(complex)
                moved[row, level] += 1j * step
                moved[row, -1] -= 1j * step
                changed = {
                    domain: Model(
                        m.plain,
                        m.levels,
                        {**m.tables, v: (names, moved.reshape(array.shape))}
                        if shared[domain, v] == owner
                        else m.tables,
                    )
                    for domain, m in models.items()
                }
                seen = [changed[s.domain].joint(set_to=s.do).imag.ravel() for s in samples]
                asked = changed[""].effect(treatment, outcome).imag.ravel()
                rows.append((np.concatenate(seen) / step, asked / step))
    seen, asked = (np.array([row[k] for row in rows]).T for k in (0, 1))
    _, sizes, directions = np.linalg.svd(seen, full_matrices=True)
    unseen = directions[np.sum(sizes > 1e-9 * sizes[0]) :]
    return bool(np.abs(asked @ unseen.T).max(initial=0.0) < 1e-6)


def check_value(answer, models, samples, treatment, outcome):
    truth = models[""].effect(treatment, outcome)
    left = Probability(outcome, (), treatment)
    found = Equation(left, answer.formula).evaluate(tables_of(models, samples))
    for where in np.ndindex(truth.shape):
        at = dict(zip((*treatment, *outcome), where, strict=True))
        value = found.at({name: level for name, level in at.items() if name in found.symbols})
        assert value == pytest.approx(truth[where], abs=1e-9)


@pytest.mark.parametrize("domains", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_formula_is_the_effect_and_no_formula_means_none(seed, domains):
    rng = np.random.default_rng([seed, domains])
    identified = 0
    for _ in range(40):
        plain = random_admg(rng, int(rng.integers(3, 5)))
        treatment, outcome, _ = random_query(rng, plain.nodes)
        samples = draw_samples(rng, plain, treatment, domains=domains)
        model = Model.draw(rng, plain, most_levels=2, hidden_levels=4, weight=2.0)
        models = populations(rng, model, samples)
        try:
            answer = identify_from(plain.graph(), treatment, outcome, samples=samples)
        except NotIdentifiableError:
            assert not same_in_data(models, samples, treatment, outcome)
        else:
            identified += 1
            check_value(answer, models, samples, treatment, outcome)
    assert identified


def test_one_sample_of_observations_is_plain_identification():
    rng = np.random.default_rng(3)
    for _ in range(100):
        plain = random_admg(rng, 5)
        treatment, outcome, _ = random_query(rng, plain.nodes)
        graph = plain.graph()
        try:
            expected = general_formula(graph, treatment, outcome).formula
        except NotIdentifiableError:
            with pytest.raises(NotIdentifiableError):
                identify_from(graph, treatment, outcome, samples=[Sample()])
        else:
            assert identify_from(graph, treatment, outcome, samples=[Sample()]).formula == expected


def test_subsets_of_an_experiment_are_all_its_subsets():
    rng = np.random.default_rng(4)
    for _ in range(60):
        plain = random_admg(rng, 4)
        treatment, outcome, _ = random_query(rng, plain.nodes)
        free = [v for v in plain.nodes if v not in treatment]
        written = [Sample(do=do) for do in subsets(free)]
        verdicts = []
        for samples in (written, [Sample(do=tuple(free), subsets=True)]):
            try:
                identify_from(plain.graph(), treatment, outcome, samples=samples)
            except NotIdentifiableError:
                verdicts.append(False)
            else:
                verdicts.append(True)
        assert verdicts[0] == verdicts[1]


def test_surrogate_experiment_of_bareinboim_and_pearl():
    """Figure 1(a) of the zID paper: Z confounded with both, an experiment on Z identifies."""
    graph = "Z -> X -> Y; Z <-> X; Z <-> Y"
    with pytest.raises(NotIdentifiableError):
        identify_from(graph, "X", "Y", samples=[Sample()])
    answer = identify_from(graph, "X", "Y", samples=[Sample(), Sample(do="Z")])
    assert str(answer.expression) == "E[Y | do(X=x)] = E[Y | do(Z=z), X=x]"
    assert answer.arbitrary == ("Z",)


def test_direct_transport_reweights():
    """Pearl & Bareinboim (2014): P*(y | do(x)) = Σ_z P(y | do(x), z) P*(z)."""
    trial = Sample(do="X", domain="LA", differs="Z")
    answer = identify_from("Z -> X -> Y; Z -> Y; X <-> Y", "X", "Y", samples=[trial, Sample()])
    expected = "E[Y | do(X=x)] = Σ_{z} E^{LA}[Y | do(X=x), Z=z] P(Z=z)"
    assert str(answer.expression) == expected


def test_transport_fails_where_the_outcome_itself_differs():
    trial = Sample(do="X", domain="LA", differs="Y")
    with pytest.raises(NotIdentifiableError, match="differs in Y") as caught:
        identify_from("X -> Y; X <-> Y", "X", "Y", samples=[trial, Sample()])
    samples, reasons = zip(*caught.value.witness, strict=True)
    assert samples == (Sample(), trial)
    assert "hedge" in reasons[0]


def test_what_differs_in_a_hidden_cause_differs_in_its_effects():
    trial = Sample(do="X", domain="LA", differs="U")
    graph = "X -> Y <- U; X <-> Y"
    with pytest.raises(NotIdentifiableError, match="differs in Y"):
        identify_from(graph, "X", "Y", samples=[trial], observed=["X", "Y"])


def test_the_derivation_names_the_samples():
    samples = [Sample(), Sample(do="Z")]
    answer = identify_from("Z -> X -> Y; Z <-> X; Z <-> Y", "X", "Y", samples=samples)
    assert any("do(Z)" in step.what for step in answer.derivation.steps)
    assert "do(Z)" in str(answer.derivation)


def test_strata_in_another_population():
    trial = Sample(do="X", domain="LA", differs="Z")
    answer = identify_from("Z -> Y <- X; X <-> Y", "X", "Y", given="Z", samples=[trial, Sample()])
    assert str(answer.expression) == "E[Y | do(X=x), Z=z] = E^{LA}[Y | do(X=x), Z=z]"


def test_bad_input_says_what_to_do():
    with pytest.raises(InputError, match="at least one"):
        identify_from("X -> Y", "X", "Y", samples=[])
    with pytest.raises(InputError, match="no domain"):
        Sample(differs="X")
    with pytest.raises(UnknownVariableError, match="W"):
        identify_from("X -> Y", "X", "Y", samples=[Sample(do="W")])
    with pytest.raises(InputError, match="Add them to observed"):
        identify_from("Z -> X -> Y", "X", "Y", samples=[Sample(do="Z")], observed=["X", "Y"])


def test_evaluating_without_the_experiment_says_which_is_missing():
    answer = identify_from("X -> Y; X <-> Y", "X", "Y", samples=[Sample(do="X", domain="LA")])
    table = ProbabilityTable(np.full((2, 2), 0.25), ("X", "Y"))
    with pytest.raises(InputError, match="experiment that sets"):
        answer.expression.evaluate(table)


def test_what_a_source_set_may_be_a_name_or_several():
    assert Source("LA", "X") == Source("LA", {"X"}) == Source("LA", ("X",))
    assert len({Source(do=["X", "Z"]), Source(do={"Z", "X"})}) == 1


def test_a_hedge_reads_well():
    assert str(Hedge(("X", "Y"), ("Y",))) == "hedge ({X, Y}, {Y})"
