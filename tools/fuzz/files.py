"""Files that are not what their name says: knowledge, models, summaries, stores, and graphs.

Each begins as a sound file, written once, and is damaged byte by byte; those of text and JSON are
also made up. A reader may refuse a file or read it; it may raise nothing else, and run nothing.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np

import causalkit as ck
from causalkit.benchmark.storage import Result, Store
from causalkit.discovery import PC, Bootstrap, Knowledge
from causalkit.discovery.resampling._replicate_store import ReplicateStore
from causalkit.errors import CausalkitError, CausalkitWarning
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.models import StructuralCausalModel
from causalkit.workflow.certificates.trial_journal import Journal, Trial
from tools.fuzz.mutation import damage, damage_bytes

__all__ = ["check", "generate"]

YAML = (
    "tiers: [[a, b], [c]]\nrequired: [[a, c]]\nforbidden: [[c, a]]\n",
    "tiers:\n  - age\n  - [sex, dose]\nclosed_tiers: true\n",
    "tiers: [[2001-12-31, on, 1.5]]\n",
    "a: &a [x]\ntiers: [*a, *a]\n",
    "tiers: !!python/object/apply:os.system ['true']\n",
    "? [a, b]\n: c\n<<: {tiers: [[a]]}\n",
)


def generate(rng: Random, number: int) -> tuple[str, bytes]:
    """Name of the kind of file, and its content; one in ten is as it was written."""
    del number
    kind = rng.choice(list(_KINDS))
    sound = _sound()[kind]
    if kind == "knowledge":
        sound = rng.choice(YAML).encode()
    if rng.random() < 0.1:
        return kind, sound
    if sound.startswith(b"PK") and rng.random() < 0.7:
        return kind, _repacked(rng, sound)
    try:
        text = sound.decode()
    except UnicodeDecodeError:
        return kind, damage_bytes(rng, sound)
    if text.lstrip().startswith("{") and rng.random() < 0.5:
        lines = [_altered_json(rng, line) for line in text.splitlines()]
        return kind, "\n".join(lines).encode("utf-8", "surrogatepass")
    return kind, damage(rng, text).encode("utf-8", "surrogatepass")


def check(kind: str, content: bytes) -> str:
    """Read the file; say what came of it."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", CausalkitWarning)
        suffix, read = _KINDS[kind]
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(content)
        try:
            read(path)
        except CausalkitError as error:
            return type(error).__name__
        return "read"


# --- damage of the inside -------------------------------------------------------------------------

ODD = (None, True, -1, 0, 1.5, 10**30, "", "a", [], [[]], {}, {"a": 1}, float("nan"), "os:system")


def _altered(rng: Random, value: Any) -> Any:
    """A value of JSON with some parts exchanged or left out."""
    if rng.random() < 0.05:
        return rng.choice(ODD)
    if isinstance(value, dict):
        return {key: _altered(rng, part) for key, part in value.items() if rng.random() > 0.02}
    if isinstance(value, list):
        return [_altered(rng, part) for part in value if rng.random() > 0.02]
    return value


def _altered_json(rng: Random, text: str) -> str:
    try:
        return json.dumps(_altered(rng, json.loads(text)))
    except ValueError:
        return damage(rng, text)


def _repacked(rng: Random, archive: bytes) -> bytes:
    """The same archive with other members, whose sums are right."""
    made = BytesIO()
    way = rng.choice((ZIP_STORED, ZIP_DEFLATED))
    with ZipFile(BytesIO(archive)) as old, ZipFile(made, "w", way) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "__value__.npy" and rng.random() < 0.8:
                content = _altered_member(rng, content)
            elif rng.random() < 0.2:
                content = damage_bytes(rng, content)
            if rng.random() > 0.05:
                new.writestr(f"{name[:-4]}-2.npy" if rng.random() < 0.05 else name, content)
    return made.getvalue()


def _altered_member(rng: Random, content: bytes) -> bytes:
    text = np.load(BytesIO(content), allow_pickle=False).tobytes().decode()
    array = np.frombuffer(_altered_json(rng, text).encode("utf-8", "replace"), dtype=np.uint8)
    made = BytesIO()
    np.save(made, array)
    return made.getvalue()


# --- sound files ----------------------------------------------------------------------------------


@cache
def _sound() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=60)}
    data["y"] = data["x"] + rng.normal(size=60)
    graph = CausalGraph.parse("x -> y")
    found: dict[str, bytes] = {"knowledge": b""}
    with TemporaryDirectory() as name:
        folder = Path(name)
        graph.save(folder / "graph.json")
        LaggedGraph.parse("x[t-1] -> y[t]").save(folder / "lagged.json")
        for mechanism in ("linear", "spline"):
            model = StructuralCausalModel(graph, mechanism=mechanism, random_state=0).fit(data)
            model.save(folder / f"{mechanism}.npz")
        store = Store.open(folder / "board")
        store.note([Result("k", "m", 0, 9, "PC", "discovery", "ok", 0.1, {"shd": 2.0})])
        found["board journal"] = next((folder / "board" / "journal").glob("*.json")).read_bytes()
        store.gather()
        found["board"] = next((folder / "board").glob("part-*")).read_bytes()
        Journal(folder, "key").note(0, Trial(0, 7, "answered", 1.0).to_row())
        Bootstrap(PC(), 3, store=folder / "replicates", random_state=0).fit(data)
        found["trials"] = (folder / "key-0000.jsonl").read_bytes()
        found["replicates"] = (folder / "replicates").read_bytes()
        for kind, file in (
            ("graph", "graph.json"),
            ("lagged graph", "lagged.json"),
            ("linear model", "linear.npz"),
            ("spline model", "spline.npz"),
        ):
            found[kind] = (folder / file).read_bytes()
    return found


def _read_part(path: Path, name: str, inside: str) -> object:
    folder = path.parent / "store"
    (folder / inside).mkdir(parents=True)
    path.rename(folder / inside / name)
    return Store.open(folder).read()


def _read_trials(path: Path) -> object:
    path.rename(path.with_name("key-0000.jsonl"))
    return Journal(path.parent, "key").read(0)


def _read_replicates(path: Path) -> object:
    head = json.loads(_sound()["replicates"].splitlines()[0])
    return ReplicateStore.open(path, {k: v for k, v in head.items() if k != "format"})


def _draw(path: Path) -> object:
    return StructuralCausalModel.load(path)


_KINDS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "graph": (".json", ck.CausalGraph.read),
    "lagged graph": (".json", LaggedGraph.read),
    "knowledge": (".yaml", Knowledge.from_yaml),
    "linear model": (".npz", _draw),
    "spline model": (".npz", _draw),
    "board": ("", lambda path: _read_part(path, "part-1.parquet", "")),
    "board journal": ("", lambda path: _read_part(path, "1.json", "journal")),
    "trials": ("", _read_trials),
    "replicates": ("", _read_replicates),
}
