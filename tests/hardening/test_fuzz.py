"""Readers under fire, lightly: `tools/fuzz` does it for hours.

What the long runs found stands here by itself, so that it stays mended.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit._core.columns import codes_of
from causalkit._core.table import as_table, with_columns
from causalkit.cli.reading import read_table
from causalkit.errors import CausalkitError, GraphError, InputError
from causalkit.graph import CausalGraph, LaggedGraph

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools" / "fuzz"
needs_tools = pytest.mark.skipif(not TOOLS.is_dir(), reason="needs the folder tools/fuzz")

PIECES = st.sampled_from(
    [
        *("a", "b", "X[t-1]", "X[t]", "7", "-0", "o", '"', "\\", '"a b"', "#", ";", "\n", " ", "{"),
        *(
            "->",
            "<-",
            "<->",
            "--",
            "o->",
            "o-o",
            "DAG:",
            "PAG: ",
            "}",
            "[",
            "]",
            "=",
            ",",
            "<",
            ">",
        ),
        *("digraph", "graph", "dag", "subgraph", "/*", "*/", "//", "+", ":", "@->", "dir=both"),
        *("Graph Nodes:", "Graph Edges:", "1. ", "-->", "\x00", "\u2028", "²", "\ud800"),
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=40))


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "tools":
            del sys.modules[name]


@settings(max_examples=40, deadline=None)
@given(TEXTS)
def test_any_text_is_read_or_refused(text):
    for kind, read in (
        (CausalGraph, CausalGraph.parse),
        (CausalGraph, CausalGraph.from_dagitty),
        (CausalGraph, lambda text: CausalGraph.from_dot("digraph {" + text)),
        (CausalGraph, lambda text: CausalGraph.from_tetrad(f"Graph Nodes:{text}Graph Edges:")),
        (LaggedGraph, LaggedGraph.parse),
    ):
        try:
            graph = read(text)
        except CausalkitError:
            continue
        assert kind.parse(graph.to_text()) == graph
        assert kind.from_json(graph.to_json()) == graph


CELLS = st.one_of(
    st.none(),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.text(max_size=3),
    st.sampled_from([pd.NA, pd.NaT, Decimal("sNaN"), 1j, b"", (), [1], {}, np.array([1.0, 2.0])]),
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=3), st.lists(CELLS, max_size=4), max_size=3))
def test_any_columns_are_read_or_refused(columns):
    try:
        table = as_table(columns)
    except CausalkitError:
        return
    assert not np.isinf(table.values).any()
    assert all(levels is None or len(levels) <= table.n_rows for levels in table.levels) or (
        table.n_rows < 2
    )


@needs_tools
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("graph_texts", 150),
        ("tables", 60),
        pytest.param("files", 60, marks=pytest.mark.slow),
        pytest.param("commands", 10, marks=pytest.mark.slow),
    ],
)
def test_the_long_runs_run(tools, name, count):
    if name == "tables":
        pytest.importorskip("polars")
    from importlib import import_module

    module = import_module(f"tools.fuzz.{name}")
    for number in range(count):
        made = module.generate(Random(number), number)
        assert isinstance(module.check(*made), str)


@needs_tools
def test_inputs_that_were_kept_are_read_or_refused(tools):
    from tools.fuzz.graph_texts import check

    files = [path for path in sorted((TOOLS / "corpus").rglob("*")) if path.is_file()]
    assert files
    for path in files:
        check(path.parent.name, path.read_bytes().decode("utf-8", "surrogateescape"))


# --- what was found -------------------------------------------------------------------------------

N = 4_000
GROUP = f"{{ {' '.join(f'x{k}' for k in range(N))} }}"
JSON = '{"format": "causalkit.graph", "version": 1, "kind": "DAG", "edges": [], "nodes": [%s]}'
HEAD = "Graph Nodes:\nX;Y\nGraph Edges:\n1. "


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (CausalGraph.parse, '"\\' * N),
        (CausalGraph.parse, " ".join(["a"] * N)),
        (CausalGraph.parse, "-1" * N),
        (CausalGraph.from_dot, "digraph {" + '"\\' * N),
        (CausalGraph.from_dot, "digraph {" + "/* " * N),
        (CausalGraph.from_dot, "digraph {" + "{" * N),
        (CausalGraph.from_dot, "digraph {" + "<" * N),
        (CausalGraph.from_dot, f"digraph {{ {GROUP} -> {GROUP} }}"),
        (CausalGraph.from_tetrad, " " * N + "Graph Edges:"),
        (CausalGraph.from_tetrad, HEAD + "X" + " " * N + "Y"),
        (CausalGraph.from_tetrad, HEAD + " --> " * N),
        (CausalGraph.from_json, JSON % ", ".join(["1"] * N)),
    ],
)
def test_long_texts_are_refused_in_one_pass(read, text):
    with pytest.raises(GraphError) as caught:
        read(text)
    assert len(str(caught.value)) < len(text)


def test_names_at_steps_of_steps_come_back():
    graph = CausalGraph.parse('"X[t][t-1]" -> "X[t]"; 7[t][t-2]')
    assert CausalGraph.parse(graph.to_text()) == graph
    assert graph.nodes == ("X[t][t-1]", "X[t]", "7[t][t-2]")


def test_remarks_in_tetrad_are_no_names():
    with pytest.raises(GraphError, match=r"cannot read the edge '1\. X -->'"):
        CausalGraph.from_tetrad("Graph Nodes:\nX;Y\nGraph Edges:\n1. X -->   \n2. X --> Y")
    text = "Graph Nodes:\na b;c\n\nGraph Edges:\n1. a b --> c dd nl\n"
    assert CausalGraph.from_tetrad(text).nodes == ("a b", "c")


@pytest.mark.parametrize(
    "inside",
    [
        "<node/>",
        '<node id="a"/><edge source="a"/>',
        '<node id="a"><data key="d">1</data></node>',
        '<node id="a"><data key="gone">1</data></node>',
    ],
)
def test_graphml_says_all_ids_and_names(inside):
    text = (
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        '<key id="d" for="node" attr.name="name" attr.type="double"/>'
        f'<graph edgedefault="directed">{inside}</graph></graphml>'
    )
    with pytest.raises(GraphError):
        CausalGraph.from_graphml(text)


def test_a_file_of_series_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "graph.json"
    path.write_bytes(b"\xff\xfe")
    for read in (LaggedGraph.read, CausalGraph.read):
        with pytest.raises(GraphError, match="is no text"):
            read(path)


def test_cells_that_refuse_to_be_compared_are_missing():
    table = as_table({"x": [Decimal("sNaN"), Decimal(1), 2]})
    assert np.isnan(table.column("x")).tolist() == [True, False, False]


def test_odd_columns_are_refused_by_name():
    with pytest.raises(InputError, match="column 'x' of the dict is a MultiIndex"):
        as_table({"x": pd.MultiIndex.from_tuples([(1, 2)])})
    with pytest.raises(InputError, match="cells of different lengths"):
        as_table({"x": [[[1], [1, 2]], 3]})
    with pytest.raises(InputError, match="column 'x' holds list"):
        as_table(pd.DataFrame({"x": [[[1], [1, 2]], 3]}))
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(InputError, match="dates or times"):
        as_table(pa.table({"x": pa.array([10**18], type=pa.time64("us"))}))
    with pytest.raises(InputError, match="infinite"):
        as_table(np.array([[np.longdouble("1e400")], [1]]))


def test_missing_cells_of_any_sort_can_be_replaced():
    data = np.array([[pd.NA, 1], [2, None]], dtype=object)
    changed = with_columns(data, {"x0": np.array([5.0, 6.0])})
    assert changed[:, 0].tolist() == [5.0, 6.0]
    assert np.isnan(changed[1, 1])


def test_many_names_that_occur_twice_are_told():
    names = [f"x{k % 2_000}" for k in range(3_000)]
    with pytest.raises(InputError, match="occur more than once"):
        as_table(pd.DataFrame([range(3_000)], columns=names))


def test_a_header_may_begin_like_a_name_of_pandas(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("Unnamed: x,y\n1,2\n3,4\n")
    assert list(read_table(path).columns) == ["Unnamed: x", "y"]
    path.write_text(",y\n1,2\n3,4\n")
    with pytest.raises(InputError, match="column 1 of"):
        read_table(path)


def test_codes_of_a_column_with_one_row():
    table = as_table({"x": ["a"]}, labels=["x"])
    assert codes_of(table, who="it", kind="test")[1].tolist() == [1]
