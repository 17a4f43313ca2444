"""What stands around a number and says what it is. All functions read folded text (`fold_keep`)."""

from __future__ import annotations

import re

_REACH = 42  # characters before a number in which its announcement may stand
_LINK = r"[\s:=.,\-–(]{0,4}(?:(?:la|so|cua|em|toi|minh|chi|anh|co|chu|ngan hang|nh|ca nhan|theo|nay|day|day la|ghi)[\s:=.,\-–(]{1,3}){0,4}"

_PHONE = re.compile(
    r"(?<![a-z])(?:sdt|s\.?d\.?t|dt|d/t|dien thoai|phone|tel|mobile|hotline|zalo|za lo|viber|goi|alo|a lo"
    r"|lh|l/h|lien he|lien lac"
    r"|nhan tin|so may|sim|ib|inbox|call|ket ban|nhan)" + _LINK + "$"
)
_PAPER = re.compile(
    r"(?<![a-z])(?:cccd|cmnd|cmt|cmtnd|can cuoc(?: cong dan)?|chung minh(?: thu| nhan dan)?|ho chieu"
    r"|passport|dinh danh(?: ca nhan)?|bhxh|bhyt"
    r"|bao hiem(?: xa hoi| y te)?|gplx|giay phep lai xe|bang lai|so the|ma so bhxh|giay to|ma dinh danh|ho khau)"
    + _LINK
    + "$"
)
_BANKS = (
    r"vcb|vietcombank|vietcom|agribank|agri|bidv|vietinbank|viettin|vtb|mb ?bank|mbb|techcombank|tcb"
    r"|techcom|acb|sacombank|sacom|vpbank|vp bank"
    r"|tpbank|tp bank|lpbank|lienvietpostbank|lien viet|shb|hdbank|hd bank|vib|msb|ocb|seabank|eximbank"
    r"|nam a bank|namabank|scb|dong a bank|donga bank"
    r"|kienlongbank|bac a bank|pvcombank|cake|timo|vietbank|momo|zalopay|viettelpay|viettel money|mb"
)
_ACCOUNT = re.compile(
    r"(?<![a-z])(?:stk|s\.?t\.?k|so tk|tk|tai khoan|so tai khoan|so the|the atm|atm|acc bank|account"
    r"|chuyen khoan|ck|banking|ung ho(?: qua)?|"
    + _BANKS
    + r")"
    + r"(?:[\s:=.,\-–(]{1,3}(?:"
    + _BANKS
    + r"|stk|tk|so|qua|vao|ngan hang|nh|la|cua|so tai khoan)){0,4}"
    + _LINK
    + "$"
)
_BANK_AFTER = re.compile(
    r"[\s,.\-–:(]{0,4}(?:(?:ngan hang|nh|tai|mo tai|bank|o|cua)[\s:]{1,2}){0,3}(?:" + _BANKS + r")(?![a-z])"
)

_CURRENCY = re.compile(r"\s{0,2}(?P<unit>dong|d|₫|vnd|usd|\$|euro|trieu|ty|nghin|ngan(?!\s?hang)|xu)(?![a-z])")
_NOT_MONEY = frozenset({"đóng", "động", "đông", "đống", "tý", "ngăn", "ngân", "triều"})
_UNIT_AFTER = re.compile(
    r"\s{0,2}(?:/|\+)?\s{0,2}(?:tr|k|tan|ta|kg|kwh|kw"
    r"|mw|km2?|km|m2|m3|m²|m³|m|ha|lit|luot|nguoi|khach"
    r"|hanh khach|view|views|like|phieu|ho|con|cay|xe|cai|san pham|don vi|co phieu|cp|%|phan tram|bo|tram"
    r"|cuon|ban|nam|lan|tai khoan|ca|liec?u)(?![a-z])"
)
_UNIT_BEFORE = re.compile(
    r"(?:so tien|gia|tri gia|tong (?:cong|so|von|kinh phi|muc dau tu)|kinh phi|phi|le phi|vien phi"
    r"|hoc phi|phat|den bu|boi thuong|luong|thuong|thu|tien|von|ngan sach"
    r"|het|mat|ung ho|no|vay|dong gop|dong|usd|\$|vnd|dan so)[\s:=(]{0,3}(?:(?:la|den|khoang|hon|toi|gan"
    r"|tren|duoi|them|tong|moi|duoc|so)\s){0,3}$"
)
_TAX = re.compile(
    r"(?<![a-z])(?:mst|m\.s\.t|ma so thue|tax code|ma so doanh nghiep|msdn|ma so dn|dkkd|gpkd|dang ky kinh doanh"
    r"|giay chung nhan dkkd|so dkkd|ma so kinh doanh)[^\d\n]{0,25}$"
)
_SHORT_LINE = re.compile(r"1(?:8|9)00\d{2,6}")
_PUBLIC = re.compile(
    r"(?:duong day nong|tong dai|so nong|truc ban|dien thoai truc|so truc|truc cap cuu|dt nong"
    r"|tong dai vien)[^\n]{0,80}$"
)
_HOTLINE = re.compile(r"hotline[^\n]{0,60}$")
_BODY = re.compile(
    r"(?:ubnd|uy ban|cong an|so (?:y te|xay dung|cong thuong|noi vu|giao duc|nong nghiep|tu phap"
    r"|tai chinh)|benh vien|trung tam|dien luc|cap nuoc|evn|csgt|ban chi huy"
    r"|bao hiem xa hoi|cuc|chi cuc|van phong|kiem lam|bien phong|cuu ho|phong chay|tram y te|cong ty"
    r"|nha may|truong|toa soan|bao quang ngai)"
)


def _before(folded: str, start: int, reach: int = _REACH) -> tuple[int, int]:
    return max(0, start - reach), start


def announces_phone(folded: str, start: int) -> bool:
    """'sđt', 'zalo', 'gọi' … right before."""
    return _PHONE.search(folded, *_before(folded, start)) is not None


def announces_paper(folded: str, start: int) -> bool:
    """'CCCD', 'hộ chiếu', 'BHXH' … right before."""
    return _PAPER.search(folded, *_before(folded, start)) is not None


def announces_account(folded: str, start: int, end: int) -> bool:
    """'STK', a bank's name … right before, or a bank's name right behind."""
    return _ACCOUNT.search(folded, *_before(folded, start)) is not None or _BANK_AFTER.match(folded, end) is not None


def is_money(text: str, folded: str, end: int) -> bool:
    """'đồng', 'triệu' … right behind; 'đóng' and 'đông' are other words."""
    unit = _CURRENCY.match(folded, end)
    return unit is not None and text[unit.start("unit") : unit.end()].lower() not in _NOT_MONEY


def is_amount(text: str, folded: str, start: int, end: int) -> bool:
    """Money, quantities, views: a unit behind, or a word of price before a round number."""
    if is_money(text, folded, end) or _UNIT_AFTER.match(folded, end):
        return True
    return folded[start:end].endswith("00") and _UNIT_BEFORE.search(folded, *_before(folded, start)) is not None


def is_tax_code(folded: str, start: int) -> bool:
    """'MST', 'mã số thuế' before: a firm's number, public by law."""
    return _TAX.search(folded, *_before(folded, start)) is not None


def is_public_line(folded: str, start: int, digits: str) -> bool:
    """1800/1900 numbers; numbers introduced as a hotline (of a public body where the word is 'hotline')."""
    if _SHORT_LINE.fullmatch(digits):
        return True
    low, high = _before(folded, start, 90)
    if _PUBLIC.search(folded, low, high):
        return True
    line = _HOTLINE.search(folded, low, high)
    return line is not None and (digits.startswith("02") or _BODY.search(folded, low, high) is not None)
