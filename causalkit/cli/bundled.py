"""`datasets` and `demo`: what comes with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from causalkit.cli import options
from causalkit.cli.json_text import graph_values
from causalkit.cli.running import Answer, remark
from causalkit.cli.writing import check_table_name, write_table
from causalkit.errors import InputError

__all__ = ["datasets", "demo"]


def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Left out, all are listed.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the data: .csv, .csv.gz, .tsv, .parquet or -."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the graph, where it is known.")
    ] = None,
    rows: Annotated[int, typer.Option(help="Rows that are drawn from a network.")] = 1000,
    seed: options.Seed = 0,
) -> Answer:
    """List the data sets that are bundled, describe one, or write it to a file."""
    from causalkit import datasets as bundled

    networks = bundled.available_networks()
    if name is None:
        if out is not None or truth is not None:
            raise InputError("--out or --truth without a data set; expected its name before them.")
        return _listed([*bundled.available(), *networks])
    if out is not None:
        check_table_name(out)
    described = bundled.describe(name)
    graph = None if truth is None else bundled.true_graph(name)
    if out is not None:
        network = name in networks
        data = bundled.load_network(name).sample(rows, rng=seed) if network else bundled.load(name)
        write_table(data, out)
        remark(f"{len(data)} rows written to {out}")
    if graph is not None and truth is not None:
        graph.save(truth)
        remark(f"graph written to {truth}")
    values = {**_values(described), "out": None if out is None else str(out)}
    values["graph"] = None if graph is None else graph_values(graph)
    return Answer("" if out is not None or truth is not None else repr(described), values)


def demo(
    report: Annotated[Path, typer.Option(metavar="FILE", help="Where the report goes.")] = Path(
        "report.html"
    ),
) -> Answer:
    """Run the whole chain on real data: 401(k) eligibility and household wealth."""
    from causalkit.cli.demo import run_demo

    analysis, references = run_demo(report)
    return Answer(
        "\n\n".join([repr(analysis), references.text(), f"Report: {report}"]),
        {
            **analysis.to_dict(),
            "references": [
                dict(zip(references.columns, row, strict=True)) for row in references.rows
            ],
            "report": str(report),
        },
    )


def _listed(names: list[str]) -> Answer:
    from causalkit import datasets as bundled

    found = [bundled.describe(name) for name in names]
    width = max(map(len, names))
    return Answer(
        "\n".join(f"{one.name:<{width}}  {one.title}" for one in found),
        {"datasets": [_values(one) for one in found]},
    )


def _values(described: Any) -> dict[str, Any]:
    suggested = described.suggested
    return {
        "name": described.name,
        "title": described.title,
        "n_rows": described.n_rows,
        "columns": described.columns,
        "missing": described.missing,
        "truth": described.truth,
        "treatment": None if suggested is None else suggested.treatment,
        "outcome": None if suggested is None else suggested.outcome,
        "source": described.source,
        "licence": described.licence,
        "citation": described.citation,
    }
