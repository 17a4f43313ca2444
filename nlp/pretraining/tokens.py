"""The encoder's tokens: byte-pair pieces of normalised text, digits single. Vietnamese has few syllables: 12,000 do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

SPECIAL = ("<pad>", "<mask>", "<unk>", "<news>", "<voice>", "<sep>")
PAD, MASK, UNKNOWN, NEWS, VOICE, SEPARATOR = range(len(SPECIAL))
_LETTERS = 400  # characters that have a piece of their own; the rest is <unk>


def fit_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A `tokenizers.Tokenizer` learnt from normalised texts."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL[UNKNOWN]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits(individual_digits=True)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL), limit_alphabet=_LETTERS, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def joined(kind: int, title: Sequence[int], text: Sequence[int], length: int) -> list[int]:
    """<kind> title <sep> text, at most `length` ids: a quarter for the title, of a long text the beginning and the end."""
    title = title[: length // 4]
    room = length - len(title) - 2
    if len(text) > room:
        tail = room // 4
        text = [*text[: room - tail], *text[len(text) - tail :]]
    return [kind, *title, SEPARATOR, *text]
