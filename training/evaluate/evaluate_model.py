"""Evaluate a model file: ask it, count, write it down.

OUT/metrics.json                            every figure
OUT/confusion.csv, confusion.png            rows are true classes, columns predicted ones
OUT/risk_coverage.csv, risk_coverage.png    errors against the share of pictures accepted
OUT/reliability.png                         share of right answers against confidence
OUT/worst.html                              the errors it is surest of
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console

from training.charts import png
from training.confusion_chart import confusion_chart
from training.errors import BadInput
from training.evaluate import charts
from training.evaluate.answers import Way, ask_all, ways_to_compare
from training.evaluate.calibration_scores import fit_temperature, reliability, with_temperature
from training.evaluate.figures import Evaluation, figures
from training.evaluate.model_file import ModelFile
from training.evaluate.options import EvaluateSettings
from training.evaluate.summary import print_summary
from training.folder_lock import only_one
from training.folders import PictureFolder, loose_pictures, read_folder, say_passed_over
from training.metrics import never_right_line
from training.train.error_page import write_error_page
from training.train.run_folder import write_confusion, write_metrics
from training.whole_file import replace_bytes


def evaluate(settings: EvaluateSettings, console: Console) -> None:
    """Write all figures into `out` and print the main ones.

    Raises BadInput for a bad model or folder, before anything is written.
    """
    if settings.calibrate_on and settings.calibrate_on.resolve() == settings.data.resolve():
        raise BadInput("--calibrate-on: is --data itself; take other pictures to fit on")
    if settings.out.exists() and not settings.out.is_dir():
        raise BadInput(f"--out {settings.out}: exists and is not a folder")
    model = ModelFile.open(settings.model)
    folder = read_folder(settings.data, model.classes)
    fitted_on = settings.calibrate_on and read_folder(settings.calibrate_on, model.classes)
    strange = _strange(settings.novel, console)
    say_passed_over(console, settings.data, folder.passed_over)
    ways = ways_to_compare(letterbox=settings.letterbox, flips=settings.tta)
    with only_one(settings.out, "another evaluation"):
        evaluation = Evaluation(
            model=model,
            folder=folder,
            ways=ways,
            answers_by_way=ask_all(model, _files(folder), ways, console, "data"),
            novel=ask_all(model, strange, ways[-1:], console, "novel")[0] if strange else None,
            temperature=_temperature(model, fitted_on, ways[-1], console) if fitted_on else None,
        )
        found = figures(evaluation, settings)
        write_metrics(settings.out, found)
        _write_charts(evaluation, settings)
        title = f"{model.path.name} on {settings.data}"
        write_error_page(
            settings.out / "worst.html",
            title,
            folder,
            evaluation.answers.probabilities,
            settings.worst,
        )
        print_summary(found, console)
        if warning := never_right_line(found["per_class"], f"on {settings.data}"):
            console.print(warning, markup=False)
        console.print(f"{settings.out}: metrics.json, charts, worst.html", markup=False)


def _strange(root: Path | None, console: Console) -> list[Path]:
    if root is None:
        return []
    found = loose_pictures(root)
    say_passed_over(console, root, found.passed_over)
    return [root / path for path in found.paths]


def _temperature(model: ModelFile, folder: PictureFolder, way: Way, console: Console) -> float:
    [answers] = ask_all(model, _files(folder), [way], console, "calibrate on")
    labels = np.array(folder.labels, dtype=np.int64)
    return fit_temperature(answers.probabilities, labels, str(folder.root))


def _files(folder: PictureFolder) -> list[Path]:
    return [folder.root / path for path in folder.paths]


def _write_charts(evaluation: Evaluation, settings: EvaluateSettings) -> None:
    out, curve = settings.out, evaluation.curve
    write_confusion(out / "confusion.csv", evaluation.confusion)
    confusion = confusion_chart(evaluation.confusion, f"on {settings.data.name}")
    replace_bytes(out / "confusion.png", png(confusion))
    charts.write_risk_coverage(out / "risk_coverage.csv", curve)
    choices = [curve.for_precision(precision) for precision in settings.precision]
    charts.draw_risk_coverage(out / "risk_coverage.png", curve, [c for c in choices if c])
    probabilities = {"as the file gives it": evaluation.answers.probabilities}
    if evaluation.temperature is not None:
        name = f"temperature {evaluation.temperature:.2f}"
        probabilities[name] = with_temperature(
            evaluation.answers.probabilities, evaluation.temperature
        )
    bins = {
        name: reliability(p, evaluation.labels, settings.bins, settings.binning)
        for name, p in probabilities.items()
    }
    charts.draw_reliability(out / "reliability.png", bins)
