"""How near reconstructions come to their images, of some images at a time."""

import pytest
import torch
from torchmetrics.functional import image

from alpha_bridge.metrics import reconstructions
from alpha_bridge.metrics.reconstructions import TOGETHER, sharpness, ssim


@pytest.fixture
def images():
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(TOGETHER + 7, 1, 12, 12, generator=rng) * 2 - 1
    return x, x + torch.linspace(0, 1, len(x))[:, None, None, None] * x.flip(0)


def test_ssim_in_parts_is_that_of_all(images):
    x, decoded = images
    expected = image.structural_similarity_index_measure(decoded, x, data_range=2.0)
    torch.testing.assert_close(ssim(x, decoded), expected)


def test_ssim_never_sees_more_images_than_are_meant(images, monkeypatch):
    seen, plain = [], image.structural_similarity_index_measure

    def counted(x, *args, **options):
        seen.append(len(x))
        return plain(x, *args, **options)

    monkeypatch.setattr(image, "structural_similarity_index_measure", counted)
    ssim(*images)
    assert seen == [TOGETHER, 7]


def test_sharpness_never_sees_more_images_than_are_meant(images, monkeypatch):
    seen, plain = [], reconstructions._laplacian
    monkeypatch.setattr(reconstructions, "_laplacian", lambda x: seen.append(len(x)) or plain(x))
    of_parts = sharpness(*images)
    assert max(seen) == TOGETHER
    x, decoded = (plain(one).square().mean() for one in images)
    torch.testing.assert_close(of_parts, (decoded / x).sqrt())
