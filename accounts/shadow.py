"""What shadow.csv comes to: a candidate beside the models that decided, item by item."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from line.csv_cells import text_of
from line.errors import BadInput
from line.shadow_file import COLUMNS, FILE

_MODELS = ("served", "shadow")
_PERCENTILES = {"p50": 0.5, "p95": 0.95}

Comparison = dict[str, Any]


def read_comparisons(run_dir: Path) -> list[Comparison]:
    """One for each candidate, in the order in which they came; none if there was none.

    - `model`, `served`: short hashes of the candidate, and of the models that decided
    - `items`; `agreement`: the same class ÷ items
    - `known`: items whose class is known; `accuracy`: of each, right ÷ known, or None
    - `mended`, `spoiled`: known items that the candidate alone, or the other alone, got right
    - `latency_ms`: p50 and p95 of the inference of each
    - `changes`: `true_class` (or None), `served`, `shadow`, `items`: other classes, most first

    Raises:
        BadInput: if the file cannot be read, or is no shadow.csv.
    """
    path = run_dir / FILE
    try:
        rows = _parse(path.read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise BadInput(f"{path}: {str(error).strip()}") from None
    groups = rows.groupby("shadow_model", sort=False)
    return [_compare(str(model), group) for model, group in groups]


def _parse(data: bytes) -> pd.DataFrame:
    whole = data[: data.rfind(b"\n") + 1] or ",".join(COLUMNS).encode() + b"\n"
    rows = pd.read_csv(io.BytesIO(whole), keep_default_na=False, na_values=[""], dtype=_TYPES)
    if tuple(rows.columns) != COLUMNS:
        raise ValueError("has other columns; of another version of the line?")
    for name in _TEXTS:
        rows[name] = rows[name].map(text_of, na_action="ignore")
    return rows.drop_duplicates(["frame_id", "shadow_model"])


_NUMBERS = [f"{each}_{what}" for each in _MODELS for what in ("confidence", "inference_ms")]
_TEXTS = [name for name in COLUMNS if name not in _NUMBERS]
_TYPES = {**dict.fromkeys(COLUMNS, "str"), **dict.fromkeys(_NUMBERS, "float64")}


def _compare(model: str, rows: pd.DataFrame) -> Comparison:
    known = rows[rows["true_class"].notna()]
    right = {each: known[f"{each}_class"] == known["true_class"] for each in _MODELS}
    return {
        "model": model,
        "served": list(rows["served_model"].unique()),
        "items": len(rows),
        "agreement": round(float((rows["served_class"] == rows["shadow_class"]).mean()), 4),
        "known": len(known),
        "accuracy": {each: _share(right[each]) for each in _MODELS},
        "mended": int((right["shadow"] & ~right["served"]).sum()),
        "spoiled": int((right["served"] & ~right["shadow"]).sum()),
        "latency_ms": {each: _percentiles(rows[f"{each}_inference_ms"]) for each in _MODELS},
        "changes": _changes(rows),
    }


def _share(right: pd.Series[bool]) -> float | None:
    return round(float(right.mean()), 4) if len(right) else None


def _percentiles(times: pd.Series[float]) -> dict[str, float]:
    return {name: round(float(times.quantile(share)), 3) for name, share in _PERCENTILES.items()}


def _changes(rows: pd.DataFrame) -> list[dict[str, Any]]:
    other = rows[rows["served_class"] != rows["shadow_class"]]
    classes = other[["true_class", "served_class", "shadow_class"]].astype(object)
    counts = Counter(classes.where(classes.notna(), None).itertuples(index=False, name=None))
    return [
        {"true_class": truth, "served": served, "shadow": shadow, "items": items}
        for (truth, served, shadow), items in counts.most_common()
    ]
