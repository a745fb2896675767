#!/usr/bin/env bash
# pythae 0.1.2, VAEGAN: where all three networks are trained, the decoder helps the discriminator.
#
# The loss of the decoder is (1 - s) R - s D, with D the loss of the discriminator and s the scale, .5 by default:
# it is to make D large. But the trainer calls zero_grad and backward network by network before any of them has
# its step, and nothing is detached between them. The backward pass of D, which comes last, runs through the
# decoder's samples of the prior and adds its gradient to what the decoder has already: (1 - s) R + (1 - s) D is
# left. So the decoder makes D small, as the discriminator does, and with s = 1 its gradient is nought and it is
# not trained at all. The encoder in turn has (2 - s) R beside its divergence, in place of R.
#
# It needs an update that trains both, which the default margins allow from the first one on, as D begins at
# 2 log 2. Matters to whoever compares with a VAEGAN of this package: the adversary pulls the wrong way.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q pythae==0.1.2 numpy==2.4.6 pydantic==2.14.3

cat > "$folder/gradients.py" <<'PYTHON'
import logging
import tempfile
from importlib.metadata import version

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAEGAN, VAEGANConfig
from pythae.trainers import (
    CoupledOptimizerAdversarialTrainer,
    CoupledOptimizerAdversarialTrainerConfig,
)

logging.disable(logging.INFO)
print("pythae", version("pythae"), "torch", torch.__version__)


class Watched(CoupledOptimizerAdversarialTrainer):
    """Compares what the first update leaves in the decoder and the encoder with its losses."""

    found = None

    def _optimizers_step(self, output):
        if self.found is not None:
            return super()._optimizers_step(output)
        self.trained = output.update_decoder and output.update_discriminator
        parameters = {name: [*getattr(self.model, name).parameters()] for name in ("decoder", "encoder")}
        losses = {"R": output.recon_loss, "D": output.discriminator_loss, "loss": output.decoder_loss}
        losses["KL"] = output.encoder_loss - output.recon_loss

        def gradient(loss, of):
            slopes = torch.autograd.grad(loss, of, retain_graph=True, allow_unused=True)
            return torch.cat([torch.zeros_like(p).flatten() if g is None else g.flatten() for p, g in zip(of, slopes)])

        of = {name: {loss: gradient(losses[loss], p) for loss in losses} for name, p in parameters.items()}
        super()._optimizers_step(output)
        left = {name: torch.cat([p.grad.flatten() for p in parameters[name]]) for name in parameters}
        self.found = of, left


def first_update(scale):
    torch.manual_seed(0)
    images = torch.rand(128, 1, 8, 8)
    model = VAEGAN(VAEGANConfig(input_dim=(1, 8, 8), latent_dim=4, adversarial_loss_scale=scale))
    data = BaseDataset(images, torch.zeros(len(images)))
    with tempfile.TemporaryDirectory() as out:
        settings = CoupledOptimizerAdversarialTrainerConfig(
            output_dir=out, num_epochs=1, per_device_train_batch_size=128, no_cuda=True, seed=0
        )
        trainer = Watched(model, data, training_config=settings)
        trainer.train()
    assert trainer.trained, "the first update does not train both"
    return trainer.found


def close(a, b):
    """To 2 %: in the encoder the gradient of R is 25,000 times smaller than that of KL, in single precision."""
    return float((a - b).norm()) <= 0.02 * float(b.norm())


of, left = first_update(0.5)
decoder, encoder = of["decoder"], of["encoder"]
meant, found = decoder["loss"], left["decoder"]
assert close(meant, 0.5 * decoder["R"] - 0.5 * decoder["D"])
print("default scale, .5: the first update trains decoder and discriminator")
print("the decoder has the gradient of its loss, .5 R - .5 D:", close(found, meant))
print("it has that of .5 R + .5 D:", close(found, 0.5 * decoder["R"] + 0.5 * decoder["D"]))
beside = left["encoder"] - encoder["KL"]
print("beside that of KL the encoder has that of R:", close(beside, encoder["R"]))
print("it has that of 1.5 R:", close(beside, 1.5 * encoder["R"]))
assert not close(found, meant) and close(found, 0.5 * decoder["R"] + 0.5 * decoder["D"])
assert not close(beside, encoder["R"]) and close(beside, 1.5 * encoder["R"])

of, left = first_update(1.0)
nought = float(left["decoder"].norm() / of["decoder"]["D"].norm())
print(f"scale 1, the adversary alone: what is left of its gradient in the decoder is below 1e-4: {nought < 1e-4}")
assert nought < 1e-4
PYTHON
"$folder/venv/bin/python" "$folder/gradients.py" 2>/dev/null
