"""A small calibration made up for tests: two sizes of list, two levels of FPIR."""

from __future__ import annotations

import hashlib
from typing import Any

CELLS = {(100, 0.01): 0.42, (100, 0.1): 0.34, (1000, 0.01): 0.5, (1000, 0.1): 0.42}
"""Size and FPIR to threshold; 100 entries are measured, 1000 extrapolated."""


def table(**changes: Any) -> dict[str, Any]:
    """A table for litert/int8; changes: of its fields."""
    cells = [
        {
            "watchlist": size,
            "fpir": fpir,
            "threshold": threshold,
            "low": round(threshold - 0.02, 4),
            "high": round(threshold + 0.04, 4),
            "evidence": "measured" if size == 100 else "extrapolated",
            "pairs": 40 if size == 100 else 4,
        }
        for (size, fpir), threshold in CELLS.items()
    ]
    fields: dict[str, Any] = {
        "backend": "litert",
        "precision": "int8",
        "runtime": "ai-edge-litert 2.3.0",
        "machine": "x86_64",
        "detector_sha256": "11" * 32,
        "embedder_sha256": "22" * 32,
        "data": {
            "description": "made up",
            "subjects": "synthetic",
            "people": 300,
            "templates": 600,
            "without_face": 2,
            "merged": 0,
            "comparisons": 179_400,
        },
        "tail": {
            "level": 0.3,
            "share_above": 0.001,
            "scale": 0.04,
            "shape": -0.03,
            "exceedances": 179,
            "gap_max": 0.01,
        },
        "confidence": 0.95,
        "resamples": 400,
        "seed": 1,
        "cells": cells,
    }
    return {**fields, **changes}


def table_of(weights: dict[str, bytes], precision: str = "int8", **changes: Any) -> dict[str, Any]:
    """A table made with the weights of a made pack (tests/made_packs.py)."""
    made_with = {
        f"{role}_sha256": hashlib.sha256(weights[f"{role}_{precision}.tflite"]).hexdigest()
        for role in ("detector", "embedder")
    }
    return table(precision=precision, **{**made_with, **changes})


def calibration(*tables: dict[str, Any]) -> dict[str, Any]:
    """A whole calibration; of `table()` alone where none is given."""
    return {"format": 1, "tables": list(tables) or [table()]}
