"""Nothing outside the folder is reached, and uploads are kept within their limits."""

import pytest

from alpha_bridge.runs.folder import Run
from alpha_bridge.studio import workspace
from alpha_bridge.studio.workspace import Workspace


@pytest.fixture
def elsewhere(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    Run.create(folder / "run", {"steps": 1})
    return folder


@pytest.fixture
def files(tmp_path_factory):
    """What a browser has uploaded, by name."""
    folder = tmp_path_factory.mktemp("uploaded")

    def upload(*names):
        for name in names:
            (folder / name).write_bytes(b"content")
        return [folder / name for name in names]

    return upload


@pytest.mark.parametrize("ask", [Workspace.run, Workspace.data])
@pytest.mark.parametrize("way", ["..", "/", "link"])
def test_what_lies_outside_is_refused(empty, elsewhere, ask, way):
    (empty.folder / "link").symlink_to(elsewhere)
    names = {"..": f"../../{elsewhere.parent.name}/run", "/": f"{elsewhere}/run"}
    with pytest.raises(ValueError, match="lies outside the folder of the studio: choose"):
        ask(empty, names.get(way, "link/run"))


def test_data_with_a_link_out_of_the_folder_are_refused(empty, elsewhere):
    (empty.folder / "photos").mkdir()
    (empty.folder / "photos" / "link.png").symlink_to(elsewhere / "secret.png")
    with pytest.raises(ValueError, match="leads out of"):
        empty.data("photos")


@pytest.mark.parametrize("name", [None, "", "nowhere"])
def test_what_is_not_there_is_refused(empty, name):
    with pytest.raises((ValueError, FileNotFoundError), match=r"no run yet|is not a run"):
        empty.run(name)
    with pytest.raises((ValueError, FileNotFoundError), match=r"are chosen|no data 'nowhere'"):
        empty.data(name)


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "--out", "a/b"])
def test_a_new_run_has_a_plain_name(empty, name):
    with pytest.raises(ValueError, match="cannot be the name of a run"):
        empty.place(name)


def test_a_studio_on_one_run_trains_no_other(place):
    on_run = Workspace(place.folder / "runs" / "ring")
    assert on_run.run_names() == ["."]
    with pytest.raises(ValueError, match="started on the run ring: start it on the folder"):
        on_run.place("second")


def test_runs_and_their_trials_are_found(empty):
    for name in ("runs/b", "runs/a", "runs/a/trial-10", "runs/a/trial-2"):
        Run.create(empty.folder / name, {"steps": 1}).append({"step": 1})
    assert empty.run_names() == ["runs/a", "runs/a/trial-2", "runs/a/trial-10", "runs/b"]


def test_uploaded_images_become_a_folder_of_data(empty, files):
    name = empty.keep(files("a.png", "..b;c.PNG"))
    assert {path.name for path in (empty.folder / name).iterdir()} == {"0000-a.png", "0001-bc.PNG"}
    assert empty.data(name) == str(empty.folder / name)


def test_an_uploaded_table_is_offered(empty, files):
    name = empty.keep(files("people.csv"))
    assert name in empty.data_names()
    assert (empty.folder / name).suffix == ".csv"


@pytest.mark.parametrize("name", ["people.csv", "a.png"])
def test_uploads_of_one_second_stay_apart(empty, files, monkeypatch, name):
    monkeypatch.setattr(workspace, "strftime", lambda _: "now")
    names = [empty.keep(files(name)) for _ in range(3)]
    ending = ".csv" if name == "people.csv" else ""
    kind = "table" if ending else "images"
    assert names == [f"uploads/{kind}-now{number}{ending}" for number in ("", "-2", "-3")]
    assert all((empty.folder / name).exists() for name in names)


@pytest.mark.parametrize("names", [(), ("a.png", "b.csv"), ("a.csv", "b.csv"), ("program.exe",)])
def test_other_uploads_are_refused(empty, files, names):
    with pytest.raises(ValueError, match=r"files were dropped: give|exe is no image, table or"):
        empty.keep(files(*names))
    assert not (empty.folder / "uploads").exists()


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_BYTES"])
def test_an_upload_that_is_too_large_is_refused(empty, files, monkeypatch, limit):
    monkeypatch.setattr(workspace, limit, 1)
    with pytest.raises(ValueError, match="too many for an upload"):
        empty.keep(files("a.png", "b.png"))
