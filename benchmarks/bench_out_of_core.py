"""A Parquet file that is never in memory: time beside merely reading it, memory, the same graph.

    python benchmarks/bench_out_of_core.py [--rows 2000000] [--columns 30] [--repeats 3]

Writes linear Gaussian data of a random DAG (expected degree 4) to a temporary folder, by row
groups, and runs each of these in a fresh process, in turn, so that all meet the same machine:

- read, whole table: `pyarrow.parquet.read_table(path)`, by all of its threads, which keeps it all;
- read, row groups: every column to NumPy, a row group at a time, by all of pyarrow's threads;
- read, batches: the same by record batches, of any size of row group;
- read, pyarrow's defaults: the same with `ParquetFile(path).iter_batches()`, which keeps more;
- moments: `moments_of(path)`, all that is computed from the rows;
- PC: `PC(alpha=0.01).fit(path)`, moments included.

What is imported and compiled once a process is not timed. `x reading` is the median ratio of wall
times to the quickest of the reads in the same round. On a busy machine, where threads wait
for a core, compare the seconds of a CPU (user and system, all threads). Memory is the largest
resident size of the whole process (Linux), interpreter and libraries included. At the end
PC of a file of at most a million rows is compared with PC of the same rows in memory.
`--rows 20000000` takes 5 GB of disk and some minutes, most of them to write the file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.tables import head, row
from causalkit.graph import random_dag

GROUP = 2**20

HEAD = """
import json, sys
from time import perf_counter, process_time
import numpy as np
import pyarrow.dataset
import pyarrow.parquet as pq
path = sys.argv[1]
"""

JOBS = {
    "read, whole table": """
start, used = perf_counter(), process_time()
table = pq.read_table(path)
n = table.num_rows
""",
    "read, row groups": """
start, used, n = perf_counter(), process_time(), 0
with pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False) as file:
    for group in range(file.num_row_groups):
        n += sum(len(column.to_numpy()) for column in file.read_row_group(group).columns)
""",
    "read, batches": """
start, used, n = perf_counter(), process_time(), 0
with pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False) as file:
    for batch in file.iter_batches(2**18):
        n += sum(len(column.to_numpy()) for column in batch.columns)
""",
    "read, pyarrow's defaults": """
start, used, n = perf_counter(), process_time(), 0
with pq.ParquetFile(path) as file:
    for batch in file.iter_batches():
        n += sum(len(column.to_numpy()) for column in batch.columns)
""",
    "moments": """
from causalkit._core.moments import Moments
from causalkit._core.streams import moments_of
Moments.of(np.random.default_rng(0).normal(size=(100_000, 3)))  # compiles, or loads it
start, used = perf_counter(), process_time()
n = moments_of(path).n_rows
""",
    "PC": """
from causalkit.discovery import PC
rng = np.random.default_rng(0)
rows = rng.normal(size=(100_000, 12))
PC(alpha=0.01).fit(rows @ rng.normal(size=(12, 12)))  # compiles, or loads it
start, used = perf_counter(), process_time()
n = len(PC(alpha=0.01).fit(path).graph_.edges())
""",
}

TAIL = """
seconds, used = perf_counter() - start, process_time() - used
# Not ru_maxrss, which a process inherits from the one that started it.
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**20
print(json.dumps([seconds, used, peak]))
"""

SAME = """
import numpy as np
import pyarrow.parquet as pq
import sys
from causalkit.discovery import PC
path = sys.argv[1]
by_blocks, at_once = PC(alpha=0.01).fit(path), PC(alpha=0.01).fit(pq.read_table(path))
print(by_blocks.graph_ == at_once.graph_, len(at_once.graph_.edges()), at_once.n_tests_)
"""


def write(path, rows, columns):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    dag = random_dag(columns, expected_degree=4.0, rng=rng)
    shape = (columns, columns)
    weights = dag.directed * rng.uniform(0.3, 1.0, shape) * rng.choice([-1, 1], shape)
    mixing = np.linalg.inv(np.eye(columns) - weights)
    names = [f"v{k}" for k in range(columns)]
    with pq.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in names])) as writer:
        for start in range(0, rows, GROUP):
            values = rng.normal(size=(min(GROUP, rows - start), columns)) @ mixing
            group = pa.table(dict(zip(names, values.T, strict=True)))
            writer.write_table(group, row_group_size=GROUP)


def fresh(code, path):
    root = Path(__file__).resolve().parents[1]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    run = [sys.executable, "-c", code, str(path)]
    return subprocess.run(run, env=environment, check=True, stdout=subprocess.PIPE).stdout.decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        write(path, options.rows, options.columns)
        size = path.stat().st_size / 2**30
        print(f"{options.rows:,} rows x {options.columns} columns, {size:.2f} GiB of Parquet\n")
        runs = {name: [] for name in JOBS}
        for _ in range(options.repeats):
            for name, job in JOBS.items():
                runs[name].append(json.loads(fresh(HEAD + job + TAIL, path)))
        head("job", "seconds by the clock", "x reading", "of a CPU", "peak GiB")
        reads = [[run[0] for run in found] for name, found in runs.items() if "read" in name]
        quickest = [min(times) for times in zip(*reads, strict=True)]
        for name, found in runs.items():
            seconds = median(run[0] for run in found)
            ratio = median(run[0] / base for run, base in zip(found, quickest, strict=True))
            used, peak = median(run[1] for run in found), max(run[2] for run in found)
            row(name, *(f"{value:.2f}" for value in (seconds, ratio, used, peak)))
        path.unlink()
        rows = min(options.rows, 1_000_000)
        write(path, rows, options.columns)
        same, n_edges, n_tests = fresh(SAME, path).split()
        print(
            f"\n{rows:,} rows by blocks and in memory: same graph {same} "
            f"({n_edges} edges, {n_tests} tests)"
        )


if __name__ == "__main__":
    main()
