"""What shadow.csv comes to: a shadow model beside the models that decided, item by item."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from line.errors import BadInput
from line.plain_text import plain, text_of
from line.run_files.csv_blocks import blocks
from line.run_files.shadow_file import COLUMNS, FILE
from reports.distribution import Distribution, quantiles
from reports.figures import ratio
from reports.seen_items import SeenItems

_MODELS = ("served", "shadow")
_PERCENTILES = {"p50": 0.5, "p95": 0.95}
_MOST_MODELS = 100
_MOST_CHANGES = 100_000
_LONGEST_MS = 1e9
_NUMBERS = [f"{each}_{what}" for each in _MODELS for what in ("confidence", "inference_ms")]
_TYPES = {**dict.fromkeys(COLUMNS, "str"), **dict.fromkeys(_NUMBERS, "float64")}

Comparison = dict[str, Any]


def read_comparisons(run_dir: Path) -> list[Comparison]:
    """One for each shadow model, in the order in which they came; none if there was none.

    - `model`, `served`: short hashes of the shadow model, and of the models that decided
    - `items`; `agreement`: the same class ÷ items
    - `known`: items whose class is known; `accuracy`: of each, right ÷ known, or None
    - `mended`, `spoiled`: known items that the shadow model alone, or the other alone, got right
    - `latency_ms`: p50 and p95 of the inference of each, or None
    - `changes`: `true_class` (or None), `served`, `shadow`, `items`: other classes, most first

    Raises:
        BadInput: if the file cannot be read, or is no shadow.csv.
    """
    path = run_dir / FILE
    found: dict[str, _ShadowModel] = {}
    try:
        for block in blocks(path):
            for model, rows in _parse(block.data, block.first_line == 1).groupby(
                "shadow_model", sort=False
            ):
                if str(model) not in found and len(found) == _MOST_MODELS:
                    raise ValueError("names more models than any run has tried")
                found.setdefault(str(model), _ShadowModel()).add(rows)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise BadInput(f"{path}: {plain(str(error))}") from None
    return [each.comparison(model) for model, each in found.items() if each.items]


def _parse(data: bytes, has_header: bool) -> pd.DataFrame:
    if has_header:
        first, _, data = data.partition(b"\n")
        if first.decode().rstrip("\r") != ",".join(COLUMNS):
            raise ValueError("has other columns; of another version of the line?")
    if not data:
        return pd.DataFrame(columns=list(COLUMNS)).astype(_TYPES)
    rows = pd.read_csv(
        io.BytesIO(data),
        header=None,
        names=list(COLUMNS),
        keep_default_na=False,
        na_values=[""],
        dtype=_TYPES,
        index_col=False,
    )
    times = rows[[f"{each}_inference_ms" for each in _MODELS]].abs()
    if bool((times > _LONGEST_MS).any(axis=None)):
        raise ValueError("an inference that took longer than any run")
    return rows


class _ShadowModel:
    """Counts of the rows of one shadow model, each item once."""

    def __init__(self) -> None:
        self.items = 0
        self._seen = SeenItems()
        self._served: dict[str, None] = {}
        self._right: Counter[str] = Counter()
        self._latencies = {each: Distribution() for each in _MODELS}
        self._known = 0
        self._changes: Counter[tuple[str | None, str, str]] = Counter()
        self._agreed = 0

    def add(self, rows: pd.DataFrame) -> None:
        """Raises ValueError for rows that are none of the line's."""
        rows = rows[self._first(rows)]
        self.items += len(rows)
        for model in rows["served_model"].dropna().unique()[:_MOST_MODELS]:
            self._served[plain(str(model))] = None
        for each in _MODELS:
            latency_ms = rows[f"{each}_inference_ms"].to_numpy(np.float64)
            self._latencies[each].add(latency_ms[~np.isnan(latency_ms)])
        columns = (rows[name].tolist() for name in ("true_class", "served_class", "shadow_class"))
        for (truth, served, shadow), count in Counter(zip(*columns, strict=True)).items():
            self._count(_text(truth), _text(served) or "", _text(shadow) or "", count)

    def _count(self, truth: str | None, served: str, shadow: str, count: int) -> None:
        if served == shadow:
            self._agreed += count
        elif (truth, served, shadow) in self._changes or len(self._changes) < _MOST_CHANGES:
            self._changes[truth, served, shadow] += count
        if truth is not None:
            self._known += count
            self._right["served"] += count * (served == truth)
            self._right["shadow"] += count * (shadow == truth)
            self._right["both"] += count * (served == shadow == truth)

    def _first(self, rows: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        ids = [str(frame_id).partition("-") for frame_id in rows["frame_id"]]
        if not all(camera.isdecimal() and seq.isdecimal() for camera, _, seq in ids):
            raise ValueError("names items that are not camera-sequence")
        cameras = np.array([int(camera) for camera, _, _ in ids])
        seqs = np.array([min(int(seq), 2**53) for _, _, seq in ids], np.int64)
        first = np.zeros(len(ids), np.bool_)
        for camera in np.unique(cameras).tolist():
            own = np.flatnonzero(cameras == camera)
            first[own] = self._seen.add(camera, seqs[own])
        return first

    def comparison(self, model: str) -> Comparison:
        """The figures, see `read_comparisons`."""
        right, known = self._right, self._known
        return {
            "model": plain(model),
            "served": list(self._served),
            "items": self.items,
            "agreement": round(self._agreed / self.items, 4),
            "known": known,
            "accuracy": {each: _rounded(ratio(right[each], known), 4) for each in _MODELS},
            "mended": right["shadow"] - right["both"],
            "spoiled": right["served"] - right["both"],
            "latency_ms": {each: _percentiles(self._latencies[each]) for each in _MODELS},
            "changes": [
                {"true_class": truth, "served": served, "shadow": shadow, "items": items}
                for (truth, served, shadow), items in self._changes.most_common()
            ],
        }


def _text(cell: object) -> str | None:
    return plain(text_of(cell)) if isinstance(cell, str) else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _percentiles(times: Distribution) -> dict[str, float | None]:
    if not times.count:
        return dict.fromkeys(_PERCENTILES)
    values = quantiles([times], list(_PERCENTILES.values()))
    return {name: round(value, 3) for name, value in zip(_PERCENTILES, values, strict=True)}
