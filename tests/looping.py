"""Cases that take a moment each: one test for all of them, which names the case that fails."""

import inspect
from functools import wraps

import torch

ALPHAS = (0.0, 1e-8, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-3, 1 - 1e-8, 1.0)
"""For a formula in α: both ends, as near to them as 1e-8, and between."""


def at_each(name, values):
    """Like ``pytest.mark.parametrize`` of one name, but in one test, for which pytest takes longer
    than for the case itself; every case draws the same numbers."""

    def loop(test):
        @wraps(test)
        def run(*args, **options):
            for value in values:
                torch.default_generator.manual_seed(0)
                try:
                    test(*args, **options, **{name: value})
                except BaseException as error:
                    error.add_note(f"{name} = {value!r}")
                    raise

        signature = inspect.signature(test)
        others = [of for of in signature.parameters.values() if of.name != name]
        run.__signature__ = signature.replace(parameters=others)
        return run

    return loop


at_each_alpha = at_each("alpha", ALPHAS)
