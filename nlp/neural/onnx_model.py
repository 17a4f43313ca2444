"""`onnx`: a classifier in ONNX Runtime on the CPU, from a folder that `duluan models export` wrote. Needs `pip install 'duluan[onnx]'`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from duluan.config import Plugin
from duluan.errors import ModelError
from nlp.neural.scoring import F32, I64, Window, digest, run

MISSING = "mô hình onnx cần onnxruntime và tokenizers; chạy: pip install 'duluan[onnx]'"
MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
_PADS = ("<pad>", "[PAD]")


class OnnxScorer:
    """See Scorer."""

    def __init__(self, plugin: Plugin, folder: Path) -> None:
        self._session, self._tokenizer = _load(folder / plugin.model)
        self._window = Window.of(self._encode, plugin.max_tokens)
        self._inputs = {one.name for one in self._session.get_inputs()}
        if "input_ids" not in self._inputs:
            raise ModelError(
                f"{folder / plugin.model / MODEL}: thiếu đầu vào input_ids; xuất lại bằng: duluan models export"
            )
        self._outputs = len(plugin.labels)
        self._pad = next((id_ for pad in _PADS if (id_ := self._tokenizer.token_to_id(pad)) is not None), 0)
        self.version = f"{Path(plugin.model).name}@{digest(folder / plugin.model / MODEL)}"

    def logits(self, texts: Sequence[str]) -> F32:
        """See Scorer."""
        rows = [self._window.cut(self._encode(text, False)) for text in texts]
        return run(rows, self._pad, self._outputs, self._forward)

    def _encode(self, text: str, special: bool) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=special).ids)

    def _forward(self, ids: I64, mask: I64) -> F32:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        answer = self._session.run(None, {name: value for name, value in given.items() if name in self._inputs})[0]
        if answer.shape[1] != self._outputs:
            raise ModelError(
                f"mô hình onnx có {answer.shape[1]} đầu ra, models.toml nêu {self._outputs} nhãn; hãy sửa labels"
            )
        return np.asarray(answer, dtype=np.float32)


def _load(folder: Path) -> tuple[Any, Any]:
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError:
        raise ModelError(MISSING) from None
    for name in (MODEL, TOKENIZER):
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: thiếu {name}; xuất mô hình bằng: duluan models export")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(folder / MODEL), sess_options=options, providers=["CPUExecutionProvider"]
        )
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # noqa: BLE001 - both libraries raise bare Exceptions of their own for a damaged file
        told = " ".join(str(error).split())[:200]
        raise ModelError(f"{folder}: mô hình onnx hỏng: {told}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return session, tokenizer
