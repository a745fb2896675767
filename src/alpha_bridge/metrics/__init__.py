"""Functions of samples or features, and the evaluation that puts them together.

:mod:`~alpha_bridge.metrics.definition` has each metric's label, direction and protocol.
"""
