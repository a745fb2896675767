r"""What is observed of a sample, as a whole or in patches, and features beside pixels.

The decoder (13) observes pixels with Gaussian noise, and the discriminator sees a sample as a
whole. Here are two other ways, which leave the bridge what it is:

- :class:`Patches`: each patch of an image has a log ratio of its own, whose weight
  :math:`e^{-\alpha f}` falls on its own pixels. :class:`Whole` is the plain case.
- :class:`FeatureLikelihood`: features of an image are observed too, with noise of their own.

:class:`FeatureDistance` is what others use in its place, without a likelihood.
"""

from .features import FeatureDistance, FeatureLikelihood
from .patches import WHOLE, Patches, Scope, Whole

__all__ = ["WHOLE", "FeatureDistance", "FeatureLikelihood", "Patches", "Scope", "Whole"]
