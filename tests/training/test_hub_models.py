"""push and pull: a model and its card to and from a folder, a web server and a hub."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")
pytest.importorskip("huggingface_hub", reason="push and pull need it")

from colour_models import colour_model
from local_server import LocalHub, LocalServer

from training.cli import main

Refused = Callable[..., str]
REPOSITORY = "hf://someone/colours"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with its card, class index and another model beside it whose name begins alike."""
    folder = tmp_path / "made"
    folder.mkdir()
    colour_model(folder / "colours.int8.onnx", format="1")
    for name in ("colours.md", "colours.class_index.json", "colours.int8.md"):
        (folder / name).write_text(f"# {name}\n")
    return colour_model(folder / "colours.onnx", format="1")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as hub:
        yield hub


def done(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code == 0


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def served(server: LocalServer, model: Path, tmp_path: Path) -> dict[str, bytes]:
    """Push to a folder and serve it under /m/."""
    done("push", model, "--to", tmp_path / "shelf")
    files = contents(tmp_path / "shelf")
    server.files = {f"/m/{name}": data for name, data in files.items()}
    return files


def test_through_a_folder_with_all_that_bears_the_models_name(model: Path, tmp_path: Path) -> None:
    done("push", model, "--to", tmp_path / "shelf")
    done("pull", tmp_path / "shelf", "--out", tmp_path / "got")
    names = ("colours.class_index.json", "colours.md", "colours.onnx")
    assert contents(tmp_path / "got") == {n: (model.parent / n).read_bytes() for n in names}
    manifest = json.loads((tmp_path / "shelf/manifest.json").read_text())
    assert (manifest["format"], manifest["model"]) == (1, "colours.onnx")
    assert [file["file"] for file in manifest["files"]] == list(names)
    assert manifest["files"][2]["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()


def test_from_a_web_server(server: LocalServer, model: Path, tmp_path: Path) -> None:
    served(server, model, tmp_path)
    for number, address in enumerate(("/m", "/m/", "/m/manifest.json")):
        done("pull", server.url + address, "--out", tmp_path / f"got{number}")
        assert (tmp_path / f"got{number}/colours.onnx").read_bytes() == model.read_bytes()


def test_through_a_hub(hub: LocalHub, model: Path, tmp_path: Path) -> None:
    done("push", model, "--to", REPOSITORY, "--endpoint", hub.url)
    assert hub.created == [{"name": "colours", "organization": "someone", "visibility": "private"}]
    page = hub.files["/someone/colours/resolve/main/README.md"].decode()
    assert page.startswith("---\nlibrary_name: onnx\n")
    assert page.endswith("# colours.md\n")
    done("pull", REPOSITORY, "--out", tmp_path / "got", "--endpoint", hub.url + "/")
    assert (tmp_path / "got/colours.onnx").read_bytes() == model.read_bytes()
    assert len(contents(tmp_path / "got")) == 3


def test_the_hubs_own_variable_names_its_address(
    hub: LocalHub, model: Path, tmp_path: Path
) -> None:
    done("push", model, "--to", REPOSITORY, "--endpoint", hub.url)
    arguments = ["pull", f"{REPOSITORY}@main", "--out", str(tmp_path / "got")]
    environment = {**os.environ, "HF_ENDPOINT": hub.url}
    command = [sys.executable, "-m", "training", *arguments]
    subprocess.run(command, env=environment, check=True, timeout=300)
    assert (tmp_path / "got/colours.md").is_file()


def test_nothing_is_replaced_without_force(model: Path, tmp_path: Path, refused: Refused) -> None:
    shelf, got = tmp_path / "shelf", tmp_path / "got"
    done("push", model, "--to", shelf)
    assert f"{shelf / 'manifest.json'}: exists; --force" in refused("push", model, "--to", shelf)
    done("push", model, "--to", shelf, "--force")
    got.mkdir()
    (got / "colours.md").write_text("mine")
    assert f"{got / 'colours.md'}: exists; --force" in refused("pull", shelf, "--out", got)
    assert contents(got) == {"colours.md": b"mine"}
    done("pull", shelf, "--out", got, "--force")
    assert contents(got)["colours.md"] == b"# colours.md\n"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "SHA-256 is"),
        (lambda data: data[:-9], "manifest.json says"),
        (lambda data: data + b"more", "more than the"),
    ],
)
def test_model_that_changed_on_the_way(
    server: LocalServer,
    model: Path,
    tmp_path: Path,
    refused: Refused,
    damage: Callable[[bytes], bytes],
    said: str,
) -> None:
    files = served(server, model, tmp_path)
    server.files["/m/colours.onnx"] = damage(files["colours.onnx"])
    line = refused("pull", server.url + "/m", "--out", tmp_path / "got")
    assert said in line
    assert f"{server.url}/m" in line
    assert "colours.onnx" in line
    assert not (tmp_path / "got").exists()


def relabel(manifest: dict[str, object], **changes: object) -> bytes:
    return json.dumps({**manifest, **changes}).encode()


def test_manifest_that_names_files_elsewhere(
    server: LocalServer, model: Path, tmp_path: Path, refused: Refused
) -> None:
    manifest = json.loads(served(server, model, tmp_path)["manifest.json"])
    for name in ("../colours.md", "/etc/colours.md", ".hidden", "a\\b", "manifest.json", ""):
        files = [*manifest["files"], {"file": name, "size_bytes": 1, "sha256": "0" * 64}]
        server.files["/m/manifest.json"] = relabel(manifest, files=files)
        line = refused("pull", server.url + "/m", "--out", tmp_path / "got")
        assert "not a plain file name" in line
    assert not (tmp_path / "got").exists()


def test_manifest_that_is_none(
    server: LocalServer, model: Path, tmp_path: Path, refused: Refused
) -> None:
    manifest = json.loads(served(server, model, tmp_path)["manifest.json"])
    bad = {
        b"<html>": "Invalid JSON",
        relabel(manifest, format=2): "format",
        relabel(manifest, files=manifest["files"][2:]): "the model's card, colours.md, is missing",
        relabel(manifest, files=manifest["files"][:2]): "the model, colours.onnx, is missing",
        relabel(manifest, model="colours.exe"): "not an .onnx file",
    }
    for data, said in bad.items():
        server.files["/m/manifest.json"] = data
        line = refused("pull", server.url + "/m", "--out", tmp_path / "got")
        assert f"{server.url}/m" in line
        assert "manifest.json: " in line
        assert said in line


def test_true_to_its_manifest_but_no_model_of_ours(
    server: LocalServer, model: Path, tmp_path: Path, refused: Refused
) -> None:
    manifest = json.loads(served(server, model, tmp_path)["manifest.json"])
    for data, said in (
        (b"not protobuf", "not a model that ONNX Runtime can load"),
        (colour_model(tmp_path / "plain.onnx").read_bytes(), "no scrapline.format"),
        (colour_model(tmp_path / "new.onnx", format="9").read_bytes(), "scrapline.format 9"),
    ):
        facts = {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        files = [*manifest["files"][:2], {"file": "colours.onnx", **facts}]
        server.files["/m/manifest.json"] = relabel(manifest, files=files)
        server.files["/m/colours.onnx"] = data
        line = refused("pull", server.url + "/m", "--out", tmp_path / "got")
        assert f"{server.url}/m: colours.onnx: " in line
        assert said in line
    assert not (tmp_path / "got").exists()


def test_model_without_a_card_is_not_pushed(model: Path, tmp_path: Path, refused: Refused) -> None:
    model.with_suffix(".md").unlink()
    line = refused("push", model, "--to", tmp_path / "shelf")
    assert f"{model.with_suffix('.md')}: the model's card is missing" in line
    assert not (tmp_path / "shelf").exists()


def test_places_that_do_not_answer_as_they_should(
    server: LocalServer, hub: LocalHub, model: Path, tmp_path: Path, refused: Refused
) -> None:
    out = ("--out", tmp_path / "got")
    assert "404 (not there)" in refused("pull", f"{server.url}/no", *out)
    assert "cannot be reached" in refused("pull", "http://127.0.0.1:1/m", *out)
    assert "not an address" in refused("pull", "http://", *out)
    assert f"{tmp_path / 'no'}: no such folder" in refused("pull", tmp_path / "no", *out)
    assert f"{tmp_path}: has no manifest.json" in refused("pull", tmp_path, *out)
    assert "hf://one: not hf://owner/name" in refused("pull", "hf://one", *out)
    at_hub = (REPOSITORY, "--endpoint", hub.url)
    assert "no such repository" in refused("pull", *at_hub, *out)
    hub.files["/someone/other"] = b""
    assert "has no manifest.json" in refused(
        "pull", "hf://someone/other", "--endpoint", hub.url, *out
    )
    hub.open_to_all = False
    assert "set HF_TOKEN" in refused("push", model, "--to", *at_hub)
    nowhere = ("--endpoint", "http://127.0.0.1:1")
    assert f"{REPOSITORY} at http://127.0.0.1:1: cannot be reached" in refused(
        "pull", REPOSITORY, *nowhere, *out
    )
    assert "cannot be reached" in refused("push", model, "--to", REPOSITORY, *nowhere)
    hub.open_to_all, other = True, ("--endpoint", f"{hub.url}/elsewhere")
    assert "does not answer as a hub does" in refused("push", model, "--to", REPOSITORY, *other)
    assert "a web server takes no files" in refused("push", model, "--to", server.url)
    assert not (tmp_path / "got").exists()
