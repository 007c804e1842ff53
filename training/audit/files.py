"""The findings as files: `audit.json` with everything, `audit.csv` with a row per finding."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.audit.findings import Findings
from training.audit.listing import Entry

COLUMNS = (
    "finding",
    "marks",
    "path",
    "split",
    "label",
    "other_path",
    "other_split",
    "other_label",
    "bits",
    "correlation",
    "probability",
    "other_probability",
    "detail",
)


def write_json(path: Path, findings: Findings) -> None:
    """Everything, as one object."""
    text = json.dumps(findings.as_dict(), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, findings: Findings) -> None:
    """One row per finding; columns that a kind of finding lacks stay empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS)
        writer.writeheader()
        writer.writerows(_rows(findings))


def _rows(findings: Findings) -> Iterator[dict[str, Any]]:
    for entry, reason in findings.scan.unreadable.items():
        yield {"finding": "unreadable", **_entry(entry), "detail": reason}
    for entry, reason in findings.scan.damaged.items():
        yield {"finding": "damaged", **_entry(entry), "detail": reason}
    for pair in findings.pairs:
        yield {
            "finding": pair.kind.value,
            "marks": "; ".join(mark.value for mark in pair.marks),
            **_entry(pair.first),
            "other_path": pair.second.name,
            "other_split": pair.second.split,
            "other_label": pair.second.label,
            "bits": pair.bits,
            "correlation": round(pair.correlation, 4),
        }
    for error in findings.label_errors:
        yield {
            "finding": "label error",
            **_entry(error.entry),
            "other_label": error.suggested,
            "probability": round(error.probability, 4),
            "other_probability": round(error.suggested_probability, 4),
        }
    for split, label, number in findings.census.thin(findings.least):
        yield {"finding": "thin class", "split": split, "label": label, "detail": number}


def _entry(entry: Entry) -> dict[str, str]:
    return {"path": entry.name, "split": entry.split, "label": entry.label}
