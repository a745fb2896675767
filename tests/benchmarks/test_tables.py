"""What a table costs: a process that is looked at, and a fit that is continued."""

import sys

import pytest


@pytest.fixture
def tables(monkeypatch):
    import tables

    monkeypatch.setattr(tables, "PERIOD", 0.01)
    return tables


def test_a_process_is_looked_at_until_it_ends(tables, tmp_path):
    file = tmp_path / "report"
    code = f"x = bytearray(2**25); open({str(file)!r}, 'w').close(); import time; time.sleep(.1)"
    found = tables.watched([sys.executable, "-c", code], file)
    assert 2**25 < found.peak_bytes < 2**28  # of its own, and not of this one
    assert 0 < found.first_file <= found.seconds
    assert max(resident for _, resident in found.moments) > 2**25


def test_a_process_that_fails_says_why(tables):
    with pytest.raises(SystemExit, match=r"ended with 3: no luck"):
        tables.watched(
            [sys.executable, "-c", "import sys; print('no luck', file=sys.stderr); exit(3)"]
        )


def test_short_fits_are_continued_to_all_epochs(tables, monkeypatch):
    def watched(command):
        return tables.Watched(10 + 2.0 * int(command[-1]), int(command[-1]))

    monkeypatch.setattr(tables, "watched", watched)
    found = tables._theirs(["fit"], full=False)
    assert found["seconds"] == pytest.approx(610)
    assert found["measured_seconds"] == [14, 34]


def test_memory_of_both_sizes_is_drawn(tables):
    sizes = [{"rows": 9, "updates_per_second": 2.0, "moments": [(0, 2**20), (1, 2**21)]}] * 2
    assert len(tables.draw(sizes).axes[0].lines) == 2
