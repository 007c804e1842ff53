"""The section on quantisation: every model that was tried, and the one that was taken."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.report import words
from training.report.section import Section, measured, missing
from training.report.sources import Source
from training.report.words import megabytes, ms, percent, table

QUANTIZE = "python -m training quantize RUN --data DATA --out MODEL.onnx --report DIR"
COLUMNS = ("model", "accuracy", "drop", "size", "latency", "times as fast as float", "chosen")


def quantization(sources: Sequence[Source]) -> list[Section]:
    """The table of models."""
    if not sources:
        return [missing("Quantisation", "quantize.csv of `quantize`", QUANTIZE)]
    return [_quantization(source) for source in sources]


def _quantization(source: Source) -> Section:
    file = source.folder / "quantize.csv"
    if not file.is_file():
        return missing("Quantisation", str(file), QUANTIZE)
    figures = source.figures
    text = (
        f"{table(COLUMNS, _rows(file))}\n\nAccuracy on {figures['judged_on']}; drop is what eight "
        f"bits cost of it, at most {figures['max_drop']} was allowed. "
        f"Latency: {figures['latency']}. "
        f"{words.machine(figures.get('machine'))}"
    )
    return measured("Quantisation", text, replace(source, file=file))


def _rows(file: Path) -> list[list[str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return [
            [
                row["name"],
                percent(float(row["accuracy"])),
                f"{float(row['drop']):+.4f}",
                megabytes(int(row["size_bytes"])),
                ms(float(row["latency_ms"])),
                f"{float(row['ratio_to_fp32']):.2f}",
                "yes" if row["chosen"].lower() in {"true", "1", "yes"} else "",
            ]
            for row in csv.DictReader(lines)
        ]
