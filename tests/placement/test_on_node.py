"""What a node does with what it is sent, without a cluster."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from line.remote import run_keys
from line.remote.curve import new_pair
from line.remote.keys import LineKeys
from placement import on_node, parcel


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def parcel_of(content: bytes) -> parcel.Parcel:
    return "model.onnx", hashlib.sha256(content).hexdigest(), content


def test_what_is_there_is_kept_and_what_has_another_hash_is_not() -> None:
    name, sha256, _ = sent = parcel_of(b"weights")
    path = on_node.kept(sent)
    assert path.read_bytes() == b"weights"
    assert on_node.kept((name, sha256, b"not looked at any more")) == path
    with pytest.raises(ValueError, match="has another"):
        on_node.kept((name, "0" * 64, b"weights"))


def test_a_folder_that_others_may_write_to_is_not_used() -> None:
    folder = on_node.kept(parcel_of(b"weights")).parent.parent
    folder.chmod(0o777)
    with pytest.raises(PermissionError):
        on_node.kept(parcel_of(b"others"))


@pytest.mark.parametrize(
    ("packages", "module"),
    [(parcel.OF_WORKERS, "workers.remote"), (parcel.OF_PLANS, "planner.plan.run")],
)
def test_the_code_that_is_sent_is_all_that_is_needed(
    packages: tuple[str, ...], module: str, tmp_path: Path
) -> None:
    folder = on_node.unpacked(parcel.code(packages))
    assert on_node.unpacked(parcel.code(packages)) == folder
    asked = f"import {module}; print({module}.__file__)"
    ended = subprocess.run(
        [sys.executable, "-c", asked], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.stdout.strip().startswith(str(folder)), ended.stderr


def test_a_node_says_which_package_it_lacks() -> None:
    assert on_node.lacks(parcel.installed(parcel.OF_WORKERS)) == ""
    assert on_node.lacks({"pyzmq": "0.1"}).startswith("has pyzmq ")
    assert "surely-not is not installed in " in on_node.lacks({"surely-not": "1"})


def test_keys_of_a_run_let_in_whoever_was_named_and_nobody_else(tmp_path: Path) -> None:
    keys, press, stranger = tmp_path / "keys", new_pair(), new_pair()
    run_keys.make_run_keys(keys)
    run_keys.let_in(keys, "ray-0", press.public)
    assert LineKeys(keys).name_of(press.public) == "ray-0"
    assert LineKeys(keys).name_of(stranger.public) is None
    assert press.secret not in b"".join(p.read_bytes() for p in keys.rglob("*") if p.is_file())
    run_keys.shut_out(keys, "ray-0")
    assert LineKeys(keys).name_of(press.public) is None
