"""What is installed is what the checkout has: the files of the wheel, and a run of it elsewhere."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
TRAINING = (
    *("train", "digits", "--steps", "20", "--batch-size", "8", "--model.hidden", "8"),
    *("--model.width", "4", "--evaluation.features", "pixels", "--evaluation.samples", "40"),
)


def files(builder):
    return {file.distribution_path for file in builder(str(ROOT)).recurse_included_files()}


def test_the_wheel_has_every_file_of_the_package_and_no_other():
    source = ROOT / "src"
    package = {
        str(path.relative_to(source))
        for path in (source / "alpha_bridge").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert files(WheelBuilder) == package
    assert {path for path in package if not path.endswith(".py")} == {
        "alpha_bridge/py.typed",
        "alpha_bridge/runs/templates/bridge.css",
        "alpha_bridge/runs/templates/bridge.html.jinja",
        "alpha_bridge/runs/templates/bridge.js",
        "alpha_bridge/runs/templates/methods.html.jinja",
        "alpha_bridge/runs/templates/page.css",
        "alpha_bridge/runs/templates/report.html.jinja",
        "alpha_bridge/sharing/templates/model_card.md.jinja",
        "alpha_bridge/studio/studio.css",
    }


def test_the_source_distribution_has_what_a_build_needs():
    found = files(SdistBuilder)
    assert {"pyproject.toml", "README.md", "LICENSE", "src/alpha_bridge/py.typed"} <= found


@pytest.fixture
def installed(tmp_path):
    """The command of a wheel, built from the source distribution, in an environment of its own.

    Its dependencies are those of this one, whose paths are added as they are: files there that
    would add the checkout are not read.
    """
    (archive,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    source = next(path for path in tmp_path.iterdir() if path.is_dir())
    (wheel,) = WheelBuilder(str(source)).build(directory=str(tmp_path), versions=["standard"])
    venv.create(tmp_path / "venv", symlinks=True)
    base = {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
    paths = sysconfig.get_paths("venv", vars=base)
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(paths["purelib"]) / "borrowed.pth").write_text("\n".join(borrowed))
    scripts = Path(paths["scripts"])
    python = next(scripts.glob("python*"))
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", wheel], check=True)
    return scripts / "alpha-bridge"


@pytest.mark.slow
def test_the_installed_wheel_trains_outside_of_the_checkout(installed, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [str(installed), *TRAINING, "--out", "runs/first"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "report: runs/first/report.html" in done.stdout
    assert (folder / "runs/first/report.html").is_file()
