"""Directions of the latent space: where they point, what they leave alone, how sure they are."""

import math

import pytest
import torch

from alpha_bridge import AlphaBridge, sharing
from alpha_bridge.inference.editing import (
    balanced_accuracy,
    find_direction,
    linear_direction,
    mean_direction,
    orthogonalise,
    strip,
)
from alpha_bridge.inference.inversion import refine
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator

SHAPE = (2, 4)
TRUTH = torch.tensor([3.0, 0, 0, 0, -4.0, 0, 0, 0]).reshape(SHAPE) / 5
FINDERS = [mean_direction, linear_direction]


def labelled(n=400, gap=3.0, seed=0, rare=0.5):
    """Latents that a known direction tells apart, on coordinates of very different scales."""
    rng = torch.Generator().manual_seed(seed)
    y = (torch.arange(n) < max(1, round(rare * n))).long()
    z = torch.randn(n, *SHAPE, generator=rng)
    z += gap * (y[:, None, None] - 0.5) * TRUTH
    return z, y


def cosine(first, second):
    return float((first * second).sum() / first.norm() / second.norm())


@pytest.mark.parametrize("finder", FINDERS)
def test_a_known_direction_is_found(finder):
    z, y = labelled(2000)
    assert cosine(finder(z, y), TRUTH) > 0.97


@pytest.mark.parametrize("finder", FINDERS)
def test_a_direction_has_norm_one_and_the_shape_of_a_latent(finder):
    vector = finder(*labelled(60))
    assert vector.shape == SHAPE and vector.dtype == torch.float32
    assert vector.norm() == pytest.approx(1)


def test_the_normal_is_that_of_the_latents_and_not_of_standardised_ones():
    """Classes that differ in one coordinate, beside one of a hundred times its scale."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 2, generator=rng)
    y = (x[:, 0] + x[:, 1] > 0).long()
    normal = linear_direction(x * torch.tensor([1.0, 100.0]), y)
    assert normal[0] / normal[1] == pytest.approx(100, rel=0.1)


def test_the_normal_looks_past_what_only_goes_along_with_the_attribute():
    """A second coordinate follows the first: the means follow both, the plane only the first."""
    rng = torch.Generator().manual_seed(0)
    first = torch.randn(4000, generator=rng)
    second = 0.8 * first + 0.6 * torch.randn(4000, generator=rng)
    z, y = torch.stack([first, second], 1), (first > 0).long()
    along = torch.tensor([1.0, 0.0])
    assert cosine(linear_direction(z, y), along) > 0.99 > 0.85 > cosine(mean_direction(z, y), along)


@pytest.mark.parametrize("finder", FINDERS)
def test_swapped_labels_turn_the_direction_round(finder):
    z, y = labelled()
    torch.testing.assert_close(finder(z, 1 - y), -finder(z, y), atol=1e-3, rtol=0)


def test_what_is_orthogonalised_is_orthogonal_to_all_others():
    vector, *others = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0))
    others.append(others[0] + 1e-9)  # nearly the same as another
    rest = orthogonalise(vector, others)
    assert rest.norm() == pytest.approx(1)
    for other in others:
        assert abs(cosine(rest, other)) < 1e-6


def test_without_others_a_direction_stays_as_it_is():
    assert orthogonalise(TRUTH, []) is TRUTH


def test_a_direction_that_is_a_mixture_of_others_is_refused():
    others = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="linear combination of the others"):
        orthogonalise(others[0] - 2 * others[1], list(others))


@pytest.mark.parametrize("finder", FINDERS)
def test_a_found_direction_leaves_the_named_ones_alone(finder):
    z, y = labelled()
    other = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    found = find_direction("a", z, y, finder, [other])
    assert abs(cosine(found.vector, other)) < 1e-6


@pytest.mark.parametrize("finder", FINDERS)
def test_a_strength_is_in_standard_deviations_along_the_direction(finder):
    z, y = labelled()
    found = find_direction("a", 7 * z, y, finder)
    along = ((7 * z) * found.vector).flatten(1).sum(1)
    moved = (found.move(7 * z, 2.0) * found.vector).flatten(1).sum(1)
    torch.testing.assert_close(moved - along, (2 * along.std()).expand(len(z)))


def test_a_strip_has_a_row_for_each_latent_and_a_column_for_each_strength():
    z, y = labelled(40)
    found = find_direction("a", z, y, mean_direction)
    cells = strip(lambda latents: latents.flatten(1), z[:3], found, [-1.0, 0.0, 2.0])
    assert cells.shape == (3, 3, 8)
    torch.testing.assert_close(cells[:, 1], z[:3].flatten(1))
    torch.testing.assert_close(cells[:, 2], found.move(z[:3], 2.0).flatten(1))


@pytest.mark.parametrize("finder", FINDERS)
def test_the_accuracy_is_that_of_the_best_rule(finder):
    """Two Gaussians a distance g apart are told by the middle with probability Φ(g/2)."""
    evidence = find_direction("a", *labelled(2000, gap=2.0), finder).evidence
    best = (1 + math.erf(1 / math.sqrt(2))) / 2
    assert evidence.accuracy == pytest.approx(best, abs=0.02)
    assert evidence.interval[0] < best < evidence.interval[1]
    assert evidence.auc == pytest.approx((1 + math.erf(1)) / 2, abs=0.02)
    assert evidence.agreement > 0.95


def width(evidence):
    return evidence.interval[1] - evidence.interval[0]


@pytest.mark.parametrize("finder", FINDERS)
def test_fewer_labels_leave_a_wider_interval_and_halves_that_agree_less(finder):
    many, few = (find_direction("a", *labelled(n), finder).evidence for n in (1000, 16))
    assert width(few) > 4 * width(many)
    assert few.agreement < many.agreement


def test_few_labels_are_not_certain_even_if_all_of_them_are_right():
    evidence = find_direction("a", *labelled(8, gap=30.0), mean_direction).evidence
    assert evidence.accuracy == 1 and evidence.interval[0] < 0.75


@pytest.mark.slow
@pytest.mark.parametrize("finder", FINDERS)
def test_labels_that_mean_nothing_are_no_better_than_chance(finder):
    """A 95 % interval lies above the truth once in 40 times: 3 in 12 has a chance of 0.3 %."""
    found = [find_direction("a", *labelled(60, 0.0, seed), finder).evidence for seed in range(12)]
    surer = [evidence for evidence in found if evidence.interval[0] > 0.5]
    assert len(surer) < 3
    assert all(("chance" in str(evidence)) != (evidence in surer) for evidence in found)


def test_no_encoding_judges_the_direction_that_it_found():
    """With more coordinates than labels every label can be learned, and none of it holds."""
    rng = torch.Generator().manual_seed(0)
    z, y = torch.randn(60, 200, generator=rng), torch.arange(60) % 2
    for finder in FINDERS:
        evidence = find_direction("a", z, y, finder).evidence
        assert evidence.accuracy < 0.7 and evidence.agreement < 0.3


def test_a_rare_attribute_is_judged_by_both_classes_alike():
    z, y = labelled(1000, gap=0.0, rare=0.02)
    assert find_direction("a", z, y, mean_direction).evidence.accuracy < 0.65


def test_the_evidence_says_what_it_rests_on():
    said = str(find_direction("a", *labelled(40, rare=0.25), mean_direction).evidence)
    assert said.startswith("10 labels with it and 30 without; held-out accuracy ")


@pytest.mark.parametrize("finder", FINDERS)
def test_the_same_labels_give_the_same_direction_and_evidence(finder):
    first, second = (find_direction("a", *labelled(50), finder) for _ in range(2))
    assert torch.equal(first.vector, second.vector) and first.evidence == second.evidence


@pytest.mark.parametrize("finder", FINDERS)
def test_encodings_may_carry_a_graph(finder):
    z, y = labelled()
    expected = find_direction("a", z, y, finder, [TRUTH.flip(0)])
    other = TRUTH.flip(0).requires_grad_()
    found = find_direction("a", z.clone().requires_grad_(), y, finder, [other])
    assert torch.equal(found.vector, expected.vector) and not found.vector.requires_grad
    assert found.evidence == expected.evidence


@pytest.mark.parametrize("finder", FINDERS)
def test_the_example_of_the_page_works_on_a_shared_model(finder, tmp_path):
    networks = MLPGenerator(2, 3, (4,)), MLPEncoder(2, 3, (4,)), MLPDiscriminator(3, (4,))
    sharing.save(AlphaBridge(*networks), tmp_path / "shared")
    model, _ = sharing.load(tmp_path / "shared")
    x = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    smile = find_direction("Smiling", model.encode(x), (x[:, 0] > 0).long(), finder)
    edited = strip(model.decode, refine(model, x[:5], 3).after.latents, smile, [-2, 0, 2])
    assert edited.shape == (5, 3, 3) and not edited.requires_grad


@pytest.mark.parametrize("having", [0, 1, 19, 20])
def test_a_class_with_fewer_than_two_labels_is_refused(having):
    z, _ = labelled(20)
    y = (torch.arange(20) < having).long()
    message = f"attribute 'a': .*got {having} with it and {20 - having} without"
    with pytest.raises(ValueError, match=message):
        find_direction("a", z, y)


def test_classes_with_the_same_encodings_have_no_direction():
    with pytest.raises(ValueError, match="no direction is left"):
        mean_direction(torch.ones(4, 3), torch.tensor([0, 1, 0, 1]))


def test_a_rare_class_counts_as_much_as_a_frequent_one_and_leaves_the_interval_wide():
    y = torch.tensor([1] * 4 + [0] * 396)
    assert balanced_accuracy(y == 0, y)[0] == 0.5
    _, (rare, _) = balanced_accuracy(torch.ones(400), y)
    _, (even, _) = balanced_accuracy(torch.ones(400), torch.arange(400) % 2)
    assert rare < 0.85 < 0.98 < even


def test_an_accuracy_needs_both_classes():
    with pytest.raises(ValueError, match="1 or more labels of either kind, got 3 with it and 0"):
        balanced_accuracy(torch.ones(3), torch.ones(3))
