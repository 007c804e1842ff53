"""Networks by name, torchvision's and EfficientNet-Lite, with a head for our classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torchvision  # type: ignore[import-untyped]
from torch import Tensor, nn

from training.checkpoint import check_finite, read_stored
from training.efficientnet_lite import GROWTH, efficientnet_lite, published_weights
from training.errors import BadInput
from training.settings import best_of
from training.train.options import TrainSettings

# Two networks answer with auxiliary outputs while training; nothing here expects a tuple.
UNSUPPORTED = frozenset({"googlenet", "inception_v3"})

HIDDEN = 256


@dataclass(frozen=True)
class Network:
    """A model and where its head is: `model.get_submodule(head)` is all that depends on classes."""

    model: nn.Module
    head: str

    def in_head(self, key: str) -> bool:
        """Whether a parameter or buffer belongs to the head."""
        return key.startswith(f"{self.head}.")


def build(settings: TrainSettings, classes: int) -> Network:
    """The named network, untrained, with a head of `classes` outputs.

    `float32 [batch, 3, size_px, size_px]` → logits `[batch, classes]`. Raises BadInput for an
    unknown name and for a network without a linear layer.
    """
    name = settings.backbone
    model = _untrained(name)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = settings.dropout
    # The last linear layer: `fc`, `classifier.1`, `heads.head` … in torchvision.
    linear = [(path, m) for path, m in model.named_modules() if isinstance(m, nn.Linear)]
    if not linear:
        raise BadInput(f"--backbone {name}: has no linear layer to put classes in place of")
    head, last = linear[-1]
    model.set_submodule(head, _head(settings, last.in_features, classes))
    return Network(model, head)


def load_weights(network: Network, settings: TrainSettings, classes: tuple[str, ...]) -> str:
    """Fill the network as `--weights` says: `none`, `imagenet`, a run folder or a file.

    A file is a state dict or one of our checkpoints. Every key must fit but the head's, and those
    too where a checkpoint was trained on the same classes. Returns in words what was taken over.
    Raises BadInput that names the key.
    """
    if settings.weights == "none":
        return ""
    content = (
        _download(settings)
        if settings.weights == "imagenet"
        else read_stored(best_of(Path(settings.weights)), "weights")
    )
    _check_backbone(settings, content)
    state = dict(content.get("weights", content))
    wanted = network.model.state_dict()
    trained_on = tuple(content.get("classes", ()))
    if trained_on != classes:
        state = {key: value for key, value in state.items() if not network.in_head(key)}
        wanted = {key: value for key, value in wanted.items() if not network.in_head(key)}
    _check_fit(f"--weights {settings.weights}", state, wanted)
    network.model.load_state_dict(state, strict=False)
    return f"weights {settings.weights}: {_taken_over(trained_on, classes)}"


def restore(network: Network, weights: Mapping[str, Tensor], source: Path) -> None:
    """Fill the network with a checkpoint's weights. BadInput that names `source` and the key."""
    _check_fit(str(source), weights, network.model.state_dict())
    network.model.load_state_dict(weights)


def _taken_over(trained_on: tuple[str, ...], classes: tuple[str, ...]) -> str:
    if trained_on == classes:
        return "all of them, the head too, as the classes are the same"
    if not trained_on:
        return "all but the head, which begins at random"
    others = [name for name in trained_on if name not in classes]
    missing = [name for name in classes if name not in trained_on]
    differ = [
        f"{what} {_listed(names)}"
        for what, names in (("it lacks", missing), ("it also has", others))
        if names
    ] or ["their order differs"]
    return (
        "all but the head, which begins at random, as it was trained on other classes: "
        + ", ".join(differ)
    )


LISTED = 6


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


class Freeze:
    """Which parts of a network stand still: its first `stages` always, the rest for a while.

    A frozen part is in evaluation mode too, because batch norm would otherwise go on adapting.
    """

    def __init__(self, network: Network, stages: int) -> None:
        children = list(_stages(network.model))
        if stages > len(children):
            raise BadInput(f"--freeze-stages {stages}: this backbone has {len(children)}")
        self._model = network.model
        self._head = network.model.get_submodule(network.head)
        self._frozen = children[:stages]

    def start_epoch(self, head_only: bool) -> None:
        """Put the network into training mode, less what is frozen in this epoch."""
        self._model.train(not head_only)
        self._model.requires_grad_(not head_only)
        self._head.train().requires_grad_(True)
        for stage in self._frozen:
            stage.eval().requires_grad_(False)


def parameter_groups(network: Network, settings: TrainSettings) -> list[dict[str, Any]]:
    """Optimiser groups: the backbone at a lower rate; no decay of biases and norm scales.

    `peak` is each group's highest rate; the schedule multiplies it.
    """
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in network.model.named_parameters():
        key = (network.in_head(name), parameter.ndim > 1)
        groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "peak": settings.rate * (1.0 if in_head else settings.backbone_share),
            "weight_decay": settings.weight_decay if decays else 0.0,
        }
        for (in_head, decays), parameters in groups.items()
    ]


def _untrained(name: str) -> nn.Module:
    if name in GROWTH:
        return efficientnet_lite(name)
    if name not in set(torchvision.models.list_models(module=torchvision.models)) - UNSUPPORTED:
        raise BadInput(f"--backbone {name}: not a torchvision model this trainer knows")
    model: nn.Module = torchvision.models.get_model(name, weights=None)
    return model


def _head(settings: TrainSettings, features: int, classes: int) -> nn.Module:
    if settings.head == "linear":
        return nn.Linear(features, classes)
    return nn.Sequential(
        nn.Linear(features, HIDDEN),
        nn.BatchNorm1d(HIDDEN),
        nn.ReLU(inplace=True),
        nn.Dropout(settings.dropout),
        nn.Linear(HIDDEN, classes),
    )


def _stages(model: nn.Module) -> Iterator[nn.Module]:
    """The children of `features`, or without it the network's own, that have parameters."""
    body = getattr(model, "features", model)
    return (child for child in body.children() if any(True for _ in child.parameters()))


def _check_backbone(settings: TrainSettings, content: Mapping[str, Any]) -> None:
    """A checkpoint says what it is of; a bare state dict shows it by its keys alone."""
    trained = content.get("settings", {}).get("backbone", settings.backbone)
    if trained != settings.backbone:
        file = settings.weights
        raise BadInput(f"--weights {file}: of --backbone {trained}, not {settings.backbone}")


def _check_fit(source: str, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    for key in sorted(set(wanted) | set(state)):
        if key not in state:
            raise BadInput(f"{source}: no weights for {key}")
        if key not in wanted:
            raise BadInput(f"{source}: {key} is not in this backbone")
        if state[key].shape != wanted[key].shape:
            raise BadInput(f"{source}: {key} has shape {tuple(state[key].shape)}")
    check_finite(source, state)


def _download(settings: TrainSettings) -> Mapping[str, Any]:
    if settings.backbone in GROWTH:
        return published_weights(settings.backbone)
    weights = torchvision.models.get_model_weights(settings.backbone).DEFAULT
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True))
    except OSError as error:
        raise BadInput(f"--weights imagenet: download failed: {error}") from error
