"""export: the contract that the line relies on, held by real files in their real runtimes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from small_runs import small_run

from training import backbone
from training.backbone import Network
from training.checkpoint import load_checkpoint
from training.cli import main
from training.errors import ParityError
from training.export.contract import FileFacts
from training.export.onnx_file import bare_network, served_model
from training.export.runners import Runner, compare, onnx_runner
from training.export.served import fold_scale
from training.export.torch_runners import torchscript_runner
from training.pictures import MEAN_PIXEL
from training.transforms import eval_transform

Refused = Callable[..., str]


@dataclass(frozen=True)
class Exported:
    onnx: Path
    torchscript: Path
    half: Path
    said: str


@pytest.fixture(scope="module")
def exported(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("models")
    onnx, torchscript, half = (folder / name for name in ("small.onnx", "small.ts", "half.onnx"))
    with redirect_stdout(io.StringIO()) as said, pytest.raises(SystemExit) as ended:
        main(
            [
                *("export", str(finished_run)),
                *("--out", str(onnx)),
                *("--torchscript", str(torchscript)),
                *("--fp16", str(half)),
                *("--provenance", "Generated squares."),
            ]
        )
    assert ended.value.code == 0
    return Exported(onnx, torchscript, half, said.getvalue())


def test_figures_on_val_are_said_to_be_a_little_too_good(exported: Exported) -> None:
    assert "val: accuracy" in exported.said
    assert "val: not clean: val chose the best epoch" in exported.said


def random_images(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(sum(shape)).integers(0, 256, (*shape, 3), dtype=np.uint8)


def opened(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("kind", ["onnx", "half"])
def test_inputs_and_outputs(exported: Exported, kind: str) -> None:
    session = opened(getattr(exported, kind))
    [image] = session.get_inputs()
    assert (image.name, image.type) == ("image", "tensor(uint8)")
    assert image.shape == ["batch", "height", "width", 3]
    assert [(output.name, output.type, output.shape) for output in session.get_outputs()] == [
        ("probabilities", "tensor(float)", ["batch", 3]),
        ("embedding", "tensor(float)", ["batch", 1024]),
        ("energy", "tensor(float)", ["batch"]),
    ]


def small_network(head: str) -> Network:
    torch.manual_seed(0)
    settings = small_run(Path(), Path(), head=head)
    network = backbone.build(settings, 3)
    network.model.eval()
    return network


@pytest.mark.parametrize(
    ("head", "last"), [("linear", "classifier.3"), ("dense", "classifier.3.0")]
)
def test_embedding_and_energy_are_those_of_the_network(
    head: str, last: str, tmp_path: Path
) -> None:
    network, images = small_network(head), random_images(3, 32, 32)
    facts = FileFacts(("a", "b", "c"), (32, 32), "small", "by hand", 0.5, temperature=2.0)
    model = served_model(bare_network(network, (32, 32)), facts)
    onnx.save(model, str(tmp_path / "small.onnx"))
    given = opened(tmp_path / "small.onnx").run(["energy", "embedding"], {"image": images})

    entered: list[torch.Tensor] = []
    layer = network.model.get_submodule(last)
    layer.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))
    with torch.inference_mode():
        logits = network.model(eval_transform()(torch.from_numpy(images).permute(0, 3, 1, 2)))
    np.testing.assert_allclose(given[0], -torch.logsumexp(logits, 1), atol=1e-3)
    np.testing.assert_allclose(given[1], entered[0], atol=1e-3)


def test_half_precision_answers_alike_in_half_the_bytes(exported: Exported) -> None:
    images = random_images(4, 40, 60)
    one, other = onnx_runner(exported.onnx), onnx_runner(exported.half)
    np.testing.assert_allclose(one(images), other(images), atol=0.02)
    sizes = [file.stat().st_size for file in (exported.half, exported.onnx)]
    assert sizes[0] < 0.6 * sizes[1]


def test_a_file_that_answers_otherwise_is_not_written(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logits of a thousand times the size show the last bits in which the two differ."""
    checkpoint, out = load_checkpoint(finished_run), tmp_path / "other.onnx"
    checkpoint.weights["classifier.3.weight"] *= 1e3
    checkpoint.save(tmp_path / "steep.pt")
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tmp_path / "steep.pt"), "--out", str(out), "--parity-limit", "1e-9"])
    assert ended.value.code == 3
    assert "differs from the network" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 32, 32), (2, 48, 64), (5, 17, 90)])
def test_any_batch_of_any_size(exported: Exported, shape: tuple[int, int, int]) -> None:
    images = random_images(*shape)
    probabilities = onnx_runner(exported.onnx)(images)
    assert probabilities.shape == (shape[0], 3)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    alone = np.concatenate([onnx_runner(exported.onnx)(image[None]) for image in images])
    np.testing.assert_allclose(probabilities, alone, atol=1e-4)


def test_torchscript_gives_the_same_answers(exported: Exported) -> None:
    images = random_images(4, 50, 70)
    one, other = onnx_runner(exported.onnx), torchscript_runner(exported.torchscript.read_bytes())
    np.testing.assert_allclose(one(images), other(images), atol=5e-3)


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_facts_are_in_both_files(exported: Exported) -> None:
    session = ort.InferenceSession(str(exported.onnx), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    created = facts.pop("scrapline.created")
    assert created.endswith("+00:00")
    parity = json.loads(facts.pop("scrapline.parity"))
    assert parity["pictures"] == 9
    assert 0 <= parity["largest_difference"] < 0.02
    assert parity["other_top"] == 0
    assert facts == {
        "scrapline.format": "1",
        "scrapline.classes": '["brown", "green", "grey"]',
        "scrapline.size": "[32, 32]",
        "scrapline.temperature": "1.0",
        "scrapline.threshold": "0.6",
        "scrapline.backbone": "mobilenet_v3_small",
        "scrapline.provenance": "Generated squares.",
    }
    extra = {"scrapline.json": ""}
    torch.jit.load(str(exported.torchscript), _extra_files=extra)
    beside = json.loads(extra["scrapline.json"])
    del beside["scrapline.created"]
    assert beside == facts


def test_one_small_clean_file(exported: Exported) -> None:
    model = onnx.load(str(exported.onnx), load_external_data=False)
    assert {opset.version for opset in model.opset_import if not opset.domain} == {18}
    kinds = [node.op_type for node in model.graph.node]
    assert "BatchNormalization" not in kinds
    assert kinds[:4] == ["Resize", "Transpose", "Cast", "Sub"]
    assert kinds[-1] == "Softmax"
    assert all(not tensor.external_data for tensor in model.graph.initializer)
    assert str(Path(__file__).parents[2]).encode() not in exported.onnx.read_bytes()
    assert exported.onnx.stat().st_size < 15e6


def test_class_index_and_card(exported: Exported) -> None:
    index = json.loads(exported.onnx.with_suffix(".class_index.json").read_text())
    assert index == {"0": "brown", "1": "green", "2": "grey"}
    card = exported.onnx.with_suffix(".md").read_text()
    assert "**val**: accuracy" in card
    assert "Generated squares." in card


def test_folding_the_scale_is_exact() -> None:
    """Borders too: with the mean in the bias, padding would no longer be an average pixel."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1)).eval()
    pixels = torch.randint(0, 256, (1, 3, 6, 6)).float()
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    centred = pixels - torch.tensor(MEAN_PIXEL).view(1, 3, 1, 1)
    with torch.inference_mode():
        wanted = model((pixels / 255 - mean) / std)
        torch.testing.assert_close(fold_scale(model)(centred), wanted, rtol=1e-5, atol=1e-5)


def fixed(*probabilities: float) -> Runner:
    return lambda images: np.array([probabilities], dtype=np.float32)


def test_parity_fails_on_another_answer() -> None:
    pictures = [random_images(4, 4)]
    with pytest.raises(ParityError, match=r"by 0\.3000 at most"):
        compare(fixed(0.7, 0.3), fixed(0.4, 0.6), pictures, limit=0.02)


def test_parity_forgives_a_tie() -> None:
    pictures = [random_images(4, 4)]
    parity = compare(fixed(0.501, 0.499), fixed(0.499, 0.501), pictures, limit=0.02)
    assert parity.other_top == 0


def test_bad_input(finished_run: Path, tmp_path: Path, refused: Refused) -> None:
    assert "must end in .onnx" in refused("export", finished_run, "--out", tmp_path / "a.pt")
    assert "best.pt" in refused("export", tmp_path, "--out", tmp_path / "a.onnx")
    out = ["--out", tmp_path / "a.onnx", "--fp16"]
    assert "--fp16" in refused("export", finished_run, *out, tmp_path / "a.half")
    assert "is --out itself" in refused("export", finished_run, *out, tmp_path / "b/../a.onnx")
    (tmp_path / "torn.pt").write_bytes(b"torn")
    line = refused("export", tmp_path / "torn.pt", "--out", tmp_path / "a.onnx")
    assert "torn.pt: not a checkpoint" in line


def test_the_network_may_see_another_size_than_it_was_trained_at(
    finished_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "wide.onnx"
    with pytest.raises(SystemExit) as ended:
        main(["export", str(finished_run), "--out", str(out), "--height-px=48", "--width-px=64"])
    assert ended.value.code == 0
    session = ort.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["scrapline.size"]) == [48, 64]
    assert onnx_runner(out)(random_images(2, 96, 128)).shape == (2, 3)
