"""Models as files: what is read is what was written, and what cannot be is refused."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.models.interventions import Policy, Shift
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.mechanisms.fitting import FAMILIES
from causalkit.models.noise import Mixture, Normal
from causalkit.models.saving import read_value, write_value
from causalkit.models.structural.structural_model import StructuralCausalModel


def linear(graph):
    """A linear model whose slopes are one."""
    return StructuralCausalModel.from_mechanisms(
        graph,
        {
            name: Additive(Linear(np.ones(len(graph.parents(name)))), Normal())
            for name in graph.nodes
        },
    )


def test_models_survive_being_saved(tmp_path):
    rng, n = np.random.default_rng(0), 300
    z = rng.normal(size=n)
    data = pd.DataFrame(
        {
            "Z": z,
            "X": z + rng.normal(size=n) > 0,
            "C": pd.Categorical(np.where(rng.random(n) < 0.3, "a", np.where(z > 0, "b", "c"))),
            "K": rng.poisson(1.0, size=n),
            **{name: z**2 + rng.normal(size=n) for name in FAMILIES},
        }
    )
    graph = CausalGraph.from_edges(
        data.columns, [("Z", name) for name in data if name != "Z"] + [("C", FAMILIES[1])]
    )
    asked = {name: name for name in FAMILIES}
    model = StructuralCausalModel(graph, mechanism=asked, noise="normal", random_state=0).fit(data)
    path = tmp_path / "model.npz"
    model.save(path)
    again = StructuralCausalModel.load(path)
    assert again.sample(300, rng=1).equals(model.sample(300, rng=1))
    assert again.graph_ == model.graph_
    assert again.families_ == model.families_
    assert again.counterfactual(data.head(5), {"X": True}, rng=0).equals(
        model.counterfactual(data.head(5), {"X": True}, rng=0)
    )
    held = model.do({"X": True, "spline": Shift(1.0)})
    held.save(path)
    assert StructuralCausalModel.load(path).sample(9, rng=0).equals(held.sample(9, rng=0))


def test_latent_variables_survive_being_saved(tmp_path):
    full = CausalGraph.parse("U -> X; U -> Y")
    model = StructuralCausalModel.from_mechanisms(full, linear(full).mechanisms_, "U")
    model.save(tmp_path / "model.npz")
    again = StructuralCausalModel.load(tmp_path / "model.npz")
    assert again.latents_ == ("U",)
    assert again.graph_ == model.graph_


def test_what_cannot_be_saved_or_read_is_refused(tmp_path):
    model = linear(CausalGraph.parse("X -> Y"))
    path = tmp_path / "model.npz"
    with pytest.raises(InputError, match="a Python function"):
        model.do({"Y": Policy(lambda seen: seen["X"], ("X",))}).save(path)
    assert not path.exists()
    path.write_text("nothing")
    with pytest.raises(InputError, match="not written by causalkit"):
        StructuralCausalModel.load(path)


def round_trip(value):
    file = BytesIO()
    write_value(value, file, kind="test")
    file.seek(0)
    return read_value(file, kind="test")


def test_values_of_all_kinds_survive():
    lagged = LaggedGraph.parse("X[t-1] -> Y[t]; X[t] <-> Y[t]")
    graph = CausalGraph.parse("1 -> A; A <-> 2")
    value = {
        "graphs": (graph, lagged),
        3: [np.arange(4, dtype=np.int16), np.array(["a", "b"]), np.float64(2.5), None, True],
        "noise": Mixture(np.array([0.5, 0.5]), np.array([-1.0, 1.0]), np.ones(2)),
        "edge": (float("inf"), (), {}),
    }
    again = round_trip(value)
    assert again["graphs"] == (graph, lagged)
    assert again[3][0].dtype == np.int16
    assert list(again[3][1]) == ["a", "b"]
    assert again[3][2:] == [2.5, None, True]
    assert np.array_equal(again["noise"].means, [-1.0, 1.0])
    assert again["edge"] == (float("inf"), (), {})


def changed(text_of, tmp_path):
    """A file whose JSON text is another one."""
    path = tmp_path / "model.npz"
    linear(CausalGraph.parse("X -> Y")).save(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    text = text_of(arrays["__value__"].tobytes().decode())
    arrays["__value__"] = np.frombuffer(text.encode(), dtype=np.uint8)
    np.savez(path, **arrays)
    return path


def test_files_of_other_kinds_and_versions_are_refused(tmp_path):
    for text_of, message in (
        (lambda text: text.replace('"version": 1', '"version": 2'), "Update causalkit"),
        (lambda text: text.replace('"kind": "Struct', '"kind": "Other'), "holds a Other"),
        (lambda text: text.replace(":Normal", ":Abnormal"), "does not know"),
        (lambda text: text.replace("causalkit.models.noise:Normal", "os:system"), "does not know"),
    ):
        with pytest.raises(InputError, match=message):
            StructuralCausalModel.load(changed(text_of, tmp_path))
    for value, message in ((object(), "a object"), (np.array([None]), "Python objects")):
        with pytest.raises(InputError, match=message):
            round_trip(value)
    with ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("text", "nothing")
    with pytest.raises(InputError, match="not written by causalkit"):
        StructuralCausalModel.load(tmp_path / "other.npz")
