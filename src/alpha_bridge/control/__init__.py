r"""α and γ that follow from what is measured in training. Ours: the paper leaves open how γ should
be chosen (footnote 1), and moves α by a ramp.

:class:`AdaptivePath` moves α as far as the model follows. :class:`RealismGamma` is as steep as σ
and one dial ask for. :class:`OnlineGamma` makes the variance of the combined gradient (12) least:

Both twins have the same expectation, so their difference is a control variate of either one:
:math:`(1-\gamma) g_F + \gamma g_R = g_F - \gamma (g_F - g_R)` is least variable, in the sum over
the parameters, at the regression coefficient of :math:`g_F` on that difference,

.. math::
    \gamma^* = \frac{V_F - C}{V_F + V_R - 2C}
    = \frac{E\|g_F\|^2 - E\langle g_F, g_R \rangle}{E\|g_F - g_R\|^2},

with V and C the traces of the covariances. The second form has no means in it, because they
cancel: raw second moments are all it takes. Samples of the data and of the model are independent
as a rule; then C = 0, and γ* lies between 0 and 1 and weighs each twin by the precision of the
other. If they share their noise γ* may lie outside, and is unbiased there too.

The forward twin carries 1/(1−α). Everything below speaks of :math:`h = (1-\alpha) g_F =
-e^{-\alpha f} \nabla \log p_\theta`, which is finite for every α, and so is
:math:`\kappa^* = (1-\gamma^*)/(1-\alpha)`.
"""

from .adaptive import AdaptivePath, Reading
from .moments import Moments, gaussian_moments, pooled_moments
from .online import OnlineGamma
from .optimal import optimal_gamma, optimal_kappa
from .realism import RealismGamma, balanced_kappa, kappa_at_end

__all__ = [
    "AdaptivePath",
    "Moments",
    "OnlineGamma",
    "Reading",
    "RealismGamma",
    "balanced_kappa",
    "gaussian_moments",
    "kappa_at_end",
    "optimal_gamma",
    "optimal_kappa",
    "pooled_moments",
]
