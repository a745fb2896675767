"""Shards: images are read where they lie, and are those that would be decoded beforehand."""

import io
import json
import os
import shutil
import tarfile
from functools import partial
from pathlib import Path

import datasets
import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.feather
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from alpha_bridge.data import load_images, sampler, streamed
from alpha_bridge.data.sampler import Groups, shuffled
from alpha_bridge.data.shards import encoded_images, scanned, sums
from alpha_bridge.data.shards.encoded_images import Shards
from alpha_bridge.data.shards.kinds import scan
from alpha_bridge.files import sha256
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.domains import build_source

COUNT, GROUP = 40, 5
KINDS = ("tar", "parquet", "arrow")


def png(value):
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def tar(path, samples, **options):
    """Write ``(key, {ending: content})``."""
    with tarfile.open(path, "w", **options) as file:
        for key, members in samples:
            for ending, content in members.items():
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = len(content)
                file.addfile(member, io.BytesIO(content))


def write(folder, kind, values):
    """Two shards of grey images of one value each, of which even ones are cats."""
    folder.mkdir()
    for number, part in enumerate((values[: COUNT // 2], values[COUNT // 2 :])):
        path = folder / f"part-{number}.{kind}"
        contents = [value if isinstance(value, bytes) else png(value) for value in part]
        labels = [("cat", "dog")[place % 2] for place in range(len(part))]
        if kind == "tar":
            rows = enumerate(zip(contents, labels, strict=True))
            records = [
                (f"{row:03}", {"png": c, "json": json.dumps({"label": t}).encode()})
                for row, (c, t) in rows
            ]
            tar(path, records)
            continue
        images = [{"bytes": content, "path": None} for content in contents]
        features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
        table = datasets.Dataset.from_dict({"image": images, "label": labels}, features).data.table
        if kind == "parquet":
            pyarrow.parquet.write_table(table, path, row_group_size=GROUP)
        else:
            with pyarrow.ipc.new_stream(path, table.schema) as file:
                file.write_table(table, GROUP)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("shards")
    return {kind: write(root / kind, kind, [*range(COUNT)]) for kind in KINDS}


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    return partial(load_images, cache=tmp_path_factory.mktemp("cache"), stream=True)


@pytest.fixture(scope="module")
def streams(folders, load):
    return {kind: load(str(folder)) for kind, folder in folders.items()}


def values(images):
    return images[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_streamed_images_are_the_decoded_ones(folders, streams, load, kind):
    source, decoded = streams[kind], load(str(folders[kind]), stream=False)
    assert source.class_names == decoded.class_names == ("cat", "dog")
    for step in range(3):
        assert torch.equal(source.batch(7, step, 16), decoded.batch(7, step, 16))
    for part in ("training", "held_out"):
        for what in ("", "_labels"):
            of, plain = (getattr(one, part + what)(99) for one in (source, decoded))
            assert torch.equal(of, plain)
    names = [one.held_out_attributes(9).names for one in (source, decoded)]
    assert names == [["label=cat", "label=dog"]] * 2


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_table_may_begin_with_a_group_without_rows(folders, load, tmp_path, kind):
    plain, folder = folders["parquet"], tmp_path / "empty"
    folder.mkdir()
    for number in range(2):
        table, path = (
            pyarrow.parquet.read_table(plain / f"part-{number}.parquet"),
            folder / f"part-{number}.{kind}",
        )
        if kind == "parquet":
            with pyarrow.parquet.ParquetWriter(path, table.schema) as file:
                for part in (table.slice(0, 0), table.slice(0, GROUP), table.slice(GROUP)):
                    file.write_table(part)
        else:
            with pyarrow.ipc.new_stream(path, table.schema) as file:
                file.write_batch(pyarrow.RecordBatch.from_pylist([], table.schema))
                file.write_table(table, GROUP)
    source, usual = load(str(folder)), load(str(plain), stream=False)
    assert torch.equal(source.training(99), usual.training(99))
    assert torch.equal(source.training_labels(99), usual.training_labels(99))


def test_an_update_decodes_the_share_of_one_process_and_nothing_before(folders, load, monkeypatch):
    decoded, plain = [], streamed.decode_all

    def counted(*batches):
        for image in plain(*batches):
            decoded.append(image)
            yield image

    monkeypatch.setattr(streamed, "decode_all", counted)
    source = load(str(folders["tar"]))
    assert not decoded
    source.batch(0, 0, 6, rank=1, ranks=2)
    assert len(decoded) == 3


def test_the_images_of_two_processes_are_disjoint_parts_of_the_batch(streams):
    shares = [streams["tar"].batch(3, 2, 12, rank, 2) for rank in (0, 1)]
    assert not {*values(shares[0])} & {*values(shares[1])}
    assert torch.equal(torch.cat(shares), streams["tar"].batch(3, 2, 12))


@pytest.fixture
def reads(monkeypatch):
    """The groups of rows that are read, in order, where only one is held."""
    found, plain = [], Shards._column

    def counted(shards, *of):
        found.append(of[-1])
        return plain(shards, *of)

    for module in (sampler, encoded_images):
        monkeypatch.setattr(module, "HELD", 1)
    monkeypatch.setattr(Shards, "_column", counted)
    return found


def test_an_epoch_of_a_table_reads_each_group_of_rows_once(folders, load, reads):
    source = load(str(folders["parquet"]))
    reads.clear()
    drawn = [value for step in range(36) for value in values(source.batch(0, step, 1))]
    assert len(reads) == len({*reads}) == COUNT // GROUP
    assert sorted(drawn + values(source.held_out(9))) == [*range(COUNT)]


@pytest.mark.usefixtures("reads")
@pytest.mark.parametrize("cells", ["of datasets", "plain bytes"])
def test_groups_of_a_column_with_a_dot_in_its_name_are_let_go(folders, load, tmp_path, cells):
    table = pyarrow.parquet.read_table(folders["parquet"] / "part-0.parquet")
    images = table["image"]
    if cells == "plain bytes":
        images = pyarrow.compute.struct_field(images, "bytes")
    table = pyarrow.table({"observation.image": images, "label": table["label"]})
    (tmp_path / "x").mkdir()
    pyarrow.parquet.write_table(table, tmp_path / "x" / "a.parquet", row_group_size=GROUP)
    source = load(str(tmp_path / "x"))
    source.batch(0, 0, 16)
    assert source._train.groups is not None
    assert len(source._train.shards._held) <= 2


def test_a_sample_of_a_table_is_drawn_from_all_its_groups_and_reads_each_once(folders, load, reads):
    source, decoded = (load(str(folders["parquet"]), stream=stream) for stream in (True, False))
    reads.clear()
    assert torch.equal(source.training(COUNT // 2), decoded.training(COUNT // 2))
    assert len(reads) == len({*reads}) == COUNT // GROUP
    assert torch.equal(source.held_out(2), decoded.held_out(2))


@pytest.mark.usefixtures("reads")
def test_an_update_of_a_table_draws_the_same_whatever_was_drawn_before(streams):
    after = streams["parquet"].batch(1, 5, 8)
    for step in range(5):
        streams["parquet"].batch(1, step, 8)
    assert torch.equal(streams["parquet"].batch(1, 5, 8), after)


def test_groups_are_drawn_part_by_part_in_another_order_each_epoch(monkeypatch):
    monkeypatch.setattr(sampler, "HELD", 20)
    groups = Groups(np.repeat(np.arange(12), 5), np.full(12, 10))
    orders = [shuffled(60, np.random.default_rng(seed), groups) for seed in (0, 1)]
    for order in orders:
        assert np.array_equal(np.sort(order), np.arange(60))
        parts = [{*groups.of[order[begin : begin + 10]]} for begin in range(5, 55, 10)]
        assert all(len(part) == 2 for part in parts)
    assert not np.array_equal(*orders)


# what shards say of their images


def labelled(folder, *shards):
    """Tar files of grey images, and what a sample has beside its image: ``.cls``, ``.json``."""
    folder.mkdir()
    for number, samples in enumerate(shards):
        rows = [
            (f"{row:03}", {"png": png(row)} | {kind: of.encode() for kind, of in sample.items()})
            for row, sample in enumerate(samples)
        ]
        tar(folder / f"{number}.tar", rows)
    return str(folder)


@pytest.mark.parametrize("unknown", [{}, {"cls": ""}, {"cls": "-1"}])
@pytest.mark.parametrize("shards", [1, 2])
def test_a_label_that_is_missing_is_unknown_and_the_others_stay_numbers(
    tmp_path, load, unknown, shards
):
    known = [{"cls": str(row % 11)} for row in range(COUNT)]
    source = load(labelled(tmp_path / "x", [*known, unknown], *[known] * (shards - 1)))
    assert source.class_names == tuple(map(str, range(11)))
    labels = torch.cat([source.training_labels(99), source.held_out_labels(99)])
    assert (labels < 0).sum() == 1 and len(labels) == shards * COUNT + 1


def test_a_tar_file_without_members_says_nothing_of_the_others(tmp_path, load):
    known = [{"cls": str(row % 2)} for row in range(COUNT)]
    for number, shards in enumerate(([known, []], [[], known])):
        assert load(labelled(tmp_path / str(number), *shards)).class_names == ("0", "1")


@pytest.mark.parametrize("label", ["7", "cat"])
def test_images_of_a_tar_file_without_labels_have_unknown_ones(tmp_path, load, label):
    known = [{"cls": label}, {"cls": "0"}] * 10
    for number, shards in enumerate(([known, [{}] * 9], [[{}] * 9, known])):
        source = load(labelled(tmp_path / str(number), *shards))
        assert source.class_names == ("0", label)
        labels = torch.cat([source.training_labels(99), source.held_out_labels(99)])
        assert (labels < 0).sum() == 9


def test_tar_files_without_labels_have_none_and_no_line_about_them(tmp_path, load):
    source = load(labelled(tmp_path / "x", [{}] * 9, [{}] * 9))
    assert source.class_names == () and not any("the labels" in note for note in source.notes)


@pytest.mark.parametrize("cls", [False, True])
@pytest.mark.parametrize("shards", [1, 2])
def test_a_line_says_that_folders_in_tar_files_are_no_labels_where_there_are_no_others(
    tmp_path, load, cls, shards
):
    rows = [
        (f"{kind}/{row:03}", {"png": png(row)} | ({"cls": b"%d" % (row % 2)} if cls else {}))
        for kind in ("cat", "dog")
        for row in range(9)
    ]
    (tmp_path / "x").mkdir()
    for number in range(shards):
        tar(tmp_path / "x" / f"{number}.tar", rows[number::shards])
    source = load(str(tmp_path / "x"))
    said = [note for note in source.notes if "the folders in the .tar files (cat, dog)" in note]
    assert len(said) == (not cls) and source.class_names == (("0", "1") if cls else ())


def test_no_line_is_about_one_folder_in_a_tar_file_and_few_are_named(tmp_path, load):
    for count in (1, 30):
        (tmp_path / str(count)).mkdir()
        rows = [(f"{row % count}/{row:03}", {"png": png(row)}) for row in range(30)]
        tar(tmp_path / str(count) / "a.tar", rows)
        said = [note for note in load(str(tmp_path / str(count))).notes if "folders in" in note]
        assert len(said) == (count > 1) and all("(0, 1, 2, 3, 4, …)" in note for note in said)


def test_labels_are_texts_in_all_tar_files_if_they_are_in_one(tmp_path, load):
    shards = [[{"cls": label}] * 20 for label in ("1", "cat")]
    source = load(labelled(tmp_path / "x", *shards, [{"json": '{"label": 1}'}]))
    assert source.class_names == ("1", "cat")


def test_attributes_of_several_types_are_left_out_in_one_tar_file_and_in_several(tmp_path, load):
    samples = [{"json": json.dumps({"age": age, "even": 0})} for age in (3, "unknown")] * 9
    sources = [
        labelled(tmp_path / "one", samples),
        labelled(tmp_path / "two", *[[sample] for sample in samples]),
    ]
    for source in map(load, sources):
        assert source.training_attributes(9).names == ["even=0"]
        assert any(note.startswith("age of .json: left out, as values") for note in source.notes)


@pytest.mark.parametrize("stream", [True, False])
def test_labels_that_are_booleans_in_one_tar_file_and_numbers_in_another_are_left_out_with_a_line(
    tmp_path, load, stream
):
    shards = [[{"json": json.dumps({"label": label})}] * 9 for label in (True, 3)]
    source = load(labelled(tmp_path / "x", *shards), stream=stream)
    assert source.class_names == ()
    assert sum(note.startswith("label of .json: left out") for note in source.notes) == 1


@pytest.mark.parametrize("value", ["x.jpg", 3, None])
@pytest.mark.parametrize("stream", [True, False])
def test_a_key_of_json_that_is_called_like_the_images_does_not_replace_them(
    tmp_path, load, value, stream
):
    samples = [{"json": json.dumps({"image": value, "label": row % 2})} for row in range(9)]
    source = load(labelled(tmp_path / "x", samples), stream=stream)
    assert source.size == 8 and source.class_names == ("0", "1")
    assert sorted(values(torch.cat([source.training(9), source.held_out(9)]))) == [*range(9)]


@pytest.mark.parametrize(
    "value", [2**64 - 1, "\ud800", [1, 2]], ids=["beyond 64 bits", "no text", "a list"]
)
def test_a_column_of_values_that_no_table_holds_is_left_out(tmp_path, load, value):
    samples = [{"json": json.dumps({"hash": value, "even": row % 2})} for row in range(9)]
    source = load(labelled(tmp_path / "x", samples))
    assert source.training_attributes(9).names == ["even"]
    assert any(note.startswith("hash of .json: left out") for note in source.notes)


@pytest.mark.parametrize("stream", [True, False])
def test_names_of_members_may_be_in_another_encoding(tmp_path, load, stream):
    (tmp_path / "x").mkdir()
    samples = [(name, {"png": png(row)}) for row, name in enumerate("äöüé")]
    tar(tmp_path / "x" / "a.tar", samples, encoding="latin-1", format=tarfile.GNU_FORMAT)
    source = load(str(tmp_path / "x"), stream=stream)
    assert source.size == 3
    assert [*source.files] == ([] if stream else ["\ufffd.png"] * 4)


def described(folder, kind, shards, rows):
    """Shards with a caption for each image, and its even number for every other one."""
    folder.mkdir()
    for number in range(shards):
        begin = number * rows
        captions = [f"a picture of {place}" for place in range(begin, begin + rows)]
        evens = [str(place % 2) for place in range(rows)]
        if kind == "tar":
            records = [
                (
                    f"{row:04}",
                    {"png": png(0), "json": json.dumps({"caption": c, "even": e}).encode()},
                )
                for row, (c, e) in enumerate(zip(captions, evens, strict=True))
            ]
            tar(folder / f"{number}.tar", records)
        else:
            table = pyarrow.table({"image": [png(0)] * rows, "caption": captions, "even": evens})
            pyarrow.parquet.write_table(table, folder / f"{number}.parquet")
    return folder


@pytest.mark.parametrize("kind", ["tar", "parquet"])
def test_texts_that_are_many_over_all_shards_are_let_go_while_these_are_looked_through(
    tmp_path, load, kind, monkeypatch
):
    monkeypatch.setattr(scanned, "MOST_TEXTS", 50)
    folder = described(tmp_path / "x", kind, 4, 20)
    kept = []
    plain = scanned._without
    monkeypatch.setattr(
        scanned, "_without", lambda one, of: kept.append(plain(one, of)) or kept[-1]
    )
    found, many = scan({"train": sorted(folder.iterdir())}, None, names=False)
    assert many == ["caption"]
    assert not any("caption" in one.cells.column_names for one in found["train"])
    assert [("caption" in one.cells.column_names) for one in kept] == [True] * 3 + [False] * 4
    source = load(str(folder))
    assert source.training_attributes(9).names == ["even"]
    assert any(note.startswith("caption: left out, as more than") for note in source.notes)


def test_texts_of_one_split_leave_a_column_of_another_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(scanned, "MOST_TEXTS", 50)
    files = {
        split: [*described(tmp_path / split, "parquet", 2, rows).iterdir()]
        for split, rows in (("train", 20), ("extra", 30))
    }
    found, many = scan(files, None, names=False)
    kept = {split: "caption" in scans[0].cells.column_names for split, scans in found.items()}
    assert kept == {"train": True, "extra": False} and many == ["caption"]


# images that cannot be decoded, and shards that cannot be read


def test_a_broken_image_is_refused_when_it_is_drawn(tmp_path, load):
    path = write(tmp_path / "x", "tar", [*range(9), b"no image", *range(10, COUNT)])
    source = load(str(path))
    with pytest.raises(ValueError, match=r"image 9 of part-0.tar cannot be decoded .*skip-broken"):
        source.training(99)
        source.held_out(99)


def test_the_next_image_stands_in_for_a_broken_one_that_is_skipped(tmp_path, load):
    path = write(tmp_path / "x", "tar", [*range(9), b"no image", *range(10, COUNT)])
    source = load(str(path), skip_broken=True)
    with pytest.warns(UserWarning, match=r"image 9 of part-0.tar .*; 1 left out so far") as said:
        drawn = [sorted(values(part(99))) for part in (source.training, source.held_out)] * 2
    assert len(said) == 1
    found = {len(part): part for part in drawn}
    assert not {*found[36]} & {*found[4]} and 9 not in found[36] + found[4]


def several(folder):
    tar(folder / "a.tar", [("0", {"left.png": png(0), "right.png": png(1)})])


def damaged(change):
    """A tar file of 30 images that is then changed; each of them takes two blocks of 512 bytes."""

    def make(folder):
        tar(folder / "a.tar", [(f"{row:03}", {"png": png(row)}) for row in range(30)])
        (folder / "a.tar").write_bytes(change((folder / "a.tar").read_bytes()))

    return make


def compressed(rows, codec="lz4", new=pyarrow.ipc.new_file):
    def make(folder):
        table = pyarrow.table({"image": [png(0)] * rows})
        options = pyarrow.ipc.IpcWriteOptions(compression=codec)
        with new(folder / "a.arrow", table.schema, options=options) as file:
            file.write_table(table)

    return make


def mixed(folder):
    tar(folder / "train-a.tar", [("0", {"png": png(0)})])
    table = pyarrow.table({"image": [png(0)]})
    pyarrow.parquet.write_table(table, folder / "test-b.parquet")


NO_END = "a.tar cannot be read .at byte 10240 there is neither a member nor the end .*: replace or"


def called(*names):
    def make(folder):
        for number, name in enumerate(names):
            table = pyarrow.table({name: [png(0)] if name != "label" else [0]})
            pyarrow.parquet.write_table(table, folder / f"{number}.parquet")

    return make


COMPRESSED = "a.arrow is compressed, .*: write it without compression"
NESTED = pyarrow.table({"sample": [{"image": {"bytes": png(0), "path": None}, "k": 1}] * 9})

REFUSED = {
    "cut": (
        damaged(lambda tar: tar[:5000]),
        "shard .*a.tar cannot be read .*unexpected end of data.*: replace or remove it",
    ),
    "cut between members": (damaged(lambda tar: tar[:10240]), NO_END),
    "cut in a header": (damaged(lambda tar: tar[:10340]), NO_END),
    "damaged header": (damaged(lambda tar: tar[:10240] + b"x" * 512 + tar[10752:]), NO_END),
    "header of zeros": (damaged(lambda tar: tar[:10240] + bytes(512) + tar[10752:]), NO_END),
    "no tar": (lambda f: (f / "a.tar").write_bytes(b"x" * 9999), "shard .*a.tar cannot be read"),
    "no images": (lambda f: tar(f / "a.tar", [("0", {"txt": b"a"})]), "have no images .a.tar.: "),
    "several": (several, "has 2 images of one sample, .*: .*--images.image-column left.png"),
    "several dots": (
        lambda f: tar(f / "a.tar", [("frame", {f"{row:03}.png": png(row) for row in range(96)})]),
        "has 96 images of one sample, as what a name has up to its first dot is the sample "
        r".frame.000.png: 000.png, 001.png, 002.png, .*004.png and 91 more.: give .*one dot$",
    ),
    "no JSON": (
        lambda f: tar(f / "a.tar", [("0", {"png": png(0), "json": b"{"})]),
        "0.json in .*a.tar is no JSON .*: repair it",
    ),
    "compressed": (compressed(9999), COMPRESSED),
    "compressed, small": (compressed(48), COMPRESSED),
    "compressed stream": (compressed(1, "zstd", pyarrow.ipc.new_stream), COMPRESSED),
    "mixed": (mixed, "has shards of several kinds .*: give a folder of one kind"),
    "several names": (
        called("image", "img"),
        "shard .*0.parquet has the images in column image, and 1.parquet in img: call it alike",
    ),
    "images in one alone": (
        called("label", "image"),
        "shard .*1.parquet has the images in column image, and 0.parquet in none: call it alike",
    ),
    "no bytes": (
        lambda f: pyarrow.parquet.write_table(pyarrow.table({"x": [1]}), f / "a.parquet"),
        "the data set has no column of images; its columns are x: give .*image-column",
    ),
    "nested parquet": (
        lambda f: pyarrow.parquet.write_table(NESTED, f / "a.parquet"),
        "no column of images; its columns are sample: .*within a column of records are not found",
    ),
    "nested arrow": (
        lambda f: pyarrow.feather.write_feather(NESTED, f / "a.arrow", "uncompressed"),
        "no column of images; its columns are sample: .*within a column of records are not found",
    ),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("case", REFUSED)
def test_shards_that_are_of_no_use_are_refused_in_a_line(tmp_path, load, case, stream):
    make, message = REFUSED[case]
    (tmp_path / "x").mkdir()
    make(tmp_path / "x")
    with pytest.raises(ValueError, match=message) as error:
        load(str(tmp_path / "x"), stream=stream)
    assert "\n" not in str(error.value)


def test_a_column_that_no_shard_has_is_refused_with_those_that_there_are(tmp_path, load):
    pyarrow.parquet.write_table(NESTED, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="has no column 'image'; its columns are sample: give"):
        load(str(tmp_path), image_column="image")


def test_one_of_several_images_of_a_sample_can_be_chosen(tmp_path, load):
    (tmp_path / "x").mkdir()
    pairs = [(str(row), {"left.png": png(row), "right.png": png(9)}) for row in range(4)]
    tar(tmp_path / "x" / "a.tar", [*pairs, ("none", {"txt": b"no image"})])
    source = load(str(tmp_path / "x"), image_column="right.png")
    assert {*values(source.training(9))} == {9} and source.size == 3
    assert "1 sample without an image: left out" in source.notes


def test_the_sum_of_shards_is_of_their_content_wherever_they_lie(folders, streams, load, tmp_path):
    moved, other = tmp_path / "moved", tmp_path / "other"
    shutil.copytree(folders["tar"], moved, copy_function=shutil.copyfile)  # at another time
    write(other, "tar", [1, *range(1, COUNT)])
    found = [load(str(path)).fingerprint for path in (moved, other)]
    assert streams["tar"].fingerprint == found[0] != found[1]


@pytest.mark.parametrize("kind", ["tar", "arrow"])
def test_the_sum_of_shards_tells_one_image_that_was_overwritten_in_place(tmp_path, load, kind):
    images = [png(9).ljust(200, b"\0")] * COUNT
    folder = write(tmp_path / "x", kind, images)
    before, size = load(str(folder)).fingerprint, (folder / f"part-0.{kind}").stat().st_size
    shutil.rmtree(folder)
    write(folder, kind, [*images[:10], png(8).ljust(200, b"\0"), *images[11:]])
    assert (folder / f"part-0.{kind}").stat().st_size == size
    assert load(str(folder)).fingerprint != before


def test_only_shards_of_another_size_or_time_are_summed_up_again(folders, tmp_path, monkeypatch):
    folder, summed = tmp_path / "x", []
    shutil.copytree(folders["tar"], folder)
    monkeypatch.setattr(sums, "sha256", lambda file: summed.append(file.name) or sha256(file))
    load = partial(load_images, str(folder), cache=tmp_path / "cache", stream=True)
    before = load().fingerprint
    assert load().fingerprint == before and summed == ["part-0.tar", "part-1.tar"]
    os.utime(folder / "part-1.tar", (0, 0))
    assert load().fingerprint == before and summed[2:] == ["part-1.tar"]


def test_shards_that_were_summed_up_before_somebody_stopped_are_not_read_again(tmp_path):
    files, kept = [tmp_path / "a", tmp_path / "b"], tmp_path / "kept.json"
    files[0].write_bytes(b"a")
    with pytest.raises(FileNotFoundError):
        sums.sums_of(files, [1, 1], kept)
    assert [*json.loads(kept.read_text())] == [str(files[0])]


def test_sums_that_are_damaged_are_found_again(tmp_path):
    file, kept = tmp_path / "a", tmp_path / "kept.json"
    file.write_bytes(b"a")
    before = sums.sums_of([file], [1], kept)
    kept.write_bytes(kept.read_bytes()[:10])
    assert sums.sums_of([file], [1], kept) == before


def test_large_shards_are_streamed_by_default_and_the_line_names_the_other_way(
    folders, load, monkeypatch
):
    monkeypatch.setattr("alpha_bridge.data.images.STREAMED_FROM", 1)
    notes = load(str(folders["arrow"]), stream=None).notes
    assert "the images of 2 shards (0.0 MB) are decoded when they are drawn" in notes[2]
    assert "--images.stream False" in notes[2]
    assert Path(folders["arrow"]).name in notes[1]


@pytest.mark.parametrize("stream", [True, False])
def test_a_run_that_goes_on_reads_shards_as_it_began(
    folders, streams, tmp_path, monkeypatch, stream
):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path))
    begun = changed(Config(data=str(folders["arrow"])), {"images.stream": stream})
    recorded = {"event_shape": (1, 8, 8), "fingerprint": build_source(begun).fingerprint}
    monkeypatch.setattr("alpha_bridge.data.images.STREAMED_FROM", 10**9 if stream else 0)
    going_on = build_source(changed(begun, {"images.stream": None, **recorded}))
    assert going_on.fingerprint == recorded["fingerprint"]
    assert (going_on.fingerprint == streams["arrow"].fingerprint) == stream


def test_a_run_among_shards_is_refused_and_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "shards", "parquet", range(COUNT))
    run = tmp_path / "shards" / "run"
    run.mkdir()
    for name in ("config.json", "metrics.jsonl"):
        (run / name).touch()
    with pytest.raises(ValueError, match="beside its shards, run: move it out of there"):
        load_images(str(tmp_path / "shards"))
    run.rename(tmp_path / "run")
    assert len(load_images(str(tmp_path / "shards")).training(99)) == 36
