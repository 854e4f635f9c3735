"""Reading a file never runs what is in it, and never asks the file how much memory to take."""

from __future__ import annotations

import json
import os
import pickle
from contextlib import suppress
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

from causalkit.discovery import Knowledge
from causalkit.errors import CausalkitError, GraphError, InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.independence.federated import FederatedSummary
from causalkit.models import StructuralCausalModel
from causalkit.models.saving import read_value, write_value

SPACE = 'xmlns="http://graphml.graphdrawing.org/xmlns"'


class Bomb:
    """A pickle of it makes a folder when it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def value_file(tree) -> bytes:
    text = tree if isinstance(tree, str) else json.dumps(tree)
    made = BytesIO()
    np.savez(made, __value__=np.frombuffer(text.encode(), dtype=np.uint8))
    return made.getvalue()


def model_file(value) -> bytes:
    head = {"format": "causalkit", "version": 1, "kind": "StructuralCausalModel"}
    return value_file(head | {"value": value})


def test_pickles_are_not_read(tmp_path):
    mark = tmp_path / "ran"
    bombs = np.array([Bomb(mark)], dtype=object)
    inside, plain = BytesIO(), BytesIO()
    np.savez(inside, __value__=bombs, header=bombs)
    np.save(plain, bombs, allow_pickle=True)
    for content in (inside.getvalue(), plain.getvalue(), pickle.dumps(Bomb(mark))):
        path = tmp_path / "model.npz"
        path.write_bytes(content)
        for read in (StructuralCausalModel.load, FederatedSummary.load):
            with pytest.raises(InputError):
                read(path)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Bomb(mark)))  # it would have
    assert mark.exists()


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "causalkit.models.saving:Path",
        "causalkit.models.saving:import_module",
        "causalkit.models.saving:InputError",
        "causalkit.models.../os:system",
        "causalkit.models.no_such:Thing",
        "causalkit.models.:",
        "builtins:eval",
    ],
)
def test_only_dataclasses_of_models_are_built(tmp_path, name):
    path = tmp_path / "model.npz"
    path.write_bytes(model_file({"class": name, "fields": {"command": "true"}}))
    with pytest.raises(InputError):
        StructuralCausalModel.load(path)


@pytest.mark.parametrize(
    "tree",
    [
        "[" * 100_000,
        "not json",
        "[]",
        '{"version": "1", "kind": "x"}',
        '{"version": [], "kind": "x"}',
        '{"version": 1, "kind": "x", "value": ' + '{"list": [' * 5000 + "]}" * 5000 + "}",
        '{"version": 1, "kind": "x", "value": {"array": "gone"}}',
        '{"version": 1, "kind": "x", "value": {"dict": [[{"list": []}, 1]]}}',
        '{"version": 1, "kind": "x", "value": {"graph": [1, 2, 3]}}',
        '{"version": 1, "kind": "x", "value": {"tuple": 3}}',
        '{"version": 1, "kind": "x", "value": {}}',
        '{"version": 1, "kind": "x"}',
        '{"version": 1, "kind": "x", "value": '
        '{"class": "causalkit.models.noise:Normal", "fields": {"no": 1}}}',
    ],
)
def test_odd_json_in_a_model_is_refused(tree):
    with pytest.raises(InputError):
        read_value(BytesIO(value_file(tree)), kind="x")


def test_archives_that_lie_are_refused(tmp_path):
    made = BytesIO()
    write_value({"a": np.arange(9.0)}, made, kind="x")
    with ZipFile(made) as archive:
        member = archive.read("a0.npy")
    huge = member.replace(b"(9,)", b"(9000000000000,)").replace(b" " * 12, b"", 1)
    for name, content in (("a0.npy", huge), ("a0.npy", member[:20]), ("other.npy", member)):
        lying = BytesIO()
        with ZipFile(made) as old, ZipFile(lying, "w", ZIP_DEFLATED) as new:
            new.writestr("__value__.npy", old.read("__value__.npy"))
            new.writestr(name, content)
        with pytest.raises(InputError):
            read_value(BytesIO(lying.getvalue()), kind="x")
    for cut in (0, 3, 100, len(made.getvalue()) - 5):
        with pytest.raises(InputError):
            read_value(BytesIO(made.getvalue()[:cut]), kind="x")
    with pytest.raises(FileNotFoundError):
        read_value(tmp_path / "none.npz", kind="x")


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.mkdir ['{}']",
        "!!python/object/new:os.mkdir ['{}']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/tuple [a, b]",
    ],
)
def test_yaml_builds_plain_values_only(tmp_path, tag):
    path = tmp_path / "known.yaml"
    for text in (tag, f"tiers: {tag}", f"tiers: [[{tag}]]"):
        path.write_text(text.format(tmp_path / "ran"))
        with pytest.raises(InputError):
            Knowledge.from_yaml(path)
    assert not (tmp_path / "ran").exists()


def test_xml_has_no_entities(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    graph = f'<graphml {SPACE}><graph edgedefault="directed"><node id="&a;"/></graph></graphml>'
    laughs = '<!ENTITY j "lol">' + "".join(
        f'<!ENTITY {a} "{f"&{b};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    for declared in (
        laughs,
        f'<!ENTITY a SYSTEM "{secret.as_uri()}">',
        f'<!ENTITY % p SYSTEM "{secret.as_uri()}"> %p;',
    ):
        with pytest.raises(GraphError, match="declares entities"):
            CausalGraph.from_graphml(f"<!DOCTYPE graphml [{declared}]>{graph}")
    with pytest.raises(GraphError, match="undefined entity"):
        CausalGraph.from_graphml(graph)
    outside = f'<!DOCTYPE graphml SYSTEM "{secret.as_uri()}">'
    assert CausalGraph.from_graphml(outside + graph.replace("&a;", "x")).nodes == ("x",)


def test_text_of_graphviz_is_text():
    for text in (
        'digraph {a [label="${HOME}", URL="javascript:x"] a -> b}',
        'digraph {a [shapefile="/etc/passwd", image="/etc/passwd"] a -> b}',
        "digraph {a [label=<<b>__import__('os')</b>>] a -> b}",
    ):
        assert set(CausalGraph.from_dot(text).nodes) == {"a", "b"}


HEAD = {"format": "causalkit.graph", "version": 1, "kind": "DAG", "nodes": ["a", "b"], "edges": []}
ODD = [None, True, 1.5, -1, 10**400, "", [], [[]], {}, {"a": 1}, "os:system", ["->"] * 5]


@pytest.mark.parametrize("key", list(HEAD))
def test_odd_json_is_refused(key):
    lagged = HEAD | {"format": "causalkit.lagged_graph", "variables": ["a"], "max_lag": 1}
    for odd in ODD:
        for value in (odd, [odd], [odd, odd], [["a", odd, "b"]], [["a", 1, odd, "a", 0]]):
            for head, read in ((HEAD, CausalGraph.from_json), (lagged, LaggedGraph.from_json)):
                where = {"nodes": "variables"}.get(key, key) if head is lagged else key
                refused(read, json.dumps(head | {where: value}))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, "\x00", "NaN", ""])
def test_json_without_end_is_refused(text):
    for read in (CausalGraph.from_json, LaggedGraph.from_json):
        with pytest.raises(GraphError):
            read(text)


def refused(read, text):
    """Read, or refuse with an error of causalkit; nothing else comes out."""
    with suppress(CausalkitError):
        read(text)
