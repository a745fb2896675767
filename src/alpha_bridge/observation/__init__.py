r"""What is observed of a sample: pixels as a whole or in patches, features, the columns of a row.

The decoder (13) observes pixels with Gaussian noise, and the discriminator sees a sample as a
whole. Here are other ways, which leave the bridge what it is:

- :class:`Patches`: each patch of an image has a logit of its own, whose weight
  :math:`e^{-\alpha f}` falls on its own pixels. :class:`Whole` is the plain case.
- :class:`FeatureLikelihood`: features of an image are observed too, with noise of their own.
- :class:`RowFamily`: the columns of a row; of :class:`RowEvidence` some are known, others are not.

:class:`FeatureDistance` is what others use in its place, without a likelihood.
"""

from .evidence import RowEvidence
from .features import FeatureDistance, FeatureLikelihood
from .patches import WHOLE, Patches, Scope, Whole
from .row import DrawnRows, RowFamily

__all__ = [
    "WHOLE",
    "DrawnRows",
    "FeatureDistance",
    "FeatureLikelihood",
    "Patches",
    "RowEvidence",
    "RowFamily",
    "Scope",
    "Whole",
]
