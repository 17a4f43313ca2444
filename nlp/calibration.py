"""Raw scores → probabilities that mean what they say, and the threshold below which an answer is uncertain.

Temperature scaling (Guo et al. 2017) with a share of doubt, on the raw scores of held-out folds; for two classes Platt's sigmoid and a cut.
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
    """`matrix`: (scores + 1) × labels; its last row is the bias. For two labels scores is 1.

    `doubt`: the share of cases in which the scores say nothing, however high they are (an article of which all comments are misread).
    """

    matrix: F32
    doubt: float = 0.0

    def probabilities(self, scores: F32) -> F32:
        """texts × scores → texts × labels, rows summing to 1."""
        logits = scores @ self.matrix[:-1] + self.matrix[-1]
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        shares /= shares.sum(axis=1, keepdims=True)
        return np.asarray((1 - self.doubt) * shares + self.doubt / shares.shape[1], dtype=np.float32)


def fit_calibration(scores: F32, answers: Sequence[str], labels: Sequence[str], strength: float = 1.0) -> Calibration:
    """Fit on scores that the model gave to texts it had not seen. `strength`: inverse L2 penalty, for two labels.

    More than two labels share one temperature (Guo et al. 2017) and one share of doubt. A slope and a bias for each drew rare labels to
    frequent ones and cost half a point; these two leave the likeliest label as it is.
    """
    if len(labels) > 2:
        places = np.asarray([labels.index(answer) for answer in answers], dtype=np.int64)
        slope, doubt = _slope_and_doubt(scores, places)
        return Calibration(np.vstack([np.eye(len(labels)) * slope, np.zeros(len(labels))]).astype(np.float32), doubt)
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=2000)
    model.fit(scores, np.asarray(answers))
    slope, bias = float(model.coef_[0, 0]), float(model.intercept_[0])
    return Calibration(np.asarray([[-slope / 2, slope / 2], [-bias / 2, bias / 2]], dtype=np.float32))


def _slope_and_doubt(scores: F32, places: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Those of the highest likelihood."""
    from scipy.optimize import minimize
    from scipy.special import expit, softmax

    every = np.arange(places.size)

    def loss(point: npt.NDArray[np.float64]) -> float:
        doubt = expit(point[1])
        right = softmax(scores.astype(np.float64) * np.exp(point[0]), axis=1)[every, places]
        return float(-np.mean(np.log((1 - doubt) * right + doubt / scores.shape[1])))

    found = minimize(loss, np.asarray([1.0, -3.0]), method="Nelder-Mead").x
    return float(np.exp(found[0])), float(expit(found[1]))


def f1_cut(shares: F32) -> float:
    """The probability of the second of two labels from which naming it promises the best F1, if the probabilities mean what they say.

    It is half of that F1 (Lipton et al. 2014). The cut that was best on the labels themselves moved by .06 from fold to fold, and lost.
    """
    falling = np.sort(shares[:, 1].astype(np.float64))[::-1]
    promised = 2 * np.cumsum(falling) / (np.arange(1, falling.size + 1) + falling.sum())
    return float(falling[promised.argmax()])


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
