"""Small data sets that have an answer: tables with published results, networks with exact ones.

A method is learnt, and a program is checked, on data whose answer somebody has published or proved.
Each bundled set says what is known about it, and how it may be used:

>>> from causalkit import datasets
>>> datasets.available()
('401ksubs', 'card', 'dwd', 'jtrain2', 'jtrain3', 'kielmc', 'macrodata', 'nhefs', 'sachs',
 'sachs_interventions')
>>> jobs = datasets.load("jtrain2")
>>> jobs.shape
(445, 19)
>>> print(datasets.describe("jtrain2").truth)
A randomised experiment: ... 1.794 (0.633) thousand dollars ...

Two kinds of things are kept apart. A *table* is data that somebody measured; :func:`load` returns
it with the column names of its source. A *network* is a model that somebody wrote down, so it has
no rows of its own: :func:`load_network` returns it, and you draw as many rows as you need.

>>> asia = datasets.load_network("asia")
>>> asia.sample(3, rng=0).shape
(3, 8)
>>> asia.do({"smoke": "yes"}).probability({"dysp": "yes"})  # exact
0.5528...

Where the graph is known or agreed upon, :func:`true_graph` returns it. Sources and licences of all
files are in `causalkit/datasets/data/LICENCES.md`; `tools/build_datasets.py` rebuilds the files.
"""

from causalkit.datasets.catalogue import (
    Description,
    Question,
    available,
    available_networks,
    describe,
)
from causalkit.datasets.networks import DiscreteNetwork, load_network
from causalkit.datasets.tables import load, true_graph

__all__ = [
    "Description",
    "DiscreteNetwork",
    "Question",
    "available",
    "available_networks",
    "describe",
    "load",
    "load_network",
    "true_graph",
]
