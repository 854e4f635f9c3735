"""What can be asked of series that networks draw: samples, interventions, effects, files.

All of it rests on what was learnt (`dynamics_`) and on the exact graph. The noise of a run depends
on the seed and on nothing else, so two runs of one seed that differ in what is done to the series
differ by that alone; effects are means of such differences, with their Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count
from causalkit._core.deep import load_torch, with_gradients
from causalkit._core.random import as_generator, draw_seed
from causalkit.graph import LaggedGraph
from causalkit.models.causaltime.actions import read_actions
from causalkit.models.causaltime.dynamics import Dynamics
from causalkit.models.causaltime.flow import load_zuko
from causalkit.models.interventions import Hold, Intervention
from causalkit.models.truth import Truth, mean_truth
from causalkit.typing import Name, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INSTEAD", "WHO", "DrawsSeries"]

WHO: Final = "CausalTime"
INSTEAD: Final = "use Twin, which needs no torch"
_LEARNT: Final = (
    "dynamics_",
    "graph_",
    "hypothesis_",
    "observed_graph_",
    "strengths_",
    "importance_",
    "full_loss_",
    "causal_loss_",
    "noise_loss_",
    "noise_correlation_",
    "n_obs_",
    "n_features_in_",
)


class DrawsSeries:
    """Mix-in for what has `dynamics_`, `graph_` and `hypothesis_`."""

    dynamics_: Dynamics
    graph_: LaggedGraph
    hypothesis_: LaggedGraph
    device: str

    def sample(
        self,
        n_steps: int,
        n_chains: int = 1,
        rng: RandomState = None,
        *,
        do: Mapping[Name, Intervention] | None = None,
        burn_in: int = 200,
        residuals: bool = True,
    ) -> pd.DataFrame:
        """Draw series that run on by themselves; none of their steps is a real one.

        Parameters
        ----------
        n_steps : int
        n_chains : int, default 1
            Series that are drawn, independent of each other, all in one go.
        rng : int, Generator or None
            The same seed gives the same bytes; with another `do`, the same noise.
        do : mapping of name to number, Hold, Shift or Policy
            What is done to series or residual series. `start` and `stop` count from the first row
            that is returned; without a `start` it also acts before. With all residuals held at 0,
            `hypothesis_` is exact over the series alone.
        burn_in : int, default 200
            Steps that are drawn first and left out, so that the start at the mean is forgotten.
        residuals : bool, default True
            Whether residual series are among the columns, as they are in `graph_`.

        Returns
        -------
        DataFrame of n_steps * n_chains rows
            With a column "chain" in front if there are several: one chain after the other.
        """
        import pandas as pd

        check_is_fitted(self, "dynamics_")
        check_count(n_steps, "n_steps")
        check_count(n_chains, "n_chains")
        check_count(burn_in, "burn_in", minimum=0)
        actions = read_actions(do, self.graph_, burn_in=burn_in, n_steps=n_steps, n_chains=n_chains)
        torch, zuko = load_torch(WHO, instead=INSTEAD), load_zuko(WHO)
        with with_gradients(torch), torch.no_grad():
            running = self.dynamics_.on(torch, zuko, self.device)
            values = running.run(actions, n_steps, n_chains, burn_in, as_generator(rng))
        names = (self.graph_ if residuals else self.hypothesis_).variables
        flat = values.reshape(-1, values.shape[2])
        drawn = pd.DataFrame({name: flat[:, k] for k, name in enumerate(names)})
        if n_chains > 1:
            drawn.insert(0, "chain", np.repeat(np.arange(n_chains), n_steps))
        return drawn

    def effect(
        self,
        x: Name,
        y: Name,
        *,
        horizon: int = 1,
        contrast: tuple[float, float] = (0.0, 1.0),
        sustained: bool = False,
        n_chains: int = 2000,
        burn_in: int = 200,
        rng: RandomState = 0,
    ) -> Truth:
        """Return the effect of setting one variable on another some steps later.

        Parameters
        ----------
        x, y : names
            Series or residual series.
        horizon : int, default 1
            Steps from the (first) step at which x is set to that at which y is looked at.
        contrast : tuple of float, default (0, 1)
            What x is set to: from, to; in the units of the data.
        sustained : bool, default False
            Whether x is held from then on, or set for one step.
        n_chains : int, default 2000
            Pairs of chains with the same noise, over which the difference is averaged.
        burn_in : int, default 200
        rng : int, Generator or None

        Returns
        -------
        Truth
            With its Monte Carlo error.

        Notes
        -----
        What the past of x already brought about through residuals counts as everything else does:
        it is the effect in the model of all 2p variables.
        """
        check_is_fitted(self, "dynamics_")
        check_count(horizon, "horizon", minimum=0)
        check_count(n_chains, "n_chains", minimum=2)
        name = self.graph_.node(y).name
        seed, stop = draw_seed(as_generator(rng)), None if sustained else 1
        found = []
        for level in contrast:
            drawn = self.sample(
                horizon + 1,
                n_chains,
                rng=seed,
                do={x: Hold(level, start=0, stop=stop)},
                burn_in=burn_in,
            )
            found.append(drawn[name].to_numpy()[horizon :: horizon + 1])
        held = "held" if sustained else "set for one step"
        low, high = contrast
        question = f"{x} {held}, {low:g} to {high:g}: change of {y} after {horizon} steps"
        return mean_truth(found[1] - found[0], question)

    def save(self, path: str | PathLike[str]) -> None:
        """Write what was learnt to a file: arrays as in `numpy.savez`, the rest as JSON in it.

        Parameters
        ----------
        path : str or path
            By custom it ends in `.npz`.
        """
        from causalkit.models.saving import write_value

        check_is_fitted(self, "dynamics_")
        write_value({name: getattr(self, name) for name in _LEARNT}, path, kind=WHO)

    @classmethod
    def load(cls, path: str | PathLike[str], **settings: Any) -> Self:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : str or path
        **settings
            Of the estimator, such as `device`; they are not in the file.

        Returns
        -------
        CausalTime
            It draws the same series from the same seeds.

        Raises
        ------
        InputError
            If the file holds something else.
        """
        from causalkit.models.saving import read_value, whole

        model = cls(**settings)
        learnt = read_value(path, kind=WHO)
        with whole(path):
            vars(model).update({name: learnt[name] for name in _LEARNT})
        return model
