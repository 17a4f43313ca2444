"""`transformers`: a classifier in PyTorch, from a folder or a hub's cache. Needs `pip install 'duluan[models]'`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from duluan.config import Plugin
from duluan.errors import ModelError
from nlp.neural.scoring import F32, I64, Window, digest, run

MISSING = "mô hình transformers cần torch và transformers; chạy: pip install 'duluan[models]'"
WEIGHTS = "model.safetensors"


def libraries() -> tuple[Any, Any]:
    """(torch, transformers). Raises ModelError where they are not installed."""
    try:
        import torch
        import transformers
    except ImportError:
        raise ModelError(MISSING) from None
    return torch, transformers


def load(plugin: Plugin, folder: Path) -> tuple[Any, Any]:
    """(model, tokenizer) of `plugin`; weights as safetensors only, which hold no code. Raises ModelError in one line."""
    _, transformers = libraries()
    local = folder / plugin.model
    source = str(local) if local.is_dir() else plugin.model
    given: dict[str, Any] = {"local_files_only": plugin.local_files_only or local.is_dir(), "trust_remote_code": False}
    if not local.is_dir():
        given["revision"] = plugin.revision
    try:
        model = transformers.AutoModelForSequenceClassification.from_pretrained(source, use_safetensors=True, **given)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **given)
    except (OSError, ValueError, ImportError) as error:
        told = " ".join(str(error).split())[:200]
        raise ModelError(f"không nạp được mô hình {plugin.model!r} (chỉ đọc tệp trên máy): {told}") from None
    return model.eval(), tokenizer


class TransformersScorer:
    """See Scorer."""

    def __init__(self, plugin: Plugin, folder: Path) -> None:
        self._torch, _ = libraries()
        self._model, self._tokenizer = load(plugin, folder)
        self._window = Window.of(self._encode, plugin.max_tokens)
        self._outputs = int(self._model.config.num_labels)
        self._pad = int(self._tokenizer.pad_token_id or 0)
        revision = plugin.revision[:12] if plugin.revision else digest(folder / plugin.model / WEIGHTS)
        self.version = f"{Path(plugin.model).name if not plugin.revision else plugin.model}@{revision}"

    def logits(self, texts: Sequence[str]) -> F32:
        """See Scorer."""
        rows = [self._window.cut(self._encode(text, False)) for text in texts]
        return run(rows, self._pad, self._outputs, self._forward)

    def _encode(self, text: str, special: bool) -> list[int]:
        # verbose=False: of a long text the tokenizer would warn, and it is cut here
        return [int(one) for one in self._tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"]]

    def _forward(self, ids: I64, mask: I64) -> F32:
        torch = self._torch
        with torch.inference_mode():
            answer = self._model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
        return np.asarray(answer.logits.float().numpy(), dtype=np.float32)
