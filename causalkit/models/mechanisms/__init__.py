"""Mechanisms: how a variable comes about from its causes and noise.

Frozen values with one protocol (:mod:`causalkit.models.mechanisms.base`).
"""
