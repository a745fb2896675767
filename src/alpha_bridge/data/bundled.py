"""Images that come with a library: nothing to download, nothing to decode."""

import numpy as np

from .arrays import ImageSource
from .rows import Rows, split

__all__ = ["digits"]


def digits() -> ImageSource:
    """The 1,797 handwritten digits of 8×8 pixels that come with scikit-learn.

    A fifth is held out, always the same; grey levels 0…16 become 0…255.

    Source:
        Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.rint(data.images * (255 / 16)).astype(np.uint8)[..., None]
    kept, apart = split(len(images), 0.2)
    labels = data.target[kept], data.target[apart]
    return ImageSource(Rows(images, kept), Rows(images, apart), *labels)
