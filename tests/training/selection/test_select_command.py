"""select: a pool of pictures, any kind of model, a list."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import torch
from onnx import TensorProto, helper, numpy_helper
from small_runs import COLOURS, small_run, write_pictures

from training import backbone
from training.cli import main
from training.embedding.extractor import features, open_extractor

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def exported(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "model.onnx"
    with pytest.raises(SystemExit) as ended:
        main(["export", str(finished_run), "--out", str(file), "--parity-pictures", "2"])
    assert ended.value.code == 0
    return file


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """Twelve pictures, some in sub-folders, some not."""
    root = write_pictures(tmp_path / "pool", 4)
    for picture in (root / "grey").iterdir():
        picture.rename(root / picture.name)
    (root / "grey").rmdir()
    (root / "notes.txt").write_text("no picture")
    return root


def select(pool: Path, out: Path, *options: object) -> list[dict[str, str]]:
    with pytest.raises(SystemExit) as ended:
        main(["select", *map(str, [pool, "--out", out, *options])])
    assert ended.value.code == 0
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("strategy", ["margin", "margin_diverse", "typiclust", "coreset"])
@pytest.mark.parametrize("kind", ["run", "onnx"])
def test_a_list_of_pictures_with_scores(
    strategy: str, kind: str, pool: Path, finished_run: Path, exported: Path, tmp_path: Path
) -> None:
    model = finished_run if kind == "run" else exported
    given = ["--model", model, "--count", 5, "--strategy", strategy]
    rows = select(pool, tmp_path / "a" / "list.csv", *given)
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert len({row["path"] for row in rows}) == 5
    assert all((pool / row["path"]).is_file() for row in rows)
    assert {row["predicted"] for row in rows} <= set(COLOURS)
    assert all(float(row["score"]) >= 0 and 0 < float(row["confidence"]) <= 1 for row in rows)
    assert rows == select(pool, tmp_path / "again.csv", *given)


def test_a_checkpoint_and_its_export_see_the_same(
    pool: Path, finished_run: Path, exported: Path
) -> None:
    files = sorted(pool.rglob("*.png"))
    ours = open_extractor("--model", str(finished_run), "", 0)
    served = open_extractor("--model", str(exported), "", 0)
    assert ours.classes == served.classes == tuple(COLOURS)
    a, b = features(ours, files), features(served, files)
    assert a.embeddings.shape == b.embeddings.shape
    assert a.probabilities is not None
    assert b.probabilities is not None
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=0.02)
    np.testing.assert_allclose(a.embeddings, b.embeddings, atol=0.1)


def test_random_needs_no_model_and_follows_the_seed(pool: Path, tmp_path: Path) -> None:
    random = ["--strategy", "random", "--count", 6, "--seed"]
    first = select(pool, tmp_path / "a.csv", *random, 1)
    assert first == select(pool, tmp_path / "b.csv", *random, 1)
    assert first != select(pool, tmp_path / "c.csv", *random, 2)
    assert list(first[0]) == ["rank", "path", "score"]


def test_bare_weights_serve_where_no_classes_are_needed(pool: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    network = backbone.build(small_run(tmp_path, tmp_path), 1000)
    torch.save(network.model.state_dict(), weights)
    bare = ["--backbone", "mobilenet_v3_small", "--size-px", 32, "--model", weights]
    rows = select(pool, tmp_path / "a.csv", *bare, "--strategy", "kmeans", "--count", 3)
    assert len(rows) == 3
    assert "predicted" not in rows[0]


def test_labelled_pictures_are_not_chosen_again(
    pool: Path, finished_run: Path, tmp_path: Path
) -> None:
    labelled = tmp_path / "labelled"
    shutil.copytree(pool / "green", labelled / "glass")
    (pool / "copy.png").write_bytes((pool / "grey0.png").read_bytes())
    rows = select(
        pool,
        tmp_path / "list.csv",
        *("--labelled", labelled, "--count", 8, "--strategy", "coreset", "--model", finished_run),
    )
    paths = {row["path"] for row in rows}
    assert not any(path.startswith("green/") for path in paths)
    assert "grey0.png" not in paths or "copy.png" not in paths


def test_what_is_refused(
    pool: Path, finished_run: Path, exported: Path, tmp_path: Path, refused: Refused
) -> None:
    def line(*options: object, of: Path = pool) -> str:
        given = ["--count", 2, "--strategy", "margin", "--out", tmp_path / "list.csv", *options]
        return refused("select", of, *given)

    assert "--model: is required with --strategy margin" in line()
    assert "--model no.pt: no such file" in line("--model", "no.pt")
    assert "no.onnx: no such file" in line("--model", "no.onnx")
    assert "no such folder" in line(of=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "no pictures" in line(of=tmp_path / "empty")
    assert "--count 13: " in line("--count", 13)
    assert "without a label" in line("--count", 1, "--labelled", pool)
    bare = ["--model", "none", "--backbone", "mobilenet_v3_small", "--size-px", 32]
    assert "needs classes, and none names none" in line(*bare)
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    assert "bad.onnx: not a model that ONNX Runtime can load" in line(
        "--model", tmp_path / "bad.onnx"
    )
    assert not (tmp_path / "list.csv").exists()


def test_pictures_that_cannot_be_read_are_named_and_left_out(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = pool / "green" / "green1.png"
    torn.write_bytes(torn.read_bytes()[:50])
    (pool / "empty.jpg").touch()
    (pool / "grey0.png").rename(pool / os.fsdecode(b"gr\xe9y.png"))
    (pool / "._grey1.png").touch()
    rows = select(pool, tmp_path / "list.csv", "--strategy", "random", "--count", 11)
    said = capsys.readouterr().out
    assert f"left out {torn}: " in said
    assert f"{pool}: 2 of 13 pictures cannot be read and are left out" in said
    assert f"{pool}: passed over 1 .txt, 1 hidden" in said
    paths = {row["path"] for row in rows}
    assert len(paths) == 11
    assert not paths & {"green/green1.png", "empty.jpg"}
    assert "gr\\udce9y.png" in paths


def test_onnx_files_without_what_is_needed(
    exported: Path, pool: Path, tmp_path: Path, refused: Refused
) -> None:
    model = onnx.load(exported)
    kept = [entry for entry in model.metadata_props if entry.key != "scrapline.classes"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, tmp_path / "anonymous.onnx")
    given = ["--count", 2, "--out", tmp_path / "list.csv", "--model"]
    line = refused("select", pool, *given, tmp_path / "anonymous.onnx")
    assert "anonymous.onnx names none" in line
    rows = select(
        pool,
        tmp_path / "list.csv",
        *given[:2],
        *given[4:],
        tmp_path / "anonymous.onnx",
        "--strategy",
        "coreset",
    )
    assert len(rows) == 2
    assert "predicted" not in rows[0]


def test_a_graph_without_a_dense_layer(pool: Path, tmp_path: Path, refused: Refused) -> None:
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "sides"], ["logits"], keepdims=0),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "h", "w", 3])
    answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])
    sides = numpy_helper.from_array(np.array([1, 2]), "sides")
    graph = helper.make_graph(nodes, "colour", [image], [answer], [sides])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
    onnx.save(model, tmp_path / "colour.onnx")
    given = ["--count", 2, "--out", tmp_path / "list.csv", "--model", tmp_path / "colour.onnx"]
    assert "colour.onnx: no dense layer to take embeddings from" in refused("select", pool, *given)
