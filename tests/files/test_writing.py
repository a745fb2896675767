"""What is written appears whole or not at all, wherever a process is killed or a disk is full."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from alpha_bridge import files
from alpha_bridge.errors import NotWritten

KILLED = """
import os, shutil, signal, sys
from pathlib import Path


def counted(call):
    def run(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return run

os.fsync = counted(os.fsync)
Path.rename, Path.replace = counted(Path.rename), counted(Path.replace)
Path.unlink, shutil.rmtree = counted(Path.unlink), counted(shutil.rmtree)
Path.mkdir = counted(Path.mkdir)

from alpha_bridge import files

left = int(sys.argv[2])
root = Path(sys.argv[1])
with files.filling(root / "folder", replace=True) as folder:
    (folder / "a").write_text("new")
    (folder / "b").write_text("new")
with files.writing(root / "file") as file:
    file.write(b"new")
"""


def contents(folder):
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.mark.slow
def test_a_kill_between_any_two_calls_leaves_the_old_or_the_new(tmp_path):
    for kill in range(100):
        root = tmp_path / str(kill)
        (root / "folder").mkdir(parents=True)
        (root / "folder" / "a").write_text("old")
        (root / "file").write_text("old")
        ended = subprocess.run([sys.executable, "-c", KILLED, root, str(kill)], check=False)
        for name in ("folder", "file"):
            files.recover(root / name)
        assert contents(root / "folder") in ({"a": "old"}, {"a": "new", "b": "new"})
        assert (root / "file").read_text() in ("old", "new")
        assert {path.name for path in root.iterdir()} == {"folder", "file"}
        if ended.returncode == 0:
            break
    assert ended.returncode == 0
    assert kill >= 6


def test_a_full_disk_leaves_the_old_file_and_names_it(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    named = r"cannot write .*file \(No space left on device\)"
    with pytest.raises(NotWritten, match=named), files.writing(path) as file:
        file.write(b"new")
    assert contents(tmp_path) == {"file": "old"}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_file_of_a_folder_that_the_disk_refuses_to_take_is_an_error(tmp_path, monkeypatch, code):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("old")

    def refuse(handle):
        if stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    refusal = pytest.raises(NotWritten, match=rf"cannot write .*folder \({os.strerror(code)}\)")
    with refusal, files.filling(tmp_path / "folder", replace=True) as folder:
        (folder / "a").write_text("new")
    assert contents(tmp_path / "folder") == {"a": "old"}


def test_a_folder_that_cannot_be_synced_is_none_the_worse(tmp_path, monkeypatch):
    def refuse(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)
    with files.filling(tmp_path / "folder") as folder:
        (folder / "a").write_text("new")
    assert contents(tmp_path / "folder") == {"a": "new"}


def test_the_disk_has_all_of_a_new_file_or_folder_before_it_is_taken_for_written(
    tmp_path, monkeypatch
):
    synced = []
    fsync = os.fsync

    def watch(handle):
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()).removeprefix(str(tmp_path)))
        fsync(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs to know the paths of open files")
    monkeypatch.setattr(os, "fsync", watch)
    with files.filling(tmp_path / "new" / "folder") as folder:
        (folder / "a").write_text("new")
    partial = f"/new/.folder.{os.getpid()}.partial"
    assert synced == ["", f"{partial}/a", partial, "/new"]
    synced.clear()
    with files.writing(tmp_path / "other" / "file") as file:
        file.write(b"new")
    assert synced == ["", f"/other/.file.{os.getpid()}.partial", "/other"]
    synced.clear()
    for _ in range(2):
        files.append_line(tmp_path / "lines", b"one\n")
    assert synced == ["/lines", "", "/lines"]


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path):
    other = tmp_path / "other"
    other.write_text("theirs")
    for name in ("file", f".file.{os.getpid()}.partial"):
        (tmp_path / name).symlink_to(other)
    with files.writing(tmp_path / "file") as file:
        file.write(b"mine")
    assert other.read_text() == "theirs"
    assert not (tmp_path / "file").is_symlink()


def test_what_another_living_process_writes_is_left_alone(tmp_path):
    theirs = tmp_path / f".file.{os.getppid()}.partial"
    theirs.write_text("half")
    with files.writing(tmp_path / "file") as file:
        file.write(b"mine")
    assert theirs.read_text() == "half"


def test_a_folder_that_holds_something_is_not_replaced_unasked(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("old")
    with (
        pytest.raises(FileExistsError, match="folder is not empty"),
        files.filling(tmp_path / "folder"),
    ):
        pass
    assert contents(tmp_path / "folder") == {"a": "old"}


def test_an_error_while_filling_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), files.filling(tmp_path / "folder") as folder:
        (folder / "a").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_leads_outside_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "samples").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="leads out of"):
        files.within(tmp_path / "run", tmp_path / "run" / "samples" / "x.npy")
    inside = tmp_path / "run" / "checkpoints" / "step-00000001"
    assert files.within(tmp_path / "run", inside) == inside


def test_a_link_to_itself_is_refused_by_its_name(tmp_path):
    path = tmp_path / "manifest.json"
    path.symlink_to(path)
    with pytest.raises((ValueError, OSError), match=r"manifest\.json"):
        files.within(tmp_path, path).read_bytes()


def test_the_cache_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path))
    assert files.cache_folder() == Path(tmp_path)
