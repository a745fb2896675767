"""Properties of an adversarial loss."""

import torch

from alpha_bridge.gamma import LinearGamma, SigmoidGamma

ALPHAS = (0.0, 1e-8, 0.5, 1 - 1e-8, 1.0)
GAMMA = SigmoidGamma()


def samples(*shape):
    """log p, f of data and f of the model, with f some nats wide."""
    log_p, f_data, f_model = torch.randn(3, *shape, dtype=torch.float64)
    return log_p - 3, 2 * f_data + 1, 2 * f_model - 1


def is_finite_at_both_ends(loss):
    log_p, f_data, f_model = samples(50)
    f_model = (20 * f_model).requires_grad_()
    for alpha in (0.0, 1.0):
        value = loss.generator(log_p, 20 * f_data, f_model, alpha, GAMMA)
        (slope,) = torch.autograd.grad(
            value.sum(), f_model, allow_unused=True, materialize_grads=True
        )
        assert value.isfinite().all() and slope.isfinite().all()


def is_maximum_likelihood_at_zero(loss):
    log_p, f_data, f_model = samples(7)
    assert loss.halves(0.0) == (True, False)
    for gamma in (SigmoidGamma(), LinearGamma()):
        torch.testing.assert_close(loss.generator(log_p, f_data, f_model, 0.0, gamma), -log_p)


def has_no_likelihood_at_one(loss):
    log_p, f_data, f_model = samples(7)
    assert loss.halves(1.0) == (False, True)
    alone = loss.generator(torch.full_like(log_p, torch.nan), f_data, f_model, 1.0, GAMMA)
    assert torch.equal(alone, loss.reverse(f_model, 1.0))


def has_no_jump_but_the_likelihood_left_out_at_one(loss):
    log_p, f_data, f_model = samples(9)
    near = 1e-7
    for end, beside in ((0.0, near), (1.0, 1 - near)):
        for half in (
            lambda alpha: loss.reverse(f_model, alpha),
            lambda alpha: loss.forward(log_p, f_data, alpha),
        ):
            torch.testing.assert_close(half(end), half(beside), rtol=0, atol=1e4 * near)
    dropped = GAMMA.kappa(1.0) * loss.forward(log_p, f_data, 1.0)
    torch.testing.assert_close(
        loss.generator(log_p, f_data, f_model, 1.0, GAMMA) + dropped,
        loss.generator(log_p, f_data, f_model, 1 - near, GAMMA),
        rtol=0,
        atol=1e4 * near,
    )


def combines_its_halves_by_kappa_and_gamma(loss):
    log_p, f_data, f_model = samples(7)
    for alpha in (1e-8, 0.1, 0.5, 0.9, 1 - 1e-8):
        forward = loss.forward(log_p, f_data, alpha)
        by_hand = GAMMA(alpha) * loss.reverse(f_model, alpha) + GAMMA.kappa(alpha) * forward
        torch.testing.assert_close(loss.generator(log_p, f_data, f_model, alpha, GAMMA), by_hand)


def is_per_sample(loss):
    """Of the shape of its logits, and every number from its own pair of logits alone."""
    log_p, f_data, f_model = samples(3, 5)
    moved = [value.clone() for value in (log_p, f_data, f_model)]
    for value in moved:
        value[1, 2] += 1
    others = torch.ones(3, 5, dtype=torch.bool)
    others[1, 2] = False
    for alpha in ALPHAS:
        before = loss.generator(log_p, f_data, f_model, alpha, GAMMA)
        assert before.shape == (3, 5)
        after = loss.generator(*moved, alpha, GAMMA)
        assert torch.equal(before[others], after[others])
    before, after = loss.discriminator(f_data, f_model), loss.discriminator(*moved[1:])
    assert before.shape == (3, 5) and torch.equal(before[others], after[others])


def is_trial_by_trial_the_single_run(loss):
    log_p, f_data, f_model = samples(3, 5)
    for alpha in ALPHAS:
        together = loss.generator(log_p, f_data, f_model, alpha, GAMMA)
        numbers = loss.diagnostics(f_data, f_model, alpha)
        for trial in range(3):
            arguments = log_p[trial], f_data[trial], f_model[trial]
            alone = loss.generator(*arguments, alpha, GAMMA)
            torch.testing.assert_close(together[trial], alone, rtol=1e-13, atol=1e-13)
            shares = loss.diagnostics(f_data[trial], f_model[trial], alpha)
            for name, value in numbers.items():
                torch.testing.assert_close(value[trial], shares[name])


def takes_the_ratio_at_data_as_a_constant(loss):
    log_p, f_data, f_model = samples(5)
    f_data.requires_grad_()
    for alpha in ALPHAS:
        assert not loss.generator(log_p, f_data, f_model, alpha, GAMMA).requires_grad


def prefers_fakes_with_a_larger_logit(loss):
    f = torch.linspace(-3, 3, 50, dtype=torch.float64)
    for alpha in ALPHAS:
        assert (loss.reverse(f, alpha).diff() < 0).all()


def prefers_data_with_a_larger_likelihood(loss):
    log_p = torch.linspace(-3, 3, 50, dtype=torch.float64)
    for alpha in ALPHAS:
        assert (loss.forward(log_p, torch.ones_like(log_p), alpha).diff() < 0).all()


def has_a_discriminator_that_tells_data_from_the_model(loss):
    f, other = torch.linspace(-3, 3, 51, dtype=torch.float64), torch.zeros(51, dtype=torch.float64)
    # a logit that is right by 1 is right enough for the hinge loss
    steep = (f[:-1].abs() < 0.9) | loss.estimates_ratio
    for slopes in (-loss.discriminator(f, other).diff(), loss.discriminator(other, f).diff()):
        assert (slopes >= 0).all() and (slopes[steep] > 0).all()


ALWAYS = (
    is_finite_at_both_ends,
    is_per_sample,
    is_trial_by_trial_the_single_run,
    takes_the_ratio_at_data_as_a_constant,
    prefers_fakes_with_a_larger_logit,
    prefers_data_with_a_larger_likelihood,
    has_a_discriminator_that_tells_data_from_the_model,
)
"""What any adversarial loss has."""

ALONG_THE_PATH = (
    is_maximum_likelihood_at_zero,
    has_no_likelihood_at_one,
    has_no_jump_but_the_likelihood_left_out_at_one,
    combines_its_halves_by_kappa_and_gamma,
)
"""What one has whose halves are weighed by κ and γ."""
