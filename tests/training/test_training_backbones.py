"""Backbones: heads replaced by name, weights that must fit, parts that stand still."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import torch
from small_runs import small_run
from torch import nn

from training import backbone
from training.errors import BadInput

NAMES = [
    "resnet18",
    "resnet50",
    "vgg16",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
]
CLASSES = ("brown", "green", "grey")


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
