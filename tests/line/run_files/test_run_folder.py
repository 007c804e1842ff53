from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from line.config import load
from line.errors import BadInput
from line.model.facts import ModelFacts
from line.process.runtime_dir import make_runtime_dir
from line.run_files.process_list import ProcessEntry
from line.run_files.run_folder import RunFolder
from line.settings import Settings

MODEL = ModelFacts(path="models/some.onnx", sha256="0123456789abcdef" * 4, classes=("a", "b"))
ENTRY = ProcessEntry(
    name="worker-0",
    role="worker",
    pid=4711,
    incarnation=2,
    since="2024-05-01T12:00:00.000+00:00",
    ready=True,
    started=815,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(environment={}, options=[("results.dir", str(tmp_path)), ("title", "trial")])


def test_without_a_wish_a_folder_is_named_after_time_and_scenario(
    settings: Settings, tmp_path: Path
) -> None:
    folder = RunFolder.choose(None, settings)
    assert folder.path.parent == tmp_path
    assert folder.path.name.endswith("-trial")
    assert not folder.path.exists()


def test_two_runs_in_one_second_get_two_folders(settings: Settings) -> None:
    folders = [RunFolder.choose(None, settings).path]
    for _ in range(3):  # at least two of the four are named within the same second
        folders[-1].mkdir()
        folders.append(RunFolder.choose(None, settings).path)
    assert len(set(folders)) == len(folders)


@pytest.mark.parametrize("title", ["a/b", "../elsewhere", "/etc"])
def test_a_title_never_leads_out_of_the_results_folder(
    settings: Settings, tmp_path: Path, title: str
) -> None:
    titled = settings.model_copy(update={"title": title})
    assert RunFolder.choose(None, titled).path.parent == tmp_path


def test_an_empty_folder_may_be_used(settings: Settings, tmp_path: Path) -> None:
    assert RunFolder.choose(tmp_path, settings).path == tmp_path


def test_a_relative_folder_becomes_absolute(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert RunFolder.choose(Path("run"), settings).path == tmp_path / "run"


def test_a_folder_that_holds_something_is_refused_by_name(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "results.csv").touch()
    with pytest.raises(BadInput, match="holds another run") as error:
        RunFolder.choose(tmp_path, settings)
    assert str(error.value).startswith(f"{tmp_path}: ")


def test_a_file_is_refused_by_name(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "run"
    file.touch()
    with pytest.raises(BadInput, match="is not a folder") as error:
        RunFolder.choose(file, settings)
    assert str(error.value).startswith(f"{file}: ")


def test_a_place_below_a_file_is_refused_before_anything_starts(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BadInput) as error:
        RunFolder.choose(file / "run", settings)
    assert str(error.value).startswith(f"{file / 'run'}: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_an_unwritable_place_is_refused_by_name(settings: Settings, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadInput, match="not writable") as error:
        RunFolder.choose(tmp_path / "run", settings)
    assert str(error.value).startswith(f"{tmp_path / 'run'}: ")


def test_a_folder_that_cannot_be_made_is_bad_input(settings: Settings) -> None:
    path = Path("/proc/scrapline/run")
    with pytest.raises(BadInput) as error:
        RunFolder(path).make(settings, MODEL)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_folder_that_another_run_made_meanwhile_is_bad_input(
    settings: Settings, tmp_path: Path
) -> None:
    first, second = (RunFolder.choose(tmp_path / "run", settings) for _ in range(2))
    first.make(settings, MODEL)
    with pytest.raises(BadInput, match="exists"):
        second.make(settings, MODEL)


def test_children_read_back_what_the_parent_wrote(settings: Settings, tmp_path: Path) -> None:
    folder = RunFolder.choose(tmp_path / "deep" / "run", settings)
    folder.make(settings, MODEL)
    stored = (folder.path / "settings.json").read_bytes()
    assert Settings.model_validate_json(stored) == settings
    assert ModelFacts.load(folder.path) == MODEL
    assert folder.logs.is_dir()


def test_processes_are_listed_as_they_are(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_processes([ENTRY])
    assert json.loads((tmp_path / "processes.json").read_text()) == {
        "processes": [
            {
                "name": "worker-0",
                "role": "worker",
                "pid": 4711,
                "incarnation": 2,
                "since": "2024-05-01T12:00:00.000+00:00",
                "ready": True,
                "started": 815,
            }
        ]
    }
    folder.write_processes([])
    assert json.loads((tmp_path / "processes.json").read_text()) == {"processes": []}


def test_a_reader_of_the_process_list_never_sees_half_of_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_processes([ENTRY] * 100)
    with (tmp_path / "processes.json").open() as reader:
        beginning = reader.read(10)
        folder.write_processes([ENTRY])
        assert len(json.loads(beginning + reader.read())["processes"]) == 100
    assert [path.name for path in tmp_path.iterdir()] == ["processes.json"]


@pytest.fixture
def runtime_base(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(short_dir))
    return short_dir


def test_sockets_get_a_folder_that_only_its_owner_may_enter(runtime_base: Path) -> None:
    folder = make_runtime_dir()
    assert folder.parent == runtime_base
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert make_runtime_dir() != folder


def test_sockets_are_not_kept_where_a_logout_removes_them(
    monkeypatch: pytest.MonkeyPatch, runtime_base: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime_base))
    monkeypatch.setenv("TMPDIR", str(runtime_base / "tmp"))
    (runtime_base / "tmp").mkdir()
    folder = make_runtime_dir()
    folder.rmdir()
    assert not folder.is_relative_to(runtime_base)


def test_the_first_folder_that_will_do_is_taken(runtime_base: Path) -> None:
    deep = runtime_base / ("x" * 90)
    deep.mkdir()
    anybodys = runtime_base / "anybody's"
    anybodys.mkdir()
    anybodys.chmod(0o777)
    bases = [runtime_base / "missing", deep, anybodys, runtime_base]
    assert make_runtime_dir(bases).parent == runtime_base
    assert list(deep.iterdir()) == list(anybodys.iterdir()) == []


@pytest.mark.parametrize(("name", "words"), [("x" * 90, "107 bytes"), ("missing", "No such file")])
def test_without_a_folder_for_its_sockets_the_first_fault_is_named(
    runtime_base: Path, name: str, words: str
) -> None:
    (runtime_base / ("x" * 90)).mkdir()
    with pytest.raises(BadInput, match=words) as error:
        make_runtime_dir([runtime_base / name])
    assert str(error.value).startswith(str(runtime_base / name))
