"""The weak score: whether an LSTM tells windows of drawn series from windows of real ones.

The papers on generated series (TimeGAN, CausalTime) train a small recurrent network on windows of
both kinds and report how far its area under the curve on windows left out is from one half. It is a
*weak* test: a few rounds of one network of a fixed form miss differences that other classifiers
see, so a score near zero says little. A score far from zero says much.

The published protocol splits overlapping windows at random, so that windows on both sides share
most of their steps; here blocks of time are left out, with gaps between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.checks import check_count, check_fraction, check_positive
from causalkit._core.deep import check_device, load_torch, with_gradients
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit._core.series import Series, as_series
from causalkit.errors import InputError
from causalkit.models.causaltime.descent import Adam
from causalkit.typing import Data, FloatArray, IntArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DiscriminativeScore", "weak_discriminative_score"]

_FEWEST: Final = 20
_MOST_RUNS: Final = 20
_LONG: Final = 4
"""Windows' lengths that a run of windows is long at least."""


@dataclass(frozen=True, slots=True, repr=False)
class DiscriminativeScore(Reported):
    """How well an LSTM told drawn series from real ones.

    Attributes
    ----------
    value : float
        Mean over repeats of ``|AUC - 1/2|``: 0 if it could not, 1/2 if it always could.
    std_error : float
        Of that mean, over splits and first weights; NaN for one repeat.
    aucs : tuple of float
        Area under the curve of each repeat, on windows left out.
    n_real, n_synthetic : int
        Windows of both kinds.
    window : int
        Steps in each.
    """

    value: float
    std_error: float
    aucs: tuple[float, ...]
    n_real: int
    n_synthetic: int
    window: int

    def to_frame(self) -> pd.DataFrame:
        """Return one row a repeat: auc, score."""
        import pandas as pd

        aucs = np.array(self.aucs)
        return pd.DataFrame({"auc": aucs, "score": np.abs(aucs - 0.5)})

    def _report(self) -> Report:
        return Report(
            "Weak discriminative score (LSTM)",
            (
                ("|AUC - 1/2|", self.value),
                ("standard error", self.std_error),
                ("AUC of each repeat", ", ".join(f"{auc:.3f}" for auc in self.aucs)),
                ("windows", f"{self.n_real} real, {self.n_synthetic} drawn"),
                ("steps in a window", self.window),
            ),
            notes=("A small score says little: the test is weak. Other classifiers may see more.",),
        )


def weak_discriminative_score(
    real: Data,
    synthetic: Data,
    *,
    window: int = 20,
    hidden_units: int = 16,
    epochs: int = 5,
    learning_rate: float = 5e-3,
    batch_size: int = 32,
    test_size: float = 0.2,
    n_repeats: int = 3,
    max_windows: int = 2000,
    panel: Name | None = None,
    random_state: RandomState = 0,
    device: str = "cpu",
) -> DiscriminativeScore:
    """Score drawn series by whether an LSTM tells them from real ones.

    Parameters
    ----------
    real, synthetic : DataFrame, 2-D ndarray or dict of columns; a list of them; or a 3-D ndarray
        Series with the same columns. Windows with a missing cell are left out on both sides.
    window : int, default 20
        Steps in a window.
    hidden_units, epochs, learning_rate, batch_size
        Of the LSTM and its descent.
    test_size : float, default 0.2
        Share of each kind of windows that is left out, in runs of time, other ones each repeat. No
        window that is learnt from shares a step with them.
    n_repeats : int, default 3
    max_windows : int, default 2000
        Of each kind at most; evenly spread over time.
    panel : str or int, optional
        Column that tells chains or subjects apart, where there is one.
    random_state : int, Generator or None
    device : str, default "cpu"

    Returns
    -------
    DiscriminativeScore

    Raises
    ------
    InputError
        If torch is not installed, columns differ, or there are too few windows.

    Notes
    -----
    The mean of ``|AUC - 1/2|`` is above 0 even where both kinds come from one source, more so the
    shorter the series and the slower they move. Score one part of the real series against another
    (`real[0::2]` and `real[1::2]` of a list of blocks) to see by how much.

    References
    ----------
    Yoon, Jarrett and van der Schaar (2019), "Time-series generative adversarial networks", Advances
    in Neural Information Processing Systems 32. Cheng, Wang, Xiao, Zhong, Suo and He (2024),
    "CausalTime: realistically generated time-series for benchmarking of causal discovery",
    International Conference on Learning Representations, arXiv:2310.01753.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> noise, walk = rng.normal(size=(400, 2)), rng.normal(size=(400, 2)).cumsum(axis=0)
    >>> weak_discriminative_score(noise, walk, window=5, n_repeats=1).value > 0.3  # doctest: +SKIP
    True
    """
    who = "weak_discriminative_score"
    check_count(window, "window", minimum=2)
    check_count(n_repeats, "n_repeats")
    check_fraction(test_size, "test_size")
    torch = load_torch(who, instead="use causalkit.models.fidelity, which needs no torch")
    check_device(device, who, instead="leave device='cpu'")
    sizes = check_count(hidden_units, "hidden_units"), check_count(epochs, "epochs")
    settings = (
        *sizes,
        check_positive(learning_rate, "learning_rate"),
        check_count(batch_size, "batch_size"),
    )
    kinds = _of_both(real, synthetic, panel)
    starts = [_ends(series, window, max_windows) for series in kinds]
    aucs = []
    with with_gradients(torch):
        for rng in as_generator(random_state).spawn(n_repeats):
            parts = [_split(rows, window, test_size, rng) for rows in starts]
            train, test = (
                [
                    _windows(series, part[side], window)
                    for series, part in zip(kinds, parts, strict=True)
                ]
                for side in (0, 1)
            )
            aucs.append(_auc(torch, device, train, test, settings, rng))
    apart = np.abs(np.array(aucs) - 0.5)
    error = float(apart.std(ddof=1) / np.sqrt(n_repeats)) if n_repeats > 1 else float("nan")
    return DiscriminativeScore(
        float(apart.mean()), error, tuple(aucs), len(starts[0]), len(starts[1]), window
    )


def _of_both(real: Data, synthetic: Data, panel: Name | None) -> tuple[Series, Series]:
    """Real and drawn series with the same columns in the same order."""
    ours, theirs = (as_series(data, panel=_there(panel, data)) for data in (real, synthetic))
    if set(ours.names) != set(theirs.names):
        raise InputError(
            f"real series are {list(ours.names)[:8]}, drawn ones {list(theirs.names)[:8]}; "
            "expected the same columns. Leave out residual series (residuals=False) and others."
        )
    return ours, theirs.select(ours.names)


def _there(panel: Name | None, data: Data) -> Name | None:
    """The column of subjects, for data that have it: one chain has none."""
    from causalkit._core.table import column_names

    if panel is None or isinstance(data, (list, tuple)) or getattr(data, "ndim", 2) == 3:
        return None
    return panel if panel in column_names(data) else None


def _ends(series: Series, window: int, most: int) -> IntArray:
    """Rows at which whole windows end."""
    rows = np.sort(series.usable(window - 1))
    if len(rows) < _FEWEST + 4 * window:
        raise InputError(
            f"there are {len(rows)} windows of {window} steps without a missing cell; expected "
            f"{_FEWEST + 4 * window} at least, of real and of drawn series. Use a smaller window, "
            "or longer series."
        )
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.intp)]


def _split(
    rows: IntArray, window: int, share: float, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Leave out some runs of windows; what shares a step with them is used by neither side."""
    n_runs = int(np.clip(len(rows) // (_LONG * window), 1.0 / share, _MOST_RUNS))
    run = np.arange(len(rows)) * n_runs // len(rows)
    left_out = rng.permutation(n_runs)[: max(1, round(share * n_runs))]
    held = np.isin(run, left_out)
    test = rows[held]
    after = np.minimum(np.searchsorted(test, rows), len(test) - 1)
    before = np.maximum(np.searchsorted(test, rows, side="right") - 1, 0)
    near = np.minimum(np.abs(test[after] - rows), np.abs(rows - test[before]))
    train = rows[near >= window]
    if not len(train):
        raise InputError(
            f"test_size={share} leaves no window to learn from; expected some. Use a smaller one, "
            "or longer series."
        )
    return train, test


def _windows(series: Series, ends: IntArray, window: int) -> FloatArray:
    """Windows of shape (n, window, p), the first step first."""
    steps = ends[:, None] + np.arange(1 - window, 1)
    return np.asarray(series.table.values[steps], dtype=np.float64)


def _auc(
    torch: Any,
    device: str,
    train: list[FloatArray],
    test: list[FloatArray],
    settings: tuple[int, int, float, int],
    rng: np.random.Generator,
) -> float:
    """Train on windows of both kinds and return the area under the curve on others."""
    from sklearn.metrics import roc_auc_score

    hidden_units, epochs, learning_rate, batch_size = settings
    center = train[0].mean(axis=(0, 1))
    scale = np.maximum(train[0].std(axis=(0, 1)), 1e-12)
    inputs = [
        torch.tensor(((np.concatenate(part) - center) / scale).astype(np.float32), device=device)
        for part in (train, test)
    ]
    labels = [np.repeat([0.0, 1.0], [len(one) for one in part]) for part in (train, test)]
    share = labels[0].mean()
    price = torch.tensor(
        np.where(labels[0] == 1.0, 0.5 / share, 0.5 / (1.0 - share)).astype(np.float32),
        device=device,
    )
    told = torch.tensor(labels[0].astype(np.float32), device=device)
    net = _discriminator(torch, inputs[0].shape[2], hidden_units, device, rng)
    adam = Adam(torch, list(net.parameters()))
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    for _ in range(epochs):
        order = torch.tensor(rng.permutation(len(told)), device=device)
        for rows in order.split(batch_size):
            value = loss(_said(net, inputs[0][rows]), told[rows], weight=price[rows])
            adam.step(value, learning_rate)
    with torch.no_grad():
        said = _said(net, inputs[1]).cpu().numpy()
    return float(roc_auc_score(labels[1], said))


def _discriminator(
    torch: Any, p: int, hidden_units: int, device: str, rng: np.random.Generator
) -> Any:
    """An LSTM and a line, with weights drawn by NumPy."""
    kept = torch.random.get_rng_state()  # making layers draws from torch's own source
    net = torch.nn.ModuleDict(
        {
            "memory": torch.nn.LSTM(p, hidden_units, batch_first=True),
            "line": torch.nn.Linear(hidden_units, 1),
        }
    )
    torch.random.set_rng_state(kept)
    edge = hidden_units**-0.5
    with torch.no_grad():
        for weights in net.parameters():
            drawn = rng.uniform(-edge, edge, size=tuple(weights.shape))
            weights.copy_(torch.tensor(drawn))
    return net.to(device)


def _said(net: Any, windows: Any) -> Any:
    """Log-odds of being drawn, from the state after each window."""
    states, _ = net["memory"](windows)
    return net["line"](states[:, -1]).squeeze(1)
