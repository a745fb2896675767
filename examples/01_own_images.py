"""Train on a folder of your own images, with the defaults.

python examples/01_own_images.py my/photos [UPDATES]
"""

import sys
from pathlib import Path

from rich.console import Console

from alpha_bridge.commands import sample, train
from alpha_bridge.recipe.presets import of_data

folder = sys.argv[1]
config = of_data(folder)  # everything but the number of updates is decided from the images
if len(sys.argv) > 2:
    config = config.model_copy(update={"steps": int(sys.argv[2])})

trained = train(config, Path("runs") / Path(folder).name, console=Console())

for name, value in trained.last.items():
    print(f"{name}: {value:.4g}")
print(sample(trained.run, n=64), trained.run.report_path)
