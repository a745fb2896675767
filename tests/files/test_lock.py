"""One process at a time, for as long as it lives."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from alpha_bridge.files import LOCK
from alpha_bridge.files.lock import holder, locked, was_killed

HOLD = """
import sys
from pathlib import Path
from alpha_bridge.files.lock import holder, locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(folder):
    """A process that has the lock until its input ends or it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "locked\n"
        yield process
        process.stdin.close()


def test_a_second_process_is_refused_with_the_number_of_the_first(tmp_path):
    with (
        another_process(tmp_path) as first,
        pytest.raises(ValueError, match=rf"^process {first.pid} writes into {tmp_path}: wait"),
        locked(tmp_path),
    ):
        pass


def test_the_lock_of_a_process_that_ended_is_free(tmp_path):
    with another_process(tmp_path):
        pass
    with locked(tmp_path):
        assert (tmp_path / LOCK).read_text().split()[0] == str(os.getpid())


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    with another_process(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert was_killed(tmp_path)
    with locked(tmp_path):
        assert not was_killed(tmp_path)
    assert not was_killed(tmp_path)


def test_one_process_has_a_lock_once(tmp_path):
    mine = f"process {os.getpid()} "
    with locked(tmp_path), pytest.raises(ValueError, match=mine), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_folder_that_is_missing_is_made(tmp_path):
    with locked(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / LOCK).is_file()


def test_what_anybody_wrote_into_the_file_does_not_reach_the_terminal(tmp_path):
    with another_process(tmp_path):
        for signed in (b"", b"no number\x1b[2J\n", b"\xff", b"one two three"):
            (tmp_path / LOCK).write_bytes(signed)
            with pytest.raises(ValueError) as refused, locked(tmp_path):
                pass
            assert str(refused.value).isprintable()


def test_a_process_of_another_host_is_named_with_it(tmp_path):
    with another_process(tmp_path):
        (tmp_path / LOCK).write_text("4711 node2\n")
        with pytest.raises(ValueError, match=r"^process 4711 on node2 writes"), locked(tmp_path):
            pass


def test_a_lock_that_leads_out_of_the_folder_is_not_written(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).symlink_to(theirs)
    with pytest.raises(ValueError, match="leads out of"), locked(tmp_path / "run"):
        pass
    assert theirs.read_text() == "theirs"


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / LOCK).symlink_to("config.json")
    with pytest.raises(PermissionError, match=rf"cannot write .*{LOCK} \("), locked(tmp_path):
        pass
    assert (tmp_path / "config.json").read_text() == "{}"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PermissionError, match="cannot write"), locked(tmp_path / "file" / "run"):
        pass


def test_the_holder_of_a_lock_is_known_while_it_lives(tmp_path):
    assert holder(tmp_path) is None
    with another_process(tmp_path) as process:
        assert holder(tmp_path) == process.pid
    assert holder(tmp_path) is None
