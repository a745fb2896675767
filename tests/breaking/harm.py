"""Ways to damage a file, each a function of its path."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from alpha_bridge.files import sha256

__all__ = [
    "ARRAY",
    "JSON",
    "PLACE",
    "RECORDS",
    "TABLE",
    "TENSORS",
    "Harm",
    "flip",
    "in_the_manifest",
]

Harm = Callable[[Path], None]


def _bytes(change: Callable[[bytes], bytes]) -> Harm:
    def harm(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return harm


def _to(content: bytes) -> Harm:
    return _bytes(lambda _: content)


def flip(share: float) -> Harm:
    """Turn the bits of the byte at a share of the file."""

    def change(content: bytes) -> bytes:
        at = int(share * (len(content) - 1))
        return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]

    return _bytes(change)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "file").write_text("words")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


PLACE: dict[str, Harm] = {
    "missing": Path.unlink,
    "a folder": _folder,
    "a link to itself": _loop,
}
"""What stands in the place of the file."""

CONTENT: dict[str, Harm] = {
    "empty": _to(b""),
    "half": _bytes(lambda content: content[: len(content) // 2]),
    "first byte": _bytes(lambda content: content[:1]),
    "zeros": _bytes(lambda content: bytes(len(content))),
    "words": _to(b"not what it was\n"),
}

JSON: dict[str, Harm] = {
    **CONTENT,
    "a list": _to(b"[]"),
    "a number": _to(b"5"),
    "null": _to(b"null"),
    "a string": _to(b'"words"'),
    "no keys": _to(b"{}"),
    "an unknown key": _to(b'{"unknown": 1}'),
    "nested 100,000 deep": _to(b"[" * 100_000 + b"]" * 100_000),
    "not UTF-8": _bytes(lambda content: content.replace(b'"', b'"\xff\xfe', 1)),
    "a number of 5,000 digits": _to(b'{"step": ' + b"9" * 5000 + b"}"),
    "half a surrogate": _to(b'{"step": "\\ud800"}'),
}
"""Damage to a file that holds a JSON object."""


def _line(line: bytes, at: int) -> Harm:
    def change(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        lines.insert(at if at >= 0 else len(lines), line + b"\n")
        return b"".join(lines)

    return _bytes(change)


def _in_last(name: str, value: object) -> Harm:
    def change(content: bytes) -> bytes:
        *lines, last = content.splitlines(keepends=True)
        return b"".join(lines) + json.dumps({**json.loads(last), name: value}).encode() + b"\n"

    return _bytes(change)


RECORDS: dict[str, Harm] = {
    f"line {content.decode(errors='replace')[:20]} {where}": _line(content, at)
    for content in (
        *(b"5", b"[]", b"{}", b"null", b'"a"', b'{"step": "ten"}', b'{"step": null}', b"{"),
        *(b'{"step": 1.5}', b'{"step": -1}', b'{"step": [1]}', b'{"step": true}', b"\xff\xfe"),
        *(b"[" * 100_000, b'{"step": ' + b"9" * 5000 + b"}"),
    )
    for where, at in (("first", 0), ("last", -1))
} | {
    f"{name} = {value}": _in_last(name, value)
    for name, value in (
        ("phase", []),
        ("alpha", "x"),
        ("seconds", "y"),
        ("loss/generator", [1]),
    )
}
"""Damage to a file with a JSON object in each line; a torn last line is none."""


def in_the_manifest(harm: Harm) -> Harm:
    """Damage a file of a checkpoint, and give the manifest its new sum."""

    def both(path: Path) -> None:
        harm(path)
        manifest = path.with_name("manifest.json")
        sums = json.loads(manifest.read_text())
        sums = {**sums, path.name: sha256(path)} if path.is_file() else sums
        manifest.write_text(json.dumps(sums, indent=2))

    return both


def _tensors(change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Harm:
    return _bytes(lambda content: save(change(load(content))))


def _first(change: Callable[[np.ndarray], np.ndarray]) -> Harm:
    """Change the first tensor that has more than one number."""

    def all_of(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        name = next(name for name, tensor in sorted(tensors.items()) if tensor.size > 1)
        return {**tensors, name: np.ascontiguousarray(change(tensors[name]))}

    return _tensors(all_of)


def _without_first(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: tensors[name] for name in sorted(tensors)[1:]}


TENSORS: dict[str, Harm] = {
    **CONTENT,
    "no tensors": _tensors(lambda _: {}),
    "a tensor too few": _tensors(_without_first),
    "a tensor too many": _tensors(lambda all_: {**all_, "another": np.zeros(2, np.float32)}),
    "NaN": _first(lambda tensor: np.full_like(tensor, np.nan)),
    "another shape": _first(lambda tensor: tensor[:-1]),
    "another kind": _first(lambda tensor: tensor.astype(np.complex64)),
    "a header of 10^18 bytes": _bytes(lambda content: (10**18).to_bytes(8, "little") + content[8:]),
    "a header that is no JSON": flip(0.01),
}
"""Damage to a safetensors file that a sum cannot show if it is made anew."""


def _array(change: Callable[[np.ndarray], np.ndarray]) -> Harm:
    def harm(path: Path) -> None:
        with path.open("rb") as file:
            array = np.load(file)
        with path.open("wb") as file:
            np.save(file, change(array))

    return harm


ARRAY: dict[str, Harm] = {
    **CONTENT,
    "a header that is cut": _bytes(lambda content: content[:40]),
    "a header that is broken": _bytes(lambda content: content.replace(b"descr", b"dscr)")),
    "a header of another size": _bytes(
        lambda content: content.replace(b"'shape': (", b"'shape': (9")
    ),
    "a version from elsewhere": _bytes(lambda content: content[:6] + b"\x09" + content[7:]),
    "one byte short": _bytes(lambda content: content[:-1]),
    "objects": _array(lambda array: array.astype(object)),
    "strings": _array(lambda array: array.astype(str)),
    "complex numbers": _array(lambda array: array.astype(complex)),
    "dates": _array(lambda array: array.astype(np.int64).astype("M8[s]")),
    "one number": _array(lambda array: array.reshape(-1)[0]),
    "no rows": _array(lambda array: array[:0]),
    "one row": _array(lambda array: array[:1]),
    "one dimension": _array(lambda array: array.reshape(-1)),
    "five dimensions": _array(lambda array: array.reshape(*array.shape, *[1] * (5 - array.ndim))),
    "fields": _array(lambda array: np.zeros(len(array), [("a", "f4"), ("b", "i4")])),
}
"""Damage to an array of numpy."""

TABLE: dict[str, Harm] = {
    **{name: CONTENT[name] for name in ("empty", "zeros", "words")},
    "a header alone": _bytes(lambda content: content.splitlines(keepends=True)[0]),
    "not UTF-8": _bytes(lambda content: content.replace(b"round", b"r\xff\xfe")),
    "a cell too many": _bytes(lambda content: content.rstrip() + b",1\n"),
    "a quote that stays open": _bytes(lambda content: content.replace(b"data/", b'"data/', 1)),
    "a cell of 200,000 letters": _bytes(lambda content: content + b"x" * 200_000 + b",1\n"),
    "an image that is not there": _bytes(lambda content: content + b"data/none.png,1\n"),
    "a folder as an image": _bytes(lambda content: content + b"data/cat,1\n"),
    "a name with a zero byte": _bytes(lambda content: content + b"data/\0.png,1\n"),
    "a name of 5,000 letters": _bytes(lambda content: content + b"x" * 5000 + b",1\n"),
    "an image twice": _bytes(lambda content: content + b"data/cat/00.png,1\n"),
    "a row of 30 digits": _to(b"row,round\n" + b"9" * 30 + b",1\n"),
    "a row of -1": _to(b"row,round\n-1,1\n"),
    "no column of attributes": _to(b"file_name\ndata/cat/00.png\n"),
}
"""Damage to a table of attributes."""
