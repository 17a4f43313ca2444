"""Weighted ridge regression onto ±1 targets in the dual, by conjugate gradients, all classes at once.

Regularised least-squares classification (Rifkin et al. 2003): as good as a linear SVM on these features.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

F32 = npt.NDArray[np.float32]
_OFFSET = np.float32(0.1)  # of the constant feature that gives the bias
_STEPS = 60
_CLOSE = 1e-3  # residual beside the targets


def fit_ridge(rows: sparse.csr_matrix, targets: F32, importance: F32, strength: float) -> tuple[F32, F32]:
    """(columns × scores, bias) that minimise Σ importance · (row · w + b − target)² + strength · |w|².

    `rows`: texts × columns; `targets`: texts × scores, each ±1; `importance`: of each text, about 1 on average.
    """
    across = rows.T.tocsr()
    penalty = (strength / importance)[:, None].astype(np.float32)

    def product(dual: F32) -> F32:
        """(K + penalty) · dual, with K = rows · rowsᵀ + offset."""
        return np.asarray(rows @ (across @ dual) + penalty * dual + _OFFSET * dual.sum(axis=0), dtype=np.float32)

    diagonal = np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float32) + penalty + _OFFSET
    dual, residual = np.zeros_like(targets), targets.copy()
    scaled = residual / diagonal
    direction, slope = scaled, np.sum(residual * scaled, axis=0)
    enough = _CLOSE**2 * np.sum(targets * targets, axis=0)
    for _ in range(_STEPS):
        moved = product(direction)
        step = slope / np.maximum(np.sum(direction * moved, axis=0), np.float32(1e-12))
        dual = dual + step * direction
        residual = residual - step * moved
        if (np.sum(residual * residual, axis=0) < enough).all():
            break
        scaled = residual / diagonal
        following = np.sum(residual * scaled, axis=0)
        direction = scaled + following / np.maximum(slope, np.float32(1e-12)) * direction
        slope = following
    return np.asarray(across @ dual, dtype=np.float32), np.asarray(_OFFSET * dual.sum(axis=0), dtype=np.float32)
