"""Graphs that the literature names, with the answer that it gives; <-> is a hidden cause."""

from __future__ import annotations

from dataclasses import dataclass

from causalkit.identification.formulas.expression import Probability, Product, Ratio, Sum, Value


@dataclass(frozen=True)
class Famous:
    """P(outcome | do(treatment), given) in a graph: does it follow, and who says so."""

    name: str
    graph: str
    treatment: tuple
    outcome: tuple
    follows: bool
    source: str
    given: tuple = ()


def _case(name, graph, treatment, outcome, follows, source, given=""):
    return Famous(
        name,
        graph,
        tuple(treatment.split()),
        tuple(outcome.split()),
        follows,
        source,
        tuple(given.split()),
    )


PEARL = "Pearl (2009), Causality, 2nd ed."
SP06 = "Shpitser & Pearl (2006), AAAI; (2008), JMLR 9"
TEXTBOOK = "textbooks"
TIAN = "Tian (2002), Studies in Causal Reasoning and Learning"
_SP = "W1 -> X -> Y1; W2 -> Y2; W1 <-> W2; W1 <-> Y1; W1 <-> Y2; X <-> W2"
_CHAIN = "V1 -> V2 -> V3 -> V4 -> V5"
_NESTED = "A -> B -> C -> Y; A -> D -> Y; B -> D; A <-> C; B <-> Y; B <-> D"
_SEQUENCE = "X1 -> L -> X2 -> Y; X1 -> Y; X1 -> X2"
_WIDE = "Z1 -> Z2 -> X; Z1 -> Z3 -> X"
_Y0 = "y0.examples 0.2.11"

FAMOUS = (
    # identified
    _case("back door", "Z -> X -> Y; Z -> Y", "X", "Y", True, f"{PEARL}, p. 178"),
    _case("front door", "X -> Z -> Y; X <-> Y", "X", "Y", True, f"{PEARL}, p. 81"),
    _case(
        "napkin",
        "W -> Z -> X -> Y; W <-> X; W <-> Y",
        "X",
        "Y",
        True,
        "Pearl & Mackenzie (2018), The Book of Why, p. 240",
    ),
    _case("back and front door", "W -> X -> Z -> Y; W -> Y", "X", "Y", True, f"{_Y0}, PR 183"),
    _case(
        "M-bias",
        "X -> Y; X <-> Z; Z <-> Y",
        "X",
        "Y",
        True,
        "Greenland, Pearl & Robins (1999), Epidemiology 10",
    ),
    _case(
        "butterfly, wings seen",
        "A -> X; A -> Z; B -> Z; B -> Y; Z -> X; Z -> Y; X -> Y",
        "X",
        "Y",
        True,
        "Ding & Miratrix (2015), J. Causal Inference 3",
    ),
    _case(
        "conditional front door",
        "X -> M -> Y; W -> X; W -> M; W -> Y; X <-> Y",
        "X",
        "Y",
        True,
        "Xu et al. (2024), ICLR",
    ),
    _case("mediator with hidden cause", "X -> M -> Y; M <-> Y", "X", "Y", True, TEXTBOOK),
    _case(
        "Verma, third", "V1 -> V2 -> V3 -> V4; V2 <-> V4", "V3", "V4", True, "Verma & Pearl 1990"
    ),
    _case(
        "Verma, both", "V1 -> V2 -> V3 -> V4; V2 <-> V4", "V1 V3", "V4", True, "after Verma & Pearl"
    ),
    _case(
        "Verma, first", "V1 -> V2 -> V3 -> V4; V2 <-> V4", "V1", "V4", True, "Verma & Pearl 1990"
    ),
    _case(
        "chain of districts", "A -> B -> C -> D; A <-> C; B <-> D", "B", "D", True, f"after {TIAN}"
    ),
    _case(
        "long chain 1",
        f"{_CHAIN}; V1 <-> V3; V2 <-> V4; V3 <-> V5",
        "V1",
        "V5",
        True,
        f"{TIAN}, p. 70",
    ),
    _case(
        "long chain 2",
        f"{_CHAIN}; V1 <-> V5; V1 <-> V3; V2 <-> V4",
        "V1",
        "V5",
        True,
        f"{TIAN}, p. 59",
    ),
    _case(
        "two districts",
        "W1 -> W2 -> X -> Y; W3 -> W4 -> X; W1 <-> X; W1 <-> Y; W1 <-> W3; W3 <-> W2; "
        "W3 <-> W5; W5 <-> W4",
        "X",
        "Y",
        True,
        f"{TIAN}, p. 90",
    ),
    _case("two outcomes", _SP, "X", "Y1 Y2", True, f"{SP06}, fig. 3a"),
    _case("treatment after its rival", "W -> X -> Y; W <-> Y", "X", "Y", True, f"{SP06}, fig. 5"),
    _case("side branch", "X -> W -> Y; D -> Z -> Y; X <-> Y", "X", "Y", True, f"{SP06}, fig. 9a"),
    _case(
        "six covariates",
        f"{_WIDE}; Z4 -> X -> Y; Z4 -> Z5; Z3 -> Y",
        "X",
        "Y",
        True,
        f"{PEARL}, p. 80",
    ),
    _case(
        "six covariates, hidden causes",
        f"{_WIDE}; Z4 -> Z3 -> Y; Z4 -> Z5 -> Y; X -> W0 -> Y; X -> W1 -> W2 -> Y; Z1 <-> X; "
        "Z2 <-> Z3; Z3 <-> Z5; Z4 <-> Y",
        "X",
        "Y",
        True,
        f"Bareinboim, in {_Y0}",
    ),
    _case(
        "two mediators",
        "X -> Z1 -> Z2 -> Y; X -> Y; Z1 -> Y; X <-> Z2; Z1 <-> Y",
        "X",
        "Y",
        True,
        f"{PEARL}, p. 92, fig. 3.8f",
    ),
    _case(
        "front door behind a covariate",
        "Z2 -> X -> Z1 -> Y; Z2 -> Z1; Z2 -> Z3 -> Y; Z2 <-> X; Z2 <-> Y; X <-> Z3; X <-> Y",
        "X",
        "Y",
        True,
        f"{PEARL}, p. 92, fig. 3.8g",
    ),
    _case("plan", f"{_SEQUENCE}; X1 <-> L; L <-> Y", "X1 X2", "Y", True, f"{PEARL}, p. 119"),
    _case(
        "plan of two steps",
        "Z1 -> X1 -> X2 -> Y; Z2 -> Y; Z1 <-> Z2; Z1 <-> X2; Z2 <-> X2",
        "X1 X2",
        "Y",
        True,
        f"{PEARL}, p. 125",
    ),
    _case("treatment and feedback", f"{_SEQUENCE}; L <-> Y", "X1 X2", "Y", True, "Robins (1986)"),
    _case(
        "no adjustment set, yet identified",
        "A -> M -> Y; C3 -> Y; C1 -> C3; C1 -> M; C2 -> A; A <-> C3; C2 <-> C3; C2 <-> M",
        "A",
        "Y",
        True,
        "after Pearl (2014), as retold in textbooks on hidden variables",
    ),
    _case("nested, one", _NESTED, "A", "Y", True, "Ananke, tests of OneLineID"),
    _case(
        "virus and cytokines",
        "ADAM17 -> EGFR -> cytok; ADAM17 -> Sil6r -> IL6STAT3 -> cytok; ADAM17 -> TNF -> cytok; "
        "ADAM17 <-> Sil6r; ADAM17 <-> cytok; EGFR <-> IL6STAT3; EGFR <-> TNF",
        "EGFR",
        "cytok",
        True,
        "Mohammad-Taheri et al. (2022), Bioinformatics 38",
    ),
    _case(
        "growth factor",
        "SOS -> Ras -> PI3K -> AKT -> Raf -> Mek -> Erk; Ras -> Raf; PI3K <-> SOS",
        "SOS",
        "Erk",
        True,
        "Mohammad-Taheri et al. (2022), Bioinformatics 38",
    ),
    _case("given the mediator", "X -> Z -> Y; X <-> Z", "X", "Y", True, f"{SP06}, fig. 6a", "Z"),
    _case(
        "hedge for one of two treatments",
        "X1 -> X2 -> Y; X1 <-> X2",
        "X1 X2",
        "Y",
        True,
        "after Shpitser (2023), When does the ID algorithm fail?, arXiv:2307.03750",
    ),
    # not identified
    _case("bow", "X -> Y; X <-> Y", "X", "Y", False, f"{PEARL}, §3.5"),
    _case("bow at the mediator", "X -> Z -> Y; X <-> Z", "X", "Y", False, f"{PEARL}, §3.5"),
    _case("instrument", "Z -> X -> Y; X <-> Y", "X", "Y", False, f"{PEARL}, p. 153"),
    _case(
        "conditional instrument",
        "W -> Z -> X -> Y; W -> Y; W <-> Z; X <-> Y",
        "X",
        "Y",
        False,
        "Brito & Pearl (2002), UAI",
    ),
    _case(
        "butterfly, wings hidden",
        "X -> Y; Z -> X; Z -> Y; X <-> Z; Z <-> Y",
        "X",
        "Y",
        False,
        "Ding & Miratrix (2015), J. Causal Inference 3",
    ),
    _case(
        "front door with a way round",
        "X -> Z -> Y; X -> Y; X <-> Y",
        "X",
        "Y",
        False,
        f"{PEARL}, §3.3",
    ),
    _case(
        "front door, mediator confounded",
        "X -> Z -> Y; X <-> Y; Z <-> Y",
        "X",
        "Y",
        False,
        f"{PEARL}, §3.3",
    ),
    _case(
        "covariate with hidden causes",
        "Z -> X -> Y; Z <-> X; Z <-> Y",
        "X",
        "Y",
        False,
        "Bareinboim & Pearl (2012), UAI, fig. 1",
    ),
    _case("two outcomes, tied", f"{_SP}; W1 -> W2", "X", "Y1 Y2", False, f"{SP06}, fig. 3b"),
    _case(
        "side branch and a bow",
        "X -> W -> Y; D -> Z -> Y; X -> Y; X <-> Y",
        "X",
        "Y",
        False,
        "Tikka (2022), R Journal 14, cfid",
    ),
    _case("treatment and hidden L", f"{_SEQUENCE}; X1 <-> L; L <-> Y", "X1", "Y", False, TEXTBOOK),
    _case("nested, two", _NESTED, "A B", "Y", False, "Ananke, tests of OneLineID"),
    _case(
        "confounded mediator",
        "X -> Z -> Y; X -> Y; X <-> Z",
        "X",
        "Y",
        False,
        "Tikka (2022), R Journal 14, fig. 2",
    ),
    _case(
        "bow, given an instrument",
        "Z -> X -> Y; X <-> Y",
        "X",
        "Y",
        False,
        "Shpitser & Pearl (2006), UAI",
        "Z",
    ),
)

PUBLISHED = {
    "back door": Sum(("Z",), Product((Probability(("Y",), ("X", "Z")), Probability(("Z",))))),
    "front door": Sum(
        ("Z",),
        Product(
            (
                Probability(("Z",), ("X",)),
                Sum(
                    (Value("X"),),
                    Product((Probability(("Y",), (Value("X"), "Z")), Probability((Value("X"),)))),
                ),
            )
        ),
    ),
    "napkin": Ratio(
        Sum(("W",), Product((Probability(("X", "Y"), ("Z", "W")), Probability(("W",))))),
        Sum(("W",), Product((Probability(("X",), ("Z", "W")), Probability(("W",))))),
    ),
    "front door behind a covariate": Sum(
        ("Z1", "Z2"),
        Product(
            (
                Probability(("Z1",), ("X", "Z2")),
                Probability(("Z2",)),
                Sum(
                    (Value("X"),),
                    Product(
                        (
                            Probability(("Y",), ("Z1", "Z2", Value("X"))),
                            Probability((Value("X"),), ("Z2",)),
                        )
                    ),
                ),
            )
        ),
    ),
    "treatment and feedback": Sum(
        ("L",), Product((Probability(("Y",), ("X1", "X2", "L")), Probability(("L",), ("X1",))))
    ),
    "chain of districts": Sum(
        ("C", "A"),
        Product(
            (
                Probability(("C",), ("A", "B")),
                Probability(("A",)),
                Sum(
                    (Value("B"),),
                    Product(
                        (
                            Probability(("D",), ("A", Value("B"), "C")),
                            Probability((Value("B"),), ("A",)),
                        )
                    ),
                ),
            )
        ),
    ),
}
"""Formulas as their authors give them."""
