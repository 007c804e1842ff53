"""The steps of a pipeline, in their order, and the files in which they meet."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from training.calibrate.options import CalibrateSettings
from training.options import load
from training.pipeline.options import PipelineSettings
from training.pipeline.small_sets import smaller_batch, too_few_to_calibrate
from training.pipeline.step import Step
from training.presets import train_settings
from training.report.model_text import ReportedModel
from training.report.sources import shown
from training.settings import best_of, flag_name
from training.split_folders import split_folder, split_folders


def _train_flags(settings: PipelineSettings) -> dict[str, Any]:
    """The options of `train` that the pipeline was given."""
    given = {name: getattr(settings, name) for name in ("preset", "epochs", "weights")}
    return {name: value for name, value in given.items() if value is not None}


LINE_RUNNER = Path(__file__).parents[2] / "run_line.py"


class Plan:
    """The steps of one pipeline, and the files in which they meet."""

    def __init__(self, settings: PipelineSettings, config: Path | None) -> None:
        self._settings = settings
        self._config = config
        self._tables = tomllib.loads(config.read_text(encoding="utf-8-sig")) if config else {}
        out = settings.out
        named = out / "prepare" / settings.source.resolve().name  # a set is called by its folder
        self._data = named if self._does("prepare") else settings.source
        self._flags = _train_flags(settings)
        self._run = out / "train"
        self._model = out / "models" / f"{settings.name}.onnx"
        # Whichever of these comes last writes the model itself, the others what it is made of.
        made_by = [name for name in ("export", "quantize", "calibrate") if self._does(name)]
        self._exported = self._model if made_by == ["export"] else out / "export" / "fp32.onnx"
        self._quantized = self._exported
        if self._does("quantize"):
            last = made_by[-1] == "quantize"
            self._quantized = self._model if last else out / "quantize" / "int8.onnx"

    def steps(self) -> Iterator[Step]:
        """Each step, planned when those before it are done: it may look at what they wrote."""
        planned = {
            "prepare": self._prepare,
            "audit": self._audit,
            "train": self._train,
            "export": self._export,
            "quantize": self._quantize,
            "calibrate": self._calibrate,
            "evaluate": self._evaluate,
            "line": self._line,
            "report": self._report,
        }
        for name, plan in planned.items():
            if self._does(name):
                yield plan()

    def _does(self, name: str) -> bool:
        return name not in self._settings.skip

    def _table(self, name: str) -> dict[str, Any]:
        """What the user's --config file says about a step."""
        return dict(self._tables.get(name, {}))

    def _folder(self, name: str) -> Path:
        return self._settings.out / name

    def _trainer(
        self,
        name: str,
        arguments: Sequence[object],
        *,
        inputs: tuple[Path, ...],
        outputs: tuple[Path, ...],
        resumes_from: Path | None = None,
        notes: tuple[str, ...] = (),
        tells_all: bool = False,
    ) -> Step:
        """A step that is one of the trainer's commands."""
        configured = self._table(name)
        config = ("--config", self._config) if configured else ()
        return Step(
            name=name,
            folder=self._folder(name),
            arguments=("-m", "training", name, *map(str, (*arguments, *config))),
            inputs=inputs,
            outputs=outputs,
            configured=configured,
            resume=("--resume",) if resumes_from else (),
            resumes_from=resumes_from,
            notes=notes,
            tells_all=tells_all,
        )

    def _part(self, name: str) -> Path:
        return split_folder(self._data, name)

    def _judged_by(self) -> Path:
        """The pictures that nothing was chosen by, where the data has such a part, or val."""
        return split_folders(self._data).get("test", self._part("val"))

    def _calibrated_on(self) -> Path:
        """The pictures that are held back for it, where the data has such a part, or val."""
        return split_folders(self._data).get("calibration", self._part("val"))

    def _view(self) -> tuple[object, ...]:
        """What the exported network sees, where that is not what it was trained at."""
        sides = {"--height-px": self._settings.height_px, "--width-px": self._settings.width_px}
        return tuple(word for flag, side in sides.items() if side for word in (flag, side))

    def _prepare(self) -> Step:
        source, group_by = self._settings.source, self._settings.group_by
        further = ["--skip-bad"] if self._settings.skip_bad else []
        further += ["--group-by", group_by] if group_by else []
        if "calibration_share" not in self._table("prepare"):
            further += ["--calibration-share", str(self._settings.calibration_share)]
        return self._trainer(
            "prepare",
            (source, "--out", self._data, *further),
            inputs=(source,),
            outputs=(self._data,),
            tells_all=True,
        )

    def _audit(self) -> Step:
        folder = self._folder("audit")
        return self._trainer(
            "audit",
            (self._data, "--out", folder),
            inputs=(self._data,),
            outputs=(folder / "audit.json", folder / "audit.html"),
        )

    def _train(self) -> Step:
        flags = [word for name, value in self._flags.items() for word in (flag_name(name), value)]
        notes: list[str] = []
        if self._does("calibrate"):
            wanted = load(CalibrateSettings, {"model": self._model, **self._table("calibrate")})
            notes += too_few_to_calibrate(self._calibrated_on(), wanted)
        settings = {**self._flags, "data": self._data, "out": self._run}
        wanted_batch = train_settings(settings, self._config).batch
        if batch := smaller_batch(self._part("train"), wanted_batch):
            flags += ["--batch", batch]
            notes.append(f"too few pictures for batches of {wanted_batch}: batches of {batch}")
        weights = self._settings.weights
        return self._trainer(
            "train",
            ("--data", self._data, "--out", self._run, *flags),
            inputs=(self._data, *_file_of(weights)),
            outputs=(self._run / "best.pt", self._run / "metrics.json", self._run / "history.csv"),
            resumes_from=self._run / "last.pt",
            notes=tuple(notes),
        )

    def _export(self) -> Step:
        return self._trainer(
            "export",
            (self._run, "--out", self._exported, *self._view()),
            inputs=(self._run / "best.pt",),
            outputs=(self._exported, self._exported.with_suffix(".export.json")),
        )

    def _quantize(self) -> Step:
        folder = self._folder("quantize")
        files = ("--data", self._data, "--out", self._quantized, "--report", folder)
        return self._trainer(
            "quantize",
            (self._run, *files, "--or-float", *self._view()),
            inputs=(self._run / "best.pt", self._data),
            outputs=(self._quantized, folder / "quantize.csv", folder / "quantize.json"),
        )

    def _calibrate(self) -> Step:
        part = self._calibrated_on()
        return self._trainer(
            "calibrate",
            (self._quantized, "--data", part, "--out", self._model, "--or-best"),
            inputs=(self._quantized, part),
            outputs=(self._model,),
        )

    def _evaluate(self) -> Step:
        """By the pictures that nothing was chosen by, where the data has such a part."""
        part, folder = self._judged_by(), self._folder("evaluate")
        return self._trainer(
            "evaluate",
            (self._model, "--data", part, "--out", folder),
            inputs=(self._model, part),
            outputs=(folder / "metrics.json",),
        )

    def _line(self) -> Step:
        """A run of the line, on the pictures it is judged by, at its own threshold."""
        part, folder, settings = self._judged_by(), self._folder("line"), self._settings
        model = ReportedModel.open(self._model)
        residue = settings.residue_class if settings.residue_class in model.classes else ""
        threshold = model.facts["threshold"]
        arguments = (
            *(shown(LINE_RUNNER), "run", "--source", part, "--model", self._model),
            *("--speed", settings.line_speed, "--items", settings.line_items),
            *("--workers", "auto", "--threshold", threshold, "--no-active-learning"),
            *("--set", f"belt.residue_class={residue}", "--run-dir", folder),
        )
        return Step(
            name="line",
            folder=folder,
            arguments=tuple(map(str, arguments)),
            inputs=(part, self._model),
            outputs=(folder / "summary.json",),
            configured={},
        )

    def _report(self) -> Step:
        folder = self._folder("report")
        figures = self._figures()
        return self._trainer(
            "report",
            (*figures, "--model", self._model, "--out", folder),
            inputs=(*figures, self._model),
            outputs=(folder / "performance_report.md", self._model.with_suffix(".md")),
        )

    def _figures(self) -> list[Path]:
        """The files that a report of this pipeline is made of."""
        wanted = {
            self._data / "manifest.json": (self._data / "manifest.json").is_file(),
            self._run / "metrics.json": True,
            self._exported.with_suffix(".export.json"): not self._does("quantize"),
            self._folder("quantize") / "quantize.json": self._does("quantize"),
            self._folder("evaluate") / "metrics.json": self._does("evaluate"),
            self._folder("line") / "summary.json": self._does("line"),
        }
        return [file for file, there in wanted.items() if there]


def _file_of(weights: str | None) -> tuple[Path, ...]:
    """The file that `--weights` means; none where it is a word."""
    if weights in (None, "imagenet", "none"):
        return ()
    return (best_of(Path(weights)),)
