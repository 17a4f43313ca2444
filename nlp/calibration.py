"""Raw scores → probabilities that mean what they say, and the threshold below which an answer is uncertain.

Matrix scaling (Guo et al. 2017; Kull et al. 2019): a multinomial logistic regression on the raw scores of held-out folds. For two
classes it is Platt's sigmoid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
PRECISION = 0.9  # what answers above the threshold must reach


@dataclass(frozen=True, slots=True)
class Calibration:
    """`matrix`: (scores + 1) × labels; its last row is the bias. For two labels scores is 1."""

    matrix: F32

    def probabilities(self, scores: F32) -> F32:
        """texts × scores → texts × labels, rows summing to 1."""
        logits = scores @ self.matrix[:-1] + self.matrix[-1]
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)


def fit_calibration(scores: F32, answers: Sequence[str], labels: Sequence[str], strength: float = 1.0) -> Calibration:
    """Fit on scores that the model gave to texts it had not seen. `strength`: inverse L2 penalty."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=2000)
    model.fit(scores, np.asarray(answers))
    slopes, bias = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(labels) == 2:
        slopes, bias = np.vstack([-slopes / 2, slopes / 2]), np.concatenate([-bias / 2, bias / 2])
    order = [list(model.classes_).index(label) for label in labels]
    return Calibration(np.vstack([slopes[order].T, bias[order]]).astype(np.float32))


def threshold_for(probabilities: F32, correct: npt.NDArray[np.bool_], precision: float = PRECISION) -> float:
    """The smallest top probability above which at least `precision` of held-out answers are right (1.0: none reaches it)."""
    top = probabilities.max(axis=1)
    order = np.argsort(-top)
    running = np.cumsum(correct[order]) / np.arange(1, order.size + 1)
    enough = np.flatnonzero(running >= precision)
    return float(top[order][enough[-1]]) if enough.size else 1.0


def calibration_error(probabilities: F32, correct: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error of the top class in `bins` equal-width bins (Naeini et al. 2015)."""
    top = probabilities.max(axis=1)
    where = np.minimum((top * bins).astype(np.int64), bins - 1)
    total = np.bincount(where, minlength=bins)
    gap = np.abs(np.bincount(where, weights=top, minlength=bins) - np.bincount(where, weights=correct, minlength=bins))
    return float(gap.sum() / max(total.sum(), 1))
