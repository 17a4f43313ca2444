"""Text as the models read it: NFC, lower case, teencode and office abbreviations spelled out, emoji as words, drawn-out letters.

Meaning is kept; nothing is removed but noise. The result feeds classifiers and keywords, never a screen. The word lists are
ours: they hold forms that stand for one thing only ("ko", "UBND"); ambiguous ones ("h", "a", "p") are left alone.
"""

from __future__ import annotations

import re

from duluan.text import nfc

TEENCODE: dict[str, str] = {
    "ko": "không", "k": "không", "kg": "không", "hok": "không", "hong": "không", "hông": "không", "khong": "không",
    "hem": "không", "khum": "không", "kô": "không", "kh": "không", "hổng": "không", "đc": "được", "dc": "được",
    "đk": "được", "dk": "được", "đx": "được", "dx": "được", "vs": "với", "vơi": "với", "wa": "quá", "wá": "quá",
    "qá": "quá", "qa": "quá", "j": "gì", "ji": "gì", "zì": "gì", "r": "rồi", "rùi": "rồi", "roài": "rồi", "ròi": "rồi",
    "ntn": "như thế nào", "bt": "bình thường", "bth": "bình thường", "bít": "biết", "bik": "biết", "biet": "biết",
    "mn": "mọi người", "mng": "mọi người", "mk": "mình", "mik": "mình", "mìn": "mình", "tl": "trả lời", "ng": "người",
    "ngta": "người ta", "ngừi": "người", "cx": "cũng", "cũg": "cũng", "cg": "cũng", "nhìu": "nhiều", "nhju": "nhiều",
    "lm": "làm", "lun": "luôn", "lẹ": "nhanh", "thik": "thích", "thíc": "thích", "iu": "yêu", "oke": "ok", "okie": "ok",
    "oki": "ok", "okay": "ok", "uh": "ừ", "uk": "ừ", "uhm": "ừ", "nc": "nước", "hs": "học sinh", "sv": "sinh viên",
    "gv": "giáo viên", "ph": "phụ huynh", "bs": "bác sĩ", "bv": "bệnh viện", "bn": "bao nhiêu", "bnhiu": "bao nhiêu",
    "ntnao": "như thế nào", "vn": "việt nam", "tq": "trung quốc", "hn": "hà nội", "sg": "sài gòn", "tphcm": "tp hcm",
    "nv": "nhân viên", "xl": "xin lỗi", "tks": "cảm ơn", "thks": "cảm ơn", "thanks": "cảm ơn", "thank": "cảm ơn",
    "cám": "cảm", "pv": "phóng viên", "trc": "trước", "trk": "trước", "ms": "mới", "nch": "nói chuyện", "nx": "nữa",
    "h": "giờ", "bgio": "bây giờ", "bjo": "bây giờ", "bh": "bây giờ", "đt": "điện thoại",
    "sđt": "số điện thoại", "fb": "facebook", "ik": "đi", "đm": "[tục]", "dm": "[tục]", "dcm": "[tục]", "đcm": "[tục]",
    "vcl": "[tục]", "vkl": "[tục]", "vl": "[tục]", "clgt": "[tục]", "vãi": "[tục]", "đéo": "[tục]", "đếch": "[tục]",
    "tn": "tai nạn", "csgt": "cảnh sát giao thông", "atgt": "an toàn giao thông", "attp": "an toàn thực phẩm",
    "vsattp": "vệ sinh an toàn thực phẩm", "gplx": "giấy phép lái xe", "gtvt": "giao thông vận tải",
    "gtcc": "giao thông công cộng", "bhyt": "bảo hiểm y tế", "bhxh": "bảo hiểm xã hội", "cccd": "căn cước công dân",
    "gd": "giáo dục", "gdđt": "giáo dục đào tạo", "kt": "kinh tế", "bđs": "bất động sản", "bds": "bất động sản",
    "tp": "thành phố", "ubnd": "ủy ban nhân dân", "hđnd": "hội đồng nhân dân", "ubmttq": "ủy ban mặt trận tổ quốc",
    "cqđt": "cơ quan điều tra", "vksnd": "viện kiểm sát nhân dân", "tand": "tòa án nhân dân", "ttg": "thủ tướng",
    "clb": "câu lạc bộ", "đh": "đại học", "thpt": "trung học phổ thông", "thcs": "trung học cơ sở", "qsdđ": "quyền sử dụng đất",
    "gpmb": "giải phóng mặt bằng", "tđc": "tái định cư", "ktxh": "kinh tế xã hội", "qlđt": "quản lý đô thị",
    "uỷ": "ủy", "thuỷ": "thủy", "quí": "quý", "tuỳ": "tùy", "huỷ": "hủy", "luỹ": "lũy", "hoà": "hòa", "toà": "tòa",
    "xoá": "xóa", "hoá": "hóa", "khoá": "khóa", "hoả": "hỏa", "toả": "tỏa", "hoạ": "họa", "doạ": "dọa", "thoả": "thỏa",
    "khoẻ": "khỏe", "loè": "lòe", "ngoé": "ngóe", "đoá": "đóa", "loà": "lòa", "goá": "góa", "truỵ": "trụy", "thuý": "thúy",
}  # fmt: skip

EMOJI: dict[str, str] = {
    "😀": "vui", "😁": "vui", "😃": "vui", "😄": "vui", "😊": "vui vẻ", "🙂": "cười nhẹ", "😅": "cười trừ", "😆": "cười lớn",
    "😂": "cười chảy nước mắt", "🤣": "cười lăn", "😉": "nháy mắt", "😍": "yêu thích", "🥰": "yêu thích", "😘": "hôn gió",
    "❤": "trái tim", "♥": "trái tim", "💖": "trái tim", "💕": "trái tim", "💗": "trái tim", "💙": "trái tim", "💚": "trái tim",
    "💛": "trái tim", "🧡": "trái tim", "💜": "trái tim", "💔": "tan nát lòng", "👍": "đồng tình", "👎": "phản đối",
    "👏": "hoan hô", "🙏": "cảm ơn cầu mong", "💪": "cố lên", "🎉": "chúc mừng", "🎊": "chúc mừng", "🌹": "hoa hồng",
    "🌺": "bông hoa", "🌸": "bông hoa", "⭐": "ngôi sao", "🌟": "ngôi sao", "✨": "lấp lánh", "🔥": "ngọn lửa", "😢": "buồn khóc",
    "😭": "khóc to", "😥": "buồn lo", "😓": "mệt mỏi", "😔": "buồn", "😞": "thất vọng", "😟": "lo lắng", "😠": "tức giận",
    "😡": "tức giận", "🤬": "chửi tục", "😤": "bực bội", "😱": "hoảng sợ", "😨": "sợ hãi", "😰": "lo sợ", "😳": "sững sờ",
    "😲": "ngạc nhiên", "😮": "ngạc nhiên", "😒": "chán ghét", "🙄": "ngán ngẩm", "😏": "cười khẩy", "😑": "cạn lời",
    "😐": "cạn lời", "🤔": "suy nghĩ", "🤦": "bó tay", "🤷": "không biết", "😷": "khẩu trang", "🤮": "ghê tởm", "🤢": "ghê tởm",
    "🤡": "chú hề", "💩": "ghê tởm", "😎": "ngầu", "😇": "hiền lành", "😋": "ngon", "😴": "buồn ngủ", "☹": "buồn", "🙁": "buồn",
    "😩": "mệt mỏi", "😫": "mệt mỏi", "😖": "khổ sở", "😣": "khổ sở", "🤗": "ôm", "😜": "lè lưỡi", "😝": "lè lưỡi", "😛": "lè lưỡi",
    "🇻": "việt nam", "⚠": "cảnh báo", "❌": "sai", "✅": "đúng", "✔": "đúng", "‼": "!!", "⁉": "!?", "❗": "!", "❓": "?",
}  # fmt: skip

_FACES = [
    (re.compile(r"[:=]['’]\(+"), " buồn khóc "),
    (re.compile(r"[:=]-?\){1,}|\^[_.-]?\^|[:=]\]+|[:=]-?d\b"), " mặt cười "),
    (re.compile(r"[:=]-?\(+|[:=]\[+"), " mặt buồn "),
    (re.compile(r"<3+"), " trái tim "),
]
_FACE_START = re.compile(r"[:=^]['’_.\-)\](\[^d]|<3")
_EMOJI = re.compile("[" + "".join(EMOJI) + "]")
_ASTRAL = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0e\ufe0f\ufeff]")
_THRICE = re.compile(r"(.)\1\1")
_DRAWN = re.compile(r"([^\W\d_iwx])\1{2,}|([iwx])\2{3,}")
_PUNCT = re.compile(r"([^\w\s])\1{3,}")
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")  # "h'drai" is one word
_URL = re.compile(r"(?:https?://|www\.)\S+")


def normalise(text: str) -> str:
    """'Đường xấuuuu wá, UBND xã k làm j hết 😡' → 'đường xấu quá, ủy ban nhân dân xã không làm gì hết tức giận'.

    Any Unicode in, NFC lower case out, one space between words. Digits and punctuation stay; links become 'liên kết'.
    """
    lowered = nfc(text).lower()
    if "http" in lowered or "www." in lowered:
        lowered = _URL.sub(" liên kết ", lowered)
    lowered = _symbols(lowered)
    if _THRICE.search(lowered):
        lowered = _DRAWN.sub(lambda run: run.group(1) or run.group(2), lowered)
        lowered = _PUNCT.sub(r"\1\1\1", lowered)
    if not TEENCODE.keys().isdisjoint(_LETTERS.findall(lowered)):
        lowered = _LETTERS.sub(_expand, lowered)
    return " ".join(lowered.split())


def _symbols(lowered: str) -> str:
    if not lowered.isascii():
        lowered = _INVISIBLE.sub("", lowered)
        if _ASTRAL.search(lowered):
            lowered = _EMOJI.sub(lambda found: f" {EMOJI[found.group()]} ", lowered)
    if _FACE_START.search(lowered):
        for pattern, words in _FACES:
            lowered = pattern.sub(words, lowered)
    return lowered


def _expand(word: re.Match[str]) -> str:
    return TEENCODE.get(word.group(), word.group())
