#!/usr/bin/env bash
# torch 2.13.0, torch.onnx.export(verbose=False): a file for one size of batch, without a word.
#
# A batch that is marked as dynamic, by Dim("batch"), is made constant where the network asks for
# len(x): the file takes batches of the size of the example alone, and onnxruntime refuses all others.
# torch.export.export(strict=False), which the exporter tries first, raises for the same network and
# says why ("you marked batch as dynamic but your code specialized it to be a constant"); the exporter
# goes on by another way, which drops what was asked for. By torch.export.export(strict=True), whose
# result torch.onnx.export takes, or with x.shape[0] in the place of len(x), the file is right.
#
# Matters to whoever exports a network with len(x) in it and tries the file with the example only.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q onnx==1.23.2 onnxruntime==1.32.0 onnxscript==0.7.2 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
import logging
import sys
import warnings

import onnxruntime
import torch
from torch import nn

logging.disable()


class Len(nn.Module):
    def forward(self, x):
        return 2 * x.reshape(len(x), 3)


class Shape(nn.Module):
    def forward(self, x):
        return 2 * x.reshape(x.shape[0], 3)


def sizes(network):
    """Sizes of batches that the file takes, and what the exporter warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        program = torch.onnx.export(
            network, (x,), input_names=["x"], dynamic_shapes=shapes, verbose=False
        )
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    taken = []
    for size in (1, 2, 7):
        try:
            session.run(None, {"x": torch.randn(size, 3).numpy()})
            taken.append(size)
        except Exception:
            pass
    about = [str(one.message) for one in said if "batch" in str(one.message).lower()]
    return taken, about


x, shapes = torch.randn(2, 3), ({0: torch.export.Dim("batch")},)
print("torch", torch.__version__, "onnxruntime", onnxruntime.__version__)
try:
    torch.export.export(Len().eval(), (x,), dynamic_shapes=shapes)
    refused = False
except Exception as error:
    refused = True
    print("torch.export.export of len(x):", str(error).strip().splitlines()[1].strip()[:100])
traced = torch.export.export(Len().eval(), (x,), dynamic_shapes=shapes, strict=True)
by_len, said = sizes(Len().eval())
by_shape, by_strict = sizes(Shape().eval())[0], sizes(traced)[0]
print(f"torch.onnx.export of len(x) takes batches {by_len}, expected [1, 2, 7]; warnings: {said}")
print(f"of x.shape[0]: {by_shape}; of len(x) by strict=True: {by_strict}")
sys.exit(not (refused and by_len == [2] and not said and by_shape == by_strict == [1, 2, 7]))
PYTHON
if "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
