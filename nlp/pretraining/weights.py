"""Weights as 8-bit rows: a matrix is whole multiples of one step for each of its rows, a quarter of the size. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]
FOLDER = Path(__file__).resolve().parent / "weights"
_STEP = "/step"


def save_arrays(path: Path, arrays: Arrays) -> None:
    """One npz; names may hold any character."""
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # numpy's stub takes every keyword for its one option


def save_rows(path: Path, weights: Arrays) -> None:
    """Matrices as int8 rows with a float32 step each, vectors as float32."""
    held: dict[str, npt.NDArray[Any]] = {}
    for name, array in weights.items():
        whole = np.asarray(array, dtype=np.float32)
        if whole.ndim != 2:
            held[name] = whole
            continue
        step = np.maximum(np.abs(whole).max(axis=1), 1e-12) / 127
        held[name] = np.rint(whole / step[:, None]).astype(np.int8)
        held[name + _STEP] = step.astype(np.float32)
    save_arrays(path, held)


def load_rows(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """What `save_rows` wrote, as float32; each weight is within half a step of what it was."""
    with np.load(path, allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    return {
        name: array.astype(np.float32) * held[name + _STEP][:, None]
        if name + _STEP in held
        else array.astype(np.float32)
        for name, array in held.items()
        if not name.endswith(_STEP)
    }
