"""`run_line.py adopt` from a file to a line that runs."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adoption import origin
from adoption.calibration import calibrate
from commands.command_line import run_command
from line.errors import BadInput
from tests.adoption.foreign_files import NAMES, network, pictures, save_pictures
from tests.running_line import called
from workers.model import Model

TOLD = ("--licence", "Apache-2.0", "--source", "https://example.org/net")


def adopt(path: Path, out: Path, *options: object) -> int:
    arguments = ["adopt", path, "--out", out, *TOLD, *options]
    return run_command([str(argument) for argument in arguments])


def test_an_adopted_model_classifies_and_runs_a_line(tmp_path: Path) -> None:
    path, out = network(tmp_path / "net.onnx", size=64), tmp_path / "models" / "net.onnx"
    done = called("adopt", path, "--out", out, "--classes", ",".join(NAMES), *TOLD)
    assert done.returncode == 0, done.stderr
    assert "assumed: imagenet" in done.stdout
    assert "this proves the graph, not the preprocessing" in done.stdout
    folder = save_pictures(tmp_path / "data", NAMES, 1)
    asked = called("classify", folder, "--model", out, "--json")
    assert asked.returncode == 0, asked.stderr
    assert len(json.loads(asked.stdout)) == len(NAMES)
    run_dir = tmp_path / "run"
    options = ("--items", 6, "--speed", "max", "--run-dir", run_dir, "--json")
    size = ("--set", "camera.width_px=512", "--set", "camera.height_px=384")
    ran = called("run", "--model", out, *options, *size)
    assert ran.returncode == 0, ran.stderr
    assert (run_dir / "results.csv").read_text().count("\n") == 7


def test_licence_and_source_stay_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.onnx"
    assert adopt(network(tmp_path / "net.onnx"), out, "--classes", ",".join(NAMES)) == 0
    said = Model.load(out, "onnxruntime").engine.metadata
    assert said["licence"] == "Apache-2.0"
    assert said["source"] == "https://example.org/net"
    assert "AGPL" not in capsys.readouterr().err


def test_a_licence_that_reaches_further_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = {
        "task": "classify",
        "imgsz": "[32, 32]",
        "names": repr(dict(enumerate(NAMES))),
        "license": "AGPL-3.0 License",
        "docs": "their pages",
    }
    path = network(tmp_path / "yolo.onnx", head="softmax", entries=entries)
    assert run_command(["adopt", str(path), "--out", str(tmp_path / "a.onnx")]) == 0
    assert "reaches what the model is built into" in capsys.readouterr().err
    assert Model.load(tmp_path / "a.onnx", "onnxruntime").engine.metadata["source"] == "their pages"


def test_at_a_terminal_licence_and_source_are_asked_for() -> None:
    answers = {"licence": "MIT", "source": " a disk "}
    licence, source = origin.answered(None, None, None, None, answers.__getitem__)
    assert (licence.value, source.value) == ("MIT", "a disk")
    with pytest.raises(BadInput, match="give --source TEXT"):
        origin.answered("MIT", None, None, None, lambda what: " ")


# -- labelled pictures ---------------------------------------------------------------------------


def labelled_by(model: Model, folder: Path, wrong: int = 0) -> Path:
    """Pictures in the folders that the model itself would put them in, some in the next."""
    for number, picture in enumerate(pictures(48, seed=5)):
        best = int(model.classify(picture[None])[0].argmax())
        name = NAMES[(best + (number < wrong)) % len(NAMES)]
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder


def test_labels_tell_which_preset_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = network(tmp_path / "net.onnx", sharpness=3), tmp_path / "a.onnx"
    names = ("--classes", ",".join(NAMES))
    assert adopt(path, out, *names, "--preset", "keras-tf") == 0
    folder = labelled_by(Model.load(out, "onnxruntime"), tmp_path / "data")
    capsys.readouterr()
    assert adopt(path, out, *names, "--check", folder) == 0
    said = capsys.readouterr()
    assert "keras-tf       48  100.0%" in said.out
    assert "(taken)" in said.out
    assert "warning: --preset keras-tf is right more often" in said.err


def test_calibration_puts_temperature_and_threshold_into_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = network(tmp_path / "net.onnx", sharpness=6), tmp_path / "a.onnx"
    names = ("--classes", ",".join(NAMES))
    assert adopt(path, out, *names) == 0
    plain = Model.load(out, "onnxruntime")
    folder = labelled_by(plain, tmp_path / "data", wrong=6)
    assert adopt(path, out, *names, "--calibrate", folder) == 0
    model = Model.load(out, "onnxruntime")
    said = model.engine.metadata
    temperature = float(said["temperature"])
    assert 1 < temperature < 20
    assert 0 < model.threshold < 1
    assert float(said["precision"]) >= 0.99
    picture = pictures()[0][None]
    logits = np.log(plain.classify(picture).astype(np.float64).clip(1e-38)) / temperature
    wanted = np.exp(logits - logits.max())
    assert np.abs(model.classify(picture) - wanted / wanted.sum()).max() < 1e-3
    assert "no promise" in capsys.readouterr().err


def test_the_temperature_and_the_threshold_are_the_trainers() -> None:
    from training.evaluate.calibration_scores import fit_temperature, with_temperature
    from training.evaluate.risk_coverage import RiskCoverage

    rng = np.random.default_rng(1)
    labels = rng.integers(0, 5, 400)
    logits = rng.normal(0, 1, (400, 5))
    logits[np.arange(400), labels] += 4 * (rng.random(400) < 0.95)
    probabilities = np.exp(3 * logits) / np.exp(3 * logits).sum(axis=1, keepdims=True)
    found = calibrate(lambda t: with_temperature(probabilities, t), labels)
    wanted = fit_temperature(probabilities, labels, "test")
    assert found.temperature == pytest.approx(wanted, rel=1e-4)
    answers = with_temperature(probabilities, found.temperature)
    right = answers.argmax(axis=1) == labels
    choice = RiskCoverage.of(answers.max(axis=1), right).for_precision(0.99)
    assert choice is not None
    assert found.threshold == choice.threshold
    assert (found.right, found.sure) == (choice.precision.right, choice.precision.of)


def test_pictures_that_are_all_right_fit_no_temperature() -> None:
    answers = np.eye(3)[[0, 1, 2, 0]] * 0.9 + 0.1 / 3
    found = calibrate(lambda t: answers, np.array([0, 1, 2, 0]))
    assert found.temperature == 1
    assert "no temperature fits" in found.cautions[0]
    with pytest.raises(BadInput, match="no threshold makes 99% of the sure answers right"):
        calibrate(lambda t: answers, np.array([1, 2, 0, 1]))


# -- a network of torchvision --------------------------------------------------------------------


def test_a_network_exported_by_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    models = torchvision.models
    network = models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], len(NAMES)).eval()
    transforms = torchvision.transforms
    prepare = transforms.Compose(
        [
            transforms.Resize(73),
            transforms.CenterCrop(64),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    shown = torch.stack([prepare(Image.fromarray(picture)) for picture in pictures()])
    with torch.no_grad():  # random weights give all pictures nearly the same scores
        scores = network(shown)
        network.fc.weight *= 2 / scores.std(0).mean()
        network.fc.bias += 1 - network(shown).mean(0)
    path, out = tmp_path / "net.onnx", tmp_path / "a.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, 64, 64),),
            str(path),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=True,
            dynamo=True,
            verbose=False,
        )
    assert (tmp_path / "net.onnx.data").exists()
    assert adopt(path, out, "--classes", ",".join(NAMES), "--preset", "imagenet") == 0
    (tmp_path / "net.onnx.data").unlink()
    model = Model.load(out, "onnxruntime")
    tops = set()
    for picture in pictures():
        with torch.inference_mode():
            logits = network(prepare(Image.fromarray(picture))[None])
        wanted = torch.softmax(logits, 1)[0].numpy()
        given = model.classify(picture[None])[0]
        assert np.abs(wanted - given).max() < 0.02
        tops.add(int(given.argmax()))
    assert len(tops) > 1


# -- TorchScript ---------------------------------------------------------------------------------


def scripted(path: Path, *, pooled: bool = True) -> Path:
    """A traced network of two layers with an auxiliary output; only 64 px if it is not pooled."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(1)
    last = nn.AdaptiveAvgPool2d(1) if pooled else nn.AvgPool2d(16)
    layers = [nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), last, nn.Flatten(), nn.Linear(8, 6)]
    network = nn.Sequential(*layers).eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network[-1].weight *= 12
        program = torch.jit.trace(network, torch.zeros(1, 3, 64, 64))
        torch.jit.save(program, path)
    return path


@pytest.mark.parametrize("suffix", [".ts", ".pt"])
def test_a_torchscript_program_becomes_onnx(tmp_path: Path, suffix: str) -> None:
    path, out = scripted(tmp_path / f"net{suffix}"), tmp_path / "a.onnx"
    options = ("--classes", ",".join(NAMES), "--preset", "keras-tf", "--size", "64")
    assert adopt(path, out, *options) == 0
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.jit.load(path)
    model = Model.load(out, "onnxruntime")
    assert model.size_px == (64, 64)
    for picture in pictures():
        small = Image.fromarray(picture).resize((64, 64), Image.Resampling.BILINEAR)
        numbers = torch.from_numpy(np.asarray(small, np.float32) / 127.5 - 1).permute(2, 0, 1)
        with torch.inference_mode():
            wanted = torch.softmax(program(numbers[None]), 1)[0].numpy()
        assert np.abs(model.classify(picture[None])[0] - wanted).max() < 0.02


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_a_torchscript_program_that_fails_says_on_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = scripted(tmp_path / "net.ts", pooled=False), tmp_path / "a.onnx"
    assert run_command(["classify", str(tmp_path), "--model", str(path)]) == 2
    assert f"run_line.py adopt {path}" in capsys.readouterr().err
    assert adopt(path, out, "--classes", ",".join(NAMES), "--size", "32") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {path}: fails on float pictures [2, 3, 32, 32]")
    assert said.count("\n") == 1
    assert not out.exists()
