"""What serves a pair of densities that has no closed form."""

from torch import Tensor
from torch.distributions import Distribution

from .density import support_of
from .logarithmic import logarithmic_form
from .quadrature import integrate
from .summation import add_up

__all__ = ["numerical_divergence"]


def numerical_divergence(p: Distribution, q: Distribution, alpha: float) -> Tensor:
    """Logarithmic form for a pair that has no closed form, by a sum or by quadrature.

    Args:
        p: The model.
        q: The data.
        alpha: α, any finite real number.

    Returns:
        The divergence, the broadcast batch shape.

    Raises:
        ValueError: The events are not numbers, or only one of the two is discrete.
    """
    rule = add_up if support_of(p).is_discrete else integrate
    return logarithmic_form(*rule(p, q, alpha), alpha)
