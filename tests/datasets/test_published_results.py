"""The bundled tables give the numbers that were published for them, by plain NumPy.

Each number stands beside its source; the tolerance is half a unit of the last published digit.
"""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.datasets import load


def design(frame, columns):
    return np.column_stack([np.ones(len(frame)), frame[columns].to_numpy(dtype=float)])


def two_stage(y, X, Z):
    """Coefficients of X with instruments Z, residuals, and the bread of the sandwich."""
    fitted = Z @ np.linalg.lstsq(Z, X, rcond=None)[0]
    bread = np.linalg.inv(fitted.T @ fitted)
    beta = bread @ fitted.T @ y
    return beta, y - X @ beta, bread, fitted


def classical(residual, bread, n_columns):
    return np.sqrt(np.diag(bread) * (residual @ residual) / (len(residual) - n_columns))


def robust(residual, bread, fitted):
    """White's standard errors with the factor n / (n - k), also known as HC1."""
    n, k = fitted.shape
    scores = fitted * residual[:, None]
    return np.sqrt(np.diag(bread @ scores.T @ scores @ bread) * n / (n - k))


def least_squares(y, X):
    beta, residual, bread, fitted = two_stage(y, X, X)
    return beta, classical(residual, bread, X.shape[1]), robust(residual, bread, fitted)


def dummies(frame, columns):
    """One column for each level but the first."""
    parts = [
        frame[c].to_numpy()[:, None] == frame[c].cat.categories.to_numpy()[1:] for c in columns
    ]
    return np.hstack(parts).astype(float)


# --- 401(k) -------------------------------------------------------------------------------------

ABADIE = ["inc", "age", "agesq", "marr", "fsize"]


def test_401k_participation_by_least_squares():
    """Abadie (2003), Table 2: 13,527 dollars (robust standard error 1,810)."""
    frame = load("401ksubs")
    y = frame["nettfa"].to_numpy()
    beta, _, std_error = least_squares(y, design(frame, ["p401k", *ABADIE]))
    assert beta[1] == pytest.approx(13.527, abs=5e-4)
    assert std_error[1] == pytest.approx(1.810, abs=5e-4)


def test_401k_participation_with_eligibility_as_instrument():
    """Abadie (2003), Table 2: 9,418.83 dollars (robust standard error 2,152.89)."""
    frame = load("401ksubs")
    y = frame["nettfa"].to_numpy()
    X, Z = design(frame, ["p401k", *ABADIE]), design(frame, ["e401k", *ABADIE])
    beta, residual, bread, fitted = two_stage(y, X, Z)
    assert beta[1] == pytest.approx(9.41883, abs=5e-6)
    assert robust(residual, bread, fitted)[1] == pytest.approx(2.15289, abs=5e-6)


def test_401k_eligibility_by_least_squares():
    """Given quadratics in income and age: 9.705 thousand dollars (robust standard error 1.37)."""
    frame = load("401ksubs")
    X = design(frame, ["e401k", "inc", "incsq", "age", "agesq"])
    beta, _, std_error = least_squares(frame["nettfa"].to_numpy(), X)
    assert beta[1] == pytest.approx(9.705, abs=1e-3)
    assert std_error[1] == pytest.approx(1.37, abs=5e-3)


# --- returns to schooling -----------------------------------------------------------------------

CARD = [
    "exper",
    "expersq",
    "black",
    "smsa",
    "south",
    "smsa66",
    *(f"reg66{k}" for k in range(2, 10)),
]


def test_return_to_schooling_by_least_squares():
    """Card (1995), Table 2; Wooldridge, Example 15.4: 0.0747 (0.0035)."""
    frame = load("card")
    beta, std_error, _ = least_squares(frame["lwage"].to_numpy(), design(frame, ["educ", *CARD]))
    assert beta[1] == pytest.approx(0.0747, abs=5e-5)
    assert std_error[1] == pytest.approx(0.0035, abs=5e-5)


def test_return_to_schooling_with_college_proximity_as_instrument():
    """Card (1995), Table 3; Wooldridge, Example 15.4: 0.1315 (0.0550)."""
    frame = load("card")
    y = frame["lwage"].to_numpy()
    X, Z = design(frame, ["educ", *CARD]), design(frame, ["nearc4", *CARD])
    beta, residual, bread, _ = two_stage(y, X, Z)
    assert beta[1] == pytest.approx(0.1315, abs=5e-5)
    assert classical(residual, bread, X.shape[1])[1] == pytest.approx(0.0550, abs=5e-5)


# --- job training -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "published", "std_error"),
    [("jtrain2", 1.794, 0.633), ("jtrain3", -15.205, 1.154)],
)
def test_job_training_difference_of_means(name, published, std_error):
    """Dehejia and Wahba (1999), Table 3: 1,794 (633) and -15,205 (1,154) dollars."""
    frame = load(name)
    beta, classical_error, _ = least_squares(frame["re78"].to_numpy(), design(frame, ["train"]))
    assert beta[1] == pytest.approx(published, abs=5e-4)
    assert classical_error[1] == pytest.approx(std_error, abs=1e-3)


# --- house prices -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "published", "std_error"),
    [
        ([], -11863.90, 7456.65),
        (["age", "agesq"], -21920.27, 6359.75),
        (
            ["age", "agesq", "intst", "land", "area", "rooms", "baths"],
            -14177.93,
            4987.27,
        ),
    ],
)
def test_incinerator_difference_in_differences(given, published, std_error):
    """Wooldridge, Example 13.3, Table 13.2."""
    frame = load("kielmc")
    X = design(frame, ["y81nrinc", "y81", "nearinc", *given])
    beta, classical_error, _ = least_squares(frame["rprice"].to_numpy(), X)
    assert beta[1] == pytest.approx(published, abs=5e-3)
    assert classical_error[1] == pytest.approx(std_error, abs=5e-3)


# --- smoking and weight: Hernán and Robins, What If ---------------------------------------------


@pytest.fixture(scope="module")
def smokers():
    frame = load("nhefs")
    frame = frame[frame["wt82"].notna()]
    assert len(frame) == 1566
    continuous = frame[["age", "smokeintensity", "smokeyrs", "wt71"]].to_numpy(dtype=float)
    binary = frame[["sex", "race"]].to_numpy(dtype=float)
    labels = dummies(frame, ["education", "exercise", "active"])
    covariates = np.hstack([binary, continuous, continuous**2, labels])
    return frame, covariates


def test_smoking_unadjusted(smokers):
    """Section 12.1: 2.5 (95% interval 1.7 to 3.4)."""
    frame, _ = smokers
    beta, std_error, _ = least_squares(frame["wt82_71"].to_numpy(), design(frame, ["qsmk"]))
    ends = beta[1] + 1.96 * std_error[1] * np.array([-1, 0, 1])
    assert ends == pytest.approx([1.7, 2.5, 3.4], abs=0.05)


def test_smoking_by_inverse_probability_weighting(smokers):
    """Section 12.2: 3.4; the weights run from 1.05 to 16.7, with mean 2.00."""
    frame, covariates = smokers
    t, y = frame["qsmk"].to_numpy(), frame["wt82_71"].to_numpy()
    X = np.column_stack([np.ones(len(frame)), covariates])
    X /= np.linalg.norm(X, axis=0)
    beta = np.zeros(X.shape[1])
    for _ in range(25):  # Newton's method for the logistic likelihood
        p = 1 / (1 + np.exp(-X @ beta))
        beta += np.linalg.solve((X * (p * (1 - p))[:, None]).T @ X, X.T @ (t - p))
    weight = np.where(t == 1, 1 / p, 1 / (1 - p))
    assert (weight.min(), weight.mean(), weight.max()) == pytest.approx((1.05, 2.0, 16.7), abs=0.05)
    treated, others = (np.average(y[t == k], weights=weight[t == k]) for k in (1, 0))
    assert treated - others == pytest.approx(3.4, abs=0.05)


def test_smoking_by_standardisation(smokers):
    """Section 13.3: 5.3 under quitting, 1.8 under none, effect 3.5."""
    frame, covariates = smokers
    t, dose = frame["qsmk"].to_numpy(), frame["smokeintensity"].to_numpy()

    def outcome_design(t):
        return np.column_stack([np.ones(len(frame)), t, t * dose, covariates])

    beta, _, _ = least_squares(frame["wt82_71"].to_numpy(), outcome_design(t))
    quit_all, quit_none = ((outcome_design(np.full(len(t), k)) @ beta).mean() for k in (1, 0))
    assert (quit_all, quit_none) == pytest.approx((5.3, 1.8), abs=0.05)
    assert quit_all - quit_none == pytest.approx(3.5, abs=0.05)


def test_smoking_by_outcome_regression(smokers):
    """Section 15.1, without interactions: 3.5 (95% interval 2.6 to 4.3)."""
    frame, covariates = smokers
    X = np.column_stack([np.ones(len(frame)), frame["qsmk"], covariates])
    beta, std_error, _ = least_squares(frame["wt82_71"].to_numpy(), X)
    ends = beta[1] + 1.96 * std_error[1] * np.array([-1, 0, 1])
    assert ends == pytest.approx([2.6, 3.5, 4.3], abs=0.05)


def test_smoking_with_the_tobacco_price_as_instrument(smokers):
    """Section 16.2: the ratio estimate with a price of at least 1.50 dollars is 2.4."""
    frame, _ = smokers
    priced = frame[frame["price82"].notna()]
    dear = priced["price82"] >= 1.5
    shift = {
        column: priced.loc[dear, column].mean() - priced.loc[~dear, column].mean()
        for column in ("wt82_71", "qsmk")
    }
    assert shift["wt82_71"] / shift["qsmk"] == pytest.approx(2.4, abs=0.05)
