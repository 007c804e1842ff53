"""The folder of keys: made, rotated, and refused when others can read it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from line.errors import BadInput
from line.remote.keys import LineKeys, WorkerKeys, make
from tests.running_line import command


def modes(folder: Path) -> set[tuple[bool, int]]:
    found = [folder, *folder.rglob("*")]
    return {(path.is_dir(), path.stat().st_mode & 0o777) for path in found}


def carried(folder: Path, name: str) -> WorkerKeys:
    """What the machine of worker `name` has: a copy made now."""
    there = folder.parent / f"{name}-machine"
    shutil.copytree(folder / f"for-{name}", there, dirs_exist_ok=False)
    return WorkerKeys.load(there, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "keys", ["press", "mill"], rotate=False)
    return tmp_path / "keys"


def test_both_ends_fit_each_other(folder: Path) -> None:
    line, press = LineKeys(folder), carried(folder, "press")
    assert press.servers == (line.pair().public,)
    assert line.name_of(press.pair.public) == press.name == "press"
    assert line.name_of(line.pair().public) is None
    assert line.names() == ["mill", "press"]


def test_nobody_else_can_read_them(folder: Path) -> None:
    assert modes(folder) == {(True, 0o700), (False, 0o600)}


def test_a_secret_is_not_shown_where_a_pair_is(folder: Path) -> None:
    pair = LineKeys(folder).pair()
    assert pair.secret.decode() not in repr(pair)


def test_a_further_worker_leaves_the_others_alone(folder: Path) -> None:
    before = LineKeys(folder).pair()
    assert make(folder, ["saw"], rotate=False) == [folder / "for-saw"]
    assert LineKeys(folder).pair() == before
    assert LineKeys(folder).names() == ["mill", "press", "saw"]


def test_nothing_is_overwritten_unasked(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(BadInput, match=r"workers/press.key: exists; --rotate replaces it"):
        make(folder, ["saw", "press"], rotate=False)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_rotated_worker_may_come_with_its_old_key_until_that_is_removed(folder: Path) -> None:
    old = carried(folder, "press")
    shutil.rmtree(folder.parent / "press-machine")
    assert make(folder, ["press"], rotate=True) == [folder / "for-press"]
    new, line = carried(folder, "press"), LineKeys(folder)
    assert old.pair != new.pair
    assert line.name_of(old.pair.public) == line.name_of(new.pair.public) == "press"
    (folder / "workers" / "press.old.key").unlink()
    assert line.name_of(old.pair.public) is None
    assert modes(folder) == {(True, 0o700), (False, 0o600)}


def test_a_rotated_line_keeps_its_old_key_until_that_is_removed(folder: Path) -> None:
    line, old = LineKeys(folder), LineKeys(folder).pair()
    make(folder, [], rotate=True)
    press = carried(folder, "press")
    assert line.pair() == old
    assert old.public in press.servers
    for path in folder.glob("server.old.*"):
        path.unlink()
    assert line.pair() != old
    assert line.pair().public == press.servers[0]


def test_a_second_rotation_waits_for_the_end_of_the_first(folder: Path) -> None:
    make(folder, ["press"], rotate=True)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(BadInput, match=r"press.old.key: still valid since the last rotation"):
        make(folder, [], rotate=True)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["", "a b", "../up", "1st", "worker-0", "server", "ä", "x" * 33])
def test_a_name_that_no_worker_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="--name"):
        make(tmp_path / "keys", [name], rotate=False)
    assert not (tmp_path / "keys").exists()


def test_what_is_not_there_cannot_be_rotated(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"workers/saw.key: there is none to rotate"):
        make(folder, ["saw"], rotate=True)
    with pytest.raises(BadInput, match="holds no keys to rotate"):
        make(tmp_path / "none", [], rotate=True)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o602])
def test_a_key_that_others_can_read_or_write_is_refused_by_name(folder: Path, mode: int) -> None:
    secret = folder / "for-press" / "press.key_secret"
    secret.chmod(mode)
    with pytest.raises(BadInput, match=f"{secret}: others may read or write it .mode {mode:04o}."):
        WorkerKeys.load(folder / "for-press", None)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b'public-key = "short"\n', b'public-key = "' + b"~" * 40 + b'"\n'],
    ids=["empty", "binary", "short", "not Z85"],
)
def test_a_damaged_key_is_refused_by_name_and_lets_nobody_in(folder: Path, content: bytes) -> None:
    press = carried(folder, "press")
    (folder / "workers" / "press.key").write_bytes(content)
    assert LineKeys(folder).name_of(press.pair.public) is None
    server = folder / "server.key_secret"
    server.write_bytes(content)
    with pytest.raises(BadInput, match=f"{server}: not a key file"):
        LineKeys(folder).pair()


def test_a_public_key_in_the_place_of_a_secret_is_refused(folder: Path) -> None:
    shutil.copy(folder / "server.key", folder / "server.key_secret")
    with pytest.raises(BadInput, match=r"server.key_secret: holds no secret key"):
        LineKeys(folder).pair()


def test_among_several_keys_a_worker_must_choose(folder: Path) -> None:
    there = folder / "for-press"
    shutil.copy(folder / "for-mill" / "mill.key_secret", there)
    with pytest.raises(BadInput, match="holds the keys of mill, press; choose with --name"):
        WorkerKeys.load(there, None)
    assert WorkerKeys.load(there, "mill").name == "mill"
    with pytest.raises(BadInput, match=r"saw.key_secret: No such file"):
        WorkerKeys.load(there, "saw")


def test_without_the_lines_public_key_there_is_nobody_to_speak_to(folder: Path) -> None:
    (folder / "for-press" / "server.key").unlink()
    with pytest.raises(BadInput, match=r"server.key: no such file"):
        WorkerKeys.load(folder / "for-press", None)


def test_the_command_says_what_to_do_next(tmp_path: Path) -> None:
    made = command("keys", "mine", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == "mine/for-remote: carry it to that machine, then remove it here\n"
    again = command("keys", "mine", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "error: mine/workers/remote.key: exists; --rotate replaces it\n"
