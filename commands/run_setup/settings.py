"""From options to validated settings, and to a model that fits them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from commands.printing import err
from line import pictures
from line.config import ROOT, load
from line.errors import BadInput, PictureError
from line.missing_package import optional
from line.model.facts import ModelFacts
from line.plain_text import plain
from line.process.hub import check_remote
from line.process.priority import usable_cores
from line.section import DEFAULT_ENGINE
from line.settings import Settings
from producers.ahead.run_pictures import refuse_what_does_not_fit
from producers.sources import FolderSource, RecordedSource, Source, WebcamSource, open_source
from workers.model_file import find

if TYPE_CHECKING:  # it loads ONNX Runtime, which most commands do without
    from workers.model import Model

Size = tuple[int, int]
"""Height and width in pixels."""

_LARGEST_SIDE_PX = 4096
"""Of a picture that a model is tried on before a run."""
_PLANT_PACKAGES = {"postgres": "psycopg", "mqtt": "paho"}
"""Plant sink → the package that it cannot do without."""


def first_size(source: Source, settings: Settings) -> Size | None:
    """Of the first picture that the line will see; None where nobody knows yet."""
    if settings.drawn_px is not None:
        return settings.drawn_px
    size: Size | None = None
    try:
        if isinstance(source, FolderSource):
            _, size = next(_in_folder(source, settings), (None, None))
        elif isinstance(source, RecordedSource):
            shot = source.shot(0, 0)
            size = shot.height_px, shot.width_px
        elif not isinstance(source, WebcamSource):
            height_px, width_px = source.picture(0, 0).shape[:2]
            size = height_px, width_px
    except (PictureError, IndexError):
        return None
    return size if size is not None and max(size) <= _LARGEST_SIDE_PX else None


def refuse_other_sizes(source: Source, settings: Settings, model: Model) -> None:
    """Where the file says that it takes one size alone, every picture of a folder is looked at.

    Raises:
        BadInput: naming the first picture that does not fit.
    """
    takes = model.takes
    if takes.fits(-1, -1) or not isinstance(source, FolderSource):
        return
    for path, (height_px, width_px) in _in_folder(source, settings):
        if not takes.fits(height_px, width_px):
            raise BadInput(
                f"{path}: is {width_px}x{height_px}, "
                f"and {model.facts.path} takes pictures of {takes.size} only"
            )


def _in_folder(source: FolderSource, settings: Settings) -> Iterator[tuple[Path, Size]]:
    """Every picture's file and size by its header; those that cannot be read are left out."""
    root = Path(settings.source.spec)
    limits = settings.source.max_megapixels * 1e6, settings.source.max_file_mb * 1e6
    for path in source.files:
        try:
            yield root / path, pictures.size_px(root / path, *limits)
        except PictureError:
            continue


def settings_of(
    config: Path | None,
    scenario: str | None,
    options: dict[str, object | None],
    assignments: list[str] | None,
) -> Settings:
    given = [(key, value) for key, value in options.items() if value is not None]
    return resolved(load(config, scenario, given, assignments or ()))


def resolved(settings: Settings) -> Settings:
    """With what depends on this machine or a cluster, and on where the runner was called, put in.

    Raises BadInput where a cluster is asked for that cannot be used.
    """
    changes: dict[str, dict[str, object]] = {}
    if settings.placement.is_on_cluster:
        from commands.run_setup.placing import placed

        changes |= placed(settings)
    elif settings.line.workers == "auto":
        changes["line"] = {"workers": usable_cores()}
    if Path(settings.source.spec).exists():
        changes["source"] = {"spec": str(Path(settings.source.spec).absolute())}
    if settings.decision.promise_labels:
        labels = Path(settings.decision.promise_labels).absolute()
        changes["decision"] = {"promise_labels": str(labels)}
    if settings.transport.keys:
        changes["transport"] = {"keys": str(Path(settings.transport.keys).absolute())}
    return settings.replaced(changes)


def facts_of(settings: Settings, model: Model) -> ModelFacts:
    """What the line is told of the model; with its own limits, where the settings ask for them."""
    own: dict[str, object] = {}
    if settings.decision.threshold == "model":
        standby = None if model.facts.standby is None else model.default_threshold
        own |= {"threshold": model.threshold, "standby_threshold": standby}
    if settings.decision.novelty_energy == "model":
        own["novelty_energy"] = model.novelty_energy
    return model.facts.model_copy(update=own)


def decided(settings: Settings, model: Model) -> Settings:
    """The settings with the engine of the model, and the thresholds that they leave to others.

    Those are the model's own, where that is wanted, and what the purities need that are promised.
    """
    settings = settings.replaced({"model": {"engine": model.facts.engine}})
    if settings.decision.threshold == "model":
        settings = settings.replaced({"decision": {"threshold": model.threshold}})
    if settings.decision.novelty_energy != "off":
        limit = _novelty_energy(settings.decision.novelty_energy, model)
        settings = settings.replaced({"decision": {"novelty_energy": limit}})
    return promising(settings, model.facts.short_hash, model.facts.classes)


def _novelty_energy(setting: float | str, model: Model) -> float:
    """Raises BadInput for a limit on what the model does not give."""
    path = plain(model.facts.path)
    if not model.facts.gives_energy:
        raise BadInput(f'decision.novelty_energy: {path} gives no energy; set it to "off"')
    if not isinstance(setting, str):
        return setting
    named = model.novelty_energy
    if named is None:
        raise BadInput(f"decision.novelty_energy: {path} names no limit; give a number")
    return named


def promising(settings: Settings, model: str, classes: Sequence[str]) -> Settings:
    """With a threshold for each purity that is promised of the model with this short hash."""
    if not (settings.decision.promise or settings.decision.promised):
        return settings
    from line.promise.found import with_promises  # NumPy's masks and sorts, for few runs

    return with_promises(settings, model, classes)


def load_model(settings: Settings, size: Size | None = None) -> Model:
    """`size`: of the pictures that it is to be tried on, if that is known."""
    path = Path(settings.model.path)
    shipped = ROOT / path
    if not (path.is_absolute() or _is_there(path)) and _is_there(shipped):
        path = shipped  # wherever the runner is called from
    from workers.model import Model

    file, engine, is_set = find(path), settings.model.engine, settings.drawn_px is not None
    if engine != "auto":
        return Model.load(file, engine, size=size, is_set=is_set)
    from workers.engines.choice import choose

    model = Model.load(file, DEFAULT_ENGINE, size=size, is_set=is_set)
    choice = choose(model, size)
    if choice.engine != DEFAULT_ENGINE:
        model = Model.load(file, choice.engine, model.facts.sha256, size=size, is_set=is_set)
    return model.chosen_because(choice.reason)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # not to be looked at, or a name that is too long: opening it will say so
        return False


def checked_model(settings: Settings, *, silent: bool = False) -> Model:
    """The model, if all else fits it and itself. Raises BadInput naming what does not.

    What is passed over in the folder of pictures is said, unless `silent`.
    """
    with closing(open_source(settings)) as source:
        model = load_model(settings, first_size(source, settings))
        refuse_other_sizes(source, settings, model)
        refuse_what_does_not_fit(source, settings)
        classes = source.classes
        if isinstance(source, FolderSource) and source.passed_over and not silent:
            said = f"{settings.source.spec}: passed over {source.passed_over}"
            err.print(plain(said), soft_wrap=True)
    known = model.facts.classes
    names = plain(", ".join(known))
    strange = [name for name in classes or () if name not in known]
    if strange:
        raise BadInput(
            f"source.spec: {settings.source.spec} has the class {strange[0]!r}, "
            f"which the model {model.facts.path} does not know ({names})"
        )
    residue = settings.belt.residue_class
    check_remote(settings.transport)
    check_plant(settings)
    if residue and residue not in known:
        raise BadInput(
            f"belt.residue_class: {residue!r} is not a class of the model ({names}); "
            "set it to the class that runs off the end of the belt, or to none: "
            "--set belt.residue_class="
        )
    return model


def check_plant(settings: Settings) -> None:
    """Raise BadInput, saying how to install it, if a plant sink lacks its package."""
    for sink, package in _PLANT_PACKAGES.items():
        if sink in settings.sinks:
            with optional(f"{sink}.enabled", f"{sink}.txt"):
                if find_spec(package) is None:
                    raise ModuleNotFoundError(f"No module named {package!r}")
