"""audit: doubtful labels, and the networks through which they are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")
pytest.importorskip("cleanlab", reason="the audit needs cleanlab")

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from small_runs import SILENT, write_pictures

from training import backbone
from training.audit.audit_folder import Embedder, Vector, examine, open_embedder
from training.audit.label_errors import classes_to_judge, suspect_labels
from training.audit.options import AuditSettings
from training.errors import BadInput
from training.options import load
from training.pictures import read_pixels
from training.train.options import TrainSettings

Refused = Callable[..., str]


def settings(data: Path, **options: object) -> AuditSettings:
    return load(AuditSettings, {"data": data, "device": "cpu", **options})


def mean_colour(paths: Sequence[Path]) -> Iterator[Vector]:
    for path in paths:
        yield (read_pixels(path).mean((0, 1)) - 90).astype(np.float32)


BY_COLOUR = Embedder("mean colour", mean_colour)


def clouds(per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Three separate clouds of points `[n, 3]`, and which each belongs to."""
    labels = np.repeat(np.arange(3), per_class)
    noise = np.random.default_rng(0).normal(0, 0.15, (len(labels), 3))
    return (np.eye(3)[labels] + noise).astype(np.float32), labels


def test_planted_label_errors_are_found() -> None:
    points, true = clouds(30)
    given = true.copy()
    given[[4, 50]] = [2, 0]
    suspicion = suspect_labels(points, given, np.arange(90), folds=5, seed=0)
    found = {(s.index, s.label, s.other) for s in suspicion.suspects}
    assert found == {(4, 2, 0), (50, 0, 1)}
    assert all(s.own < 0.1 < 0.5 < s.suggested for s in suspicion.suspects)
    assert suspicion.accuracy == pytest.approx(88 / 90)


def test_right_labels_are_not_suspected() -> None:
    points, true = clouds(20)
    assert suspect_labels(points, true, np.arange(60), folds=5, seed=0).suspects == ()


def test_a_wrong_label_does_not_confirm_itself() -> None:
    """Eight copies of one wrongly labelled picture: judged without each other they stand out."""
    points, true = clouds(20)
    far = np.tile(np.float32([-0.8, 1.0, 0.0]), (8, 1))
    points, labels = np.concatenate([points, far]), np.append(true, np.full(8, 2))
    groups = np.append(np.arange(60), np.full(8, 60))
    together = suspect_labels(points, labels, groups, folds=5, seed=0)
    assert {s.index for s in together.suspects} == set(range(60, 68))
    apart = suspect_labels(points, labels, np.arange(68), folds=5, seed=0)
    assert len(apart.suspects) < 8


def test_a_class_in_a_single_group_is_judged_without_an_opinion() -> None:
    points, labels = clouds(10)[0][:20], np.repeat([0, 1], 10)
    groups = np.append(np.arange(10), np.full(10, 10))
    suspicion = suspect_labels(points, labels, groups, folds=2, seed=0)
    assert all(s.index < 20 for s in suspicion.suspects)


def test_classes_need_a_group_for_every_fold() -> None:
    labels = ["a"] * 5 + ["b"] * 5 + ["c"] * 5
    groups = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10])
    assert classes_to_judge(labels, groups, folds=5) == ("a", "b")
    assert classes_to_judge(labels[5:], groups[5:], folds=5) == ()


def test_a_picture_in_the_wrong_folder_is_named(tmp_path: Path) -> None:
    root = write_pictures(tmp_path, 12)
    (root / "green" / "green3.png").rename(root / "brown" / "moss.png")
    findings = examine(settings(root), BY_COLOUR, SILENT)
    [error] = findings.label_errors
    assert (error.entry.name, error.entry.label, error.suggested) == (
        "brown/moss.png",
        "brown",
        "green",
    )
    assert error.suggested_probability > error.probability
    assert findings.notes == ()


def test_rare_classes_are_left_out_and_named(tmp_path: Path) -> None:
    root = write_pictures(tmp_path, 6)
    for number in range(3):
        (root / "grey" / f"grey{number}.png").unlink()
    findings = examine(settings(root), BY_COLOUR, SILENT)
    assert findings.notes == ("Labels of grey were not checked: fewer than 5 different pictures.",)
    assert findings.labels is not None


def test_without_enough_pictures_labels_are_not_checked(tmp_path: Path) -> None:
    findings = examine(settings(write_pictures(tmp_path, 3)), BY_COLOUR, SILENT)
    assert findings.labels is None
    assert "two classes with 5 different pictures" in findings.notes[0]


def test_checkpoint_that_learned_these_pictures(data: Path, finished_run: Path) -> None:
    embedder = open_embedder(settings(data, model=finished_run))
    assert embedder is not None
    assert "mobilenet_v3_small" in embedder.name
    assert "trained on these pictures" in embedder.caution
    paths = sorted((data / "val").rglob("*.png"))
    vectors = np.stack(list(embedder.embed(paths)))
    assert vectors.shape == (9, 1024)
    assert vectors.dtype == np.float32
    assert np.ptp(vectors, axis=0).max() > 0
    elsewhere = open_embedder(settings(data / "train", model=finished_run / "best.pt"))
    assert elsewhere is not None
    assert elsewhere.caution == ""


def test_weights_of_any_head(data: Path, tmp_path: Path) -> None:
    made = {"backbone": "resnet18", "weights": "none", "data": data, "out": tmp_path}
    network = backbone.build(load(TrainSettings, made), classes=7)
    file = tmp_path / "weights.pt"
    torch.save(network.model.state_dict(), file)
    chosen = {"weights": str(file), "size_px": 32}
    embedder = open_embedder(settings(data, backbone="resnet18", **chosen))
    assert embedder is not None
    [vector] = embedder.embed([data / "val/green/green0.png"])
    assert vector.shape == (512,)
    with pytest.raises(BadInput, match=r"weights\.pt: "):
        open_embedder(settings(data, backbone="mobilenet_v2", **chosen))


def write_mean_model(path: Path, last: str) -> None:
    """A file that keeps the contract: mean colour ÷ 255 → one linear layer → softmax."""
    weights = numpy_helper.from_array(np.eye(3, 2, dtype=np.float32), "weights")
    axes = numpy_helper.from_array(np.array([1, 2]), "axes")
    full = numpy_helper.from_array(np.float32(255), "full")
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "full"], ["features"]),
        helper.make_node(last, ["features", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "h", "w", 3])
    answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "mean", [image], [answer], [weights, axes, full])
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))


@pytest.mark.parametrize("last", ["Gemm", "MatMul"])
def test_onnx_file_is_read_before_its_last_layer(data: Path, tmp_path: Path, last: str) -> None:
    write_mean_model(tmp_path / "mean.onnx", last)
    embedder = open_embedder(settings(data, model=tmp_path / "mean.onnx"))
    assert embedder is not None
    path = data / "val/green/green0.png"
    [vector] = embedder.embed([path])
    assert vector == pytest.approx(read_pixels(path).mean((0, 1)) / 255, abs=1e-5)


def test_bad_models_are_named(data: Path, tmp_path: Path, refused: Refused) -> None:
    bad = tmp_path / "bad.onnx"
    assert f"--model {bad}: no such file" in refused("audit", data, "--model", bad)
    bad.write_bytes(b"no model")
    assert f"--model {bad}: not a model" in refused("audit", data, "--model", bad)
    assert "no.pt: no such file" in refused("audit", data, "--model", tmp_path / "no.pt")
    assert "no.pt: no such file" in refused("audit", data, "--weights", tmp_path / "no.pt")
    assert "--model, --weights: only one" in refused(
        "audit", data, "--model", bad, "--weights", bad
    )
    assert "--backbone nonet: " in refused("audit", data, "--weights", bad, "--backbone", "nonet")
