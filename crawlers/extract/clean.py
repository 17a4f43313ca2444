"""Blocks of the body → the article's own paragraphs: no related links, calls to action, signatures or photographers' names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from crawlers.extract.blocks import Block, visible
from duluan.text import fold

_LINK_SHARE = 0.8  # a paragraph that is nearly all link leads elsewhere
_LINK_LENGTH = 250
_CALL_LENGTH = 220  # boilerplate is short; a longer paragraph that begins so is kept
_SIGNATURE_BLOCKS = 4  # signatures stand in the last blocks
_SIGNATURE_LENGTH = 70

# Folded beginnings (no diacritics) of lines that are never the article's own words.
_BOILERPLATE_STARTS = (
    r">>", r"»", r"►", r"▶",
    # elsewhere
    r"xem them\b", r"xem tiep\b", r"doc them\b", r"doc tiep\b", r"(?:tin|bai|tin bai) lien quan\b", r"tin khac\b",
    r"(?:tin )?cung (?:chuyen muc|chu de)\b", r"co the ban quan tam\b", r"bai doc nhieu\b",
    r"(?:kinh )?moi (?:ban|quy vi|quy doc gia|doc gia|doc) (?:doc|xem|theo doi|don)",
    r"tu khoa\b", r"tags?\s*:", r"chu de\s*:", r"click (?:vao day|tai day)", r"tro lai dau trang",
    # to do
    r"chia se\b.{0,40}$", r"binh luan\s*(?:\(\d*\))?$", r"theo doi .{0,60}(?:google news|zalo|facebook|youtube|fanpage)",
    r"ban in\b", r"in trang", r"gui (?:email|cho ban be)\b", r"(?:so )?luot xem\b", r"like\b.{0,20}$", r"vui long nhap",
    r"danh gia bai viet", r"tong so diem cua bai viet", r"xep hang\s*:", r"quang cao$", r"su dung bai viet nay", r"ban quyen\b",
    # who made it
    r"nguon\s*:", r"tac gia\s*:", r"nguoi (?:dang|viet|gui)\s*:", r"(?:tin, |bai, |bai va )?anh\s*:", r"tin,? (?:bai|anh)\s*[,:]",
    r"video\s*:", r"clip\s*:", r"do hoa\s*:",
)  # fmt: skip
_BOILERPLATE = re.compile("|".join(_BOILERPLATE_STARTS))
# "Ảnh: Nguyễn Văn A", "- Ảnh: H.Y.T.", "(Ảnh: TTXVN)" at the end of a caption or paragraph: a person's name, dropped in the parser.
_CREDIT = re.compile(
    r"[\s.,;–—|(\[-]*\b(?:Ảnh|Nguồn ảnh|Nguồn|Đồ họa|Đồ hoạ|Photo|Video|Clip|ẢNH|Hình ảnh|Minh họa)\s*:\s*[^:]{1,80}?[)\].\s]*$"
)
_CREDIT_TAIL = 110  # characters at the end in which a credit may stand
_ACCORDING = re.compile(r"^[(\[]?(?:theo|tong hop|bien soan|tong hop tu)\s+[^.!?]{2,60}[)\]]?$")
_NAME_WORD = re.compile(r"^(?:[^\W\d_]\.)+(?:[^\W\d_]\w*\.?)?$|^[^\W\d_]+(?:-[^\W\d_]+)?$")
_SEPARATOR = re.compile(r"\s*[-–—/|,;&+]\s*|\s+và\s+|\s+VÀ\s+")


def own_paragraphs(blocks: Sequence[Block], title: str, authors: frozenset[str]) -> list[str]:
    """The article's paragraphs in order. `authors` (lower case) only name lines to drop; nothing of them is kept."""
    kept = [block for block in blocks if _is_own(block, authors)]
    kept = _without_signature(kept)
    texts = [without_credit(block.text) if block.tag != "h" else block.text for block in kept]
    return _distinct((text for text in texts if _has_words(text)), title)


def without_credit(text: str) -> str:
    """'Tàu vào cảng. Ảnh: N.V.A' → 'Tàu vào cảng.'"""
    start = max(0, len(text) - _CREDIT_TAIL)
    match = _CREDIT.search(text, start) if ":" in text[start:] else None
    if match is None:
        return text
    cut = text[: match.start()]
    return cut + "." if cut and text[len(cut) : len(cut) + 1] == "." else cut


def _is_own(block: Block, authors: frozenset[str]) -> bool:
    text = block.text
    if (
        block.linked >= _LINK_SHARE * len(text)
        and len(text) <= _LINK_LENGTH
        and not text.endswith((".", "!", "?", "…"))
    ):
        return False
    if len(text) <= _CALL_LENGTH and _BOILERPLATE.match(fold(text).lstrip(" -–•*+|")):
        return False
    return not (len(text) <= _SIGNATURE_LENGTH and authors and _is_authors(text, authors))


def _is_authors(text: str, authors: frozenset[str]) -> bool:
    return all(part.lower() in authors for part in _SEPARATOR.split(text.strip(" .()")) if part)


def _without_signature(blocks: list[Block]) -> list[Block]:
    """Drop names and '(Theo …)' lines from the end of the body."""
    end = len(blocks)
    for _ in range(min(_SIGNATURE_BLOCKS, len(blocks) - 1)):
        block = blocks[end - 1]
        if block.tag in {"caption", "tr"} or len(block.text) > _SIGNATURE_LENGTH or not _is_signature(block):
            break
        end -= 1
    return blocks[:end]


def _is_signature(block: Block) -> bool:
    return block.right or bool(_ACCORDING.match(fold(block.text))) or looks_like_names(block.text)


def looks_like_names(text: str) -> bool:
    """'Lê Văn An', 'NHẬT XUÂN - NGHI VŨ', 'N.T.H.': capitalised words without a sentence around them."""
    bare = text.strip(" .()[]*")
    if not bare or text.rstrip().endswith(("!", "?", ":", "…", "...")):
        return False
    parts = [part.split() for part in _SEPARATOR.split(bare) if part]
    return all(1 <= len(words) <= 6 and all(_is_name_word(word) for word in words) for words in parts)


def _is_name_word(word: str) -> bool:
    return word[0].isupper() and bool(_NAME_WORD.match(word))


def _distinct(texts: Iterable[str], title: str) -> list[str]:
    """Without the title at the start and without a paragraph repeated at once (captions of twin pictures)."""
    kept: list[str] = []
    for text in texts:
        if (not kept and fold(text) == fold(title)) or (kept and kept[-1] == text):
            continue
        kept.append(text)
    return kept


def _has_words(text: str) -> bool:
    return any(char.isalpha() for char in text)


def with_sapo(paragraphs: list[str], sapo: str) -> list[str]:
    """The body with its sapo in front, unless the body begins with it already."""
    sapo = visible(sapo)
    if not sapo or _contains(paragraphs[:4], sapo):
        return paragraphs
    return [sapo, *paragraphs]


def _contains(paragraphs: list[str], sapo: str) -> bool:
    """True where the first paragraphs hold the sapo; og:description may be cut short ('…')."""
    wanted = re.findall(r"\w+", fold(sapo.removesuffix("...").removesuffix("…")))
    present = " ".join(re.findall(r"\w+", fold(" ".join(paragraphs))))
    return " ".join(wanted) in present or (len(wanted) > 12 and " ".join(wanted[:-2]) in present)


def without_lead(text: str, patterns: Iterable[str]) -> str:
    """'(NLĐO)- Không ít hộ…' → 'Không ít hộ…': the agency's mark, which would set reprints apart."""
    for pattern in patterns:
        text = re.sub(pattern, "", text, count=1).lstrip()
    return text
