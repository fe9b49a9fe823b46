"""Fits of geometric Brownian motion and of multivariate Student-t returns."""

from __future__ import annotations

import math

import numpy as np

from scenarios.prices.calibration.estimates import Estimate, Fit, by_pair, by_token
from scenarios.prices.calibration.likelihood import returns_to_fit, standard_errors
from scenarios.prices.calibration.parameters import beginning, diffusion_fields, pairs, symmetric
from scenarios.prices.gbm import GbmSource
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array
from scenarios.prices.student_t import StudentTSource

DEGREES_OF_FREEDOM = (2.05, 200.0)
"""Where ν is sought: above 2 a variance exists, at 200 the t is the normal."""


def normal_density(deviations: Array, covariance: Array) -> Array:
    """Log-density of a multivariate normal, shape (days,), of deviations (days, tokens)."""
    count = len(covariance)
    distances, log_det = _mahalanobis(deviations, covariance)
    return np.asarray(-(count * math.log(2 * math.pi) + log_det + distances) / 2)


def _mahalanobis(deviations: Array, covariance: Array) -> tuple[Array, float]:
    sign, log_det = np.linalg.slogdet(covariance)
    if sign <= 0:
        return np.full(len(deviations), np.nan), float("nan")
    solved = np.linalg.solve(covariance, deviations.T)
    return np.einsum("dt,td->d", deviations, solved), float(log_det)


def fit_gbm(panel: PricePanel) -> Fit[GbmSource]:
    """Geometric Brownian motion: sample mean, deviation and correlation of log-returns.

    Standard errors are the normal sampling theory's: σ/√(2n) and (1-ρ²)/√n (Casella and Berger,
    *Statistical Inference*, ch. 10). The drift's, √(σ²/n + σ⁴/2n), shows how little a few years
    say about it.

    Raises:
        InputError: too few days, or a price that never moves.
    """
    returns = returns_to_fit(panel)
    days, count = returns.shape
    mean, sigma = returns.mean(axis=0), returns.std(axis=0, ddof=1)
    drift = mean + sigma**2 / 2
    correlation = np.corrcoef(returns.T).reshape(count, count)
    upper = correlation[pairs(count)]
    covariance = correlation * np.outer(sigma, sigma)
    source = GbmSource(**beginning(panel), **diffusion_fields(drift, sigma, correlation))
    root = math.sqrt(days)
    estimates = (
        *by_token("drift", panel.tokens, drift, sigma * np.sqrt(1 + sigma**2 / 2) / root),
        *by_token("volatility", panel.tokens, sigma, sigma / math.sqrt(2) / root),
        *by_pair(panel.tokens, upper, (1 - upper**2) / root),
    )
    likelihood = float(normal_density(returns - mean, covariance).sum())
    return Fit(source, estimates, likelihood)


def t_density(deviations: Array, covariance: Array, nu: float) -> Array:
    """Log-density of a multivariate t with this *covariance*, shape (days,)."""
    count = len(covariance)
    distances, log_det = _mahalanobis(deviations, covariance * (nu - 2) / nu)
    constant = (
        math.lgamma((nu + count) / 2) - math.lgamma(nu / 2) - count / 2 * math.log(nu * math.pi)
    )
    return np.asarray(constant - log_det / 2 - (nu + count) / 2 * np.log1p(distances / nu))


def _maximise_given_nu(returns: Array, nu: float) -> tuple[Array, Array]:
    """Mean and covariance that maximise the t likelihood for this ν (EM; Liu and Rubin 1995)."""
    count = returns.shape[1]
    mean, scale = returns.mean(axis=0), np.cov(returns.T).reshape(count, count) * (nu - 2) / nu
    for _ in range(500):
        distances, _ = _mahalanobis(returns - mean, scale)
        weights = (nu + count) / (nu + distances)
        mean = weights @ returns / weights.sum()
        deviations = returns - mean
        new = (weights[:, None] * deviations).T @ deviations / len(returns)
        change = np.abs(new - scale).max() / np.abs(scale).max()
        scale = new
        if change < 1e-10:
            break
    return mean, scale * nu / (nu - 2)


def fit_student_t(panel: PricePanel) -> Fit[StudentTSource]:
    """Multivariate Student-t returns by maximum likelihood.

    Mean and covariance by EM for a given ν, and ν by the profile likelihood; standard errors from
    the outer product of the scores.

    Raises:
        InputError: too few days, or a price that never moves.
    """
    from scipy.optimize import minimize_scalar

    returns = returns_to_fit(panel)
    count = returns.shape[1]

    def loss(log_excess: float) -> float:
        nu = 2 + math.exp(log_excess)
        mean, covariance = _maximise_given_nu(returns, nu)
        return -float(t_density(returns - mean, covariance, nu).sum())

    bounds = [math.log(nu - 2) for nu in DEGREES_OF_FREEDOM]
    nu = 2 + math.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)
    mean, covariance = _maximise_given_nu(returns, nu)
    sigma = np.sqrt(np.diag(covariance))
    drift = mean + sigma**2 / 2
    upper = (covariance / np.outer(sigma, sigma))[pairs(count)]

    def contributions(theta: Array) -> Array:
        drift, sigma, rho = theta[:count], theta[count : 2 * count], theta[2 * count : -1]
        covariance = symmetric(rho, count) * np.outer(sigma, sigma)
        return t_density(returns - (drift - sigma**2 / 2), covariance, float(theta[-1]))

    theta = np.concatenate([drift, sigma, upper, [nu]])
    errors = standard_errors(contributions, theta)
    source = StudentTSource(
        **beginning(panel),
        **diffusion_fields(drift, sigma, symmetric(upper, count)),
        degrees_of_freedom=nu,
    )
    estimates = (
        *by_token("drift", panel.tokens, drift, errors[:count]),
        *by_token("volatility", panel.tokens, sigma, errors[count : 2 * count]),
        *by_pair(panel.tokens, upper, errors[2 * count : -1]),
        Estimate("degrees_of_freedom", "", nu, float(errors[-1])),
    )
    return Fit(source, estimates, float(contributions(theta).sum()))
