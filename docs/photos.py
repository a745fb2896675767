"""Make the folder that docs/tour.md walks through: 500 photos as people have them.

``python docs/photos.py FOLDER`` draws discs and squares of one colour before a sky, in many sizes,
modes and formats, and puts beside them what lies in such folders.
"""

import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

COUNT = 500
ENDINGS = (".jpg", ".JPG", ".png", ".webp", ".avif", "")
"""The last is that of a JPEG whose name has none."""
MODES = ("RGB", "RGB", "RGB", "L", "RGBA", "CMYK")
ALPHA = {".png", ".webp", ".avif"}
"""Formats that have transparent pixels."""
WORDS = ("train-station", "val d'Isère", "test", "IMG")
"""What names begin with; no word in a name decides what is read."""
BROKEN = (77, 230, 401)
"""Photos whose last half is missing."""
ORIENTATION = 0x0112


def photo(random: np.random.Generator, kind: str) -> tuple[Image.Image, bool]:
    """A disc or a square before a sky, and whether it is large."""
    width, height = (int(side) for side in random.integers(40, 120, 2))
    side = min(width, height)
    large = bool(random.random() < 0.5)
    radius = side * (random.uniform(0.3, 0.4) if large else random.uniform(0.12, 0.2))
    x, y = (middle + random.uniform(-0.08, 0.08) * side for middle in (width / 2, height / 2))
    sky = Image.linear_gradient("L").resize((width, height))
    image = Image.merge(
        "RGB", (sky, sky.point(lambda v: 80 + v // 2), Image.new("L", sky.size, 200))
    )
    colour = tuple(int(part) for part in random.integers(0, 256, 3))
    draw = ImageDraw.Draw(image)
    shape = draw.ellipse if kind == "discs" else draw.rectangle
    shape((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(0.7)), large


def save(image: Image.Image, path: Path, number: int) -> None:
    """Write it in the format of its ending, in the next mode that this format has."""
    ending = path.suffix.lower()
    mode = MODES[number // 2 // len(ENDINGS) % len(MODES)]
    if (mode == "RGBA") > (ending in ALPHA) or (mode == "CMYK") > (ending in {".jpg", ""}):
        mode = "RGB"
    if mode == "RGBA":
        image.putalpha(200)
    exif = Image.Exif()
    if ending == ".jpg" and number % 3 == 0:  # as a phone that was held upright writes it
        image, exif[ORIENTATION] = image.rotate(90, expand=True), 6
    if mode in ("L", "CMYK"):
        image = image.convert(mode)
    image.save(path, "JPEG" if ending in {".jpg", ""} else None, exif=exif)


def make(folder: Path) -> None:
    """Fill a new folder."""
    random = np.random.default_rng(0)
    lines = ["file_name,large"]
    for number in range(COUNT):
        kind = ("discs", "squares")[number % 2]
        place = folder / kind
        place.mkdir(parents=True, exist_ok=True)
        image, large = photo(random, kind)
        name = f"{WORDS[number // 2 % len(WORDS)]} {number:03}{ENDINGS[number // 2 % len(ENDINGS)]}"
        save(image, place / name, number)
        if number in BROKEN:
            content = (place / name).read_bytes()
            (place / name).write_bytes(content[: len(content) // 2])
        if number % 10:  # nobody has looked at the others
            lines.append(f"{kind}/{name},{int(large)}")
        if number % 5 == 0:
            (place / name).with_suffix(".txt").write_text(f"{kind}, {image.width} pixels wide\n")
    (folder / "metadata.csv").write_text("\n".join([*lines, "discs/lost.jpg,1"]) + "\n")
    (folder / "discs" / "._IMG 003.webp").write_bytes(b"resource fork")
    (folder / ".DS_Store").write_bytes(b"")
    (folder / "read me.pdf").write_bytes(b"%PDF-1.4\n")
    with zipfile.ZipFile(folder / "older photos.zip", "w") as packed:
        packed.write(folder / "discs" / "train-station 000.jpg")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
