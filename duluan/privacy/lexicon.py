"""Words that tell a private person's name: titles, surnames (Kinh and of the peoples of the Central Highlands), offices, bodies."""

from __future__ import annotations

from typing import Final

from duluan.text import fold


def words(text: str) -> frozenset[str]:
    """The words of a block of text."""
    return frozenset(text.split())


# One word each: the last word of 'gia đình', 'nạn nhân', 'học sinh', 'chủ hộ', 'chủ xe'.
WRITTEN_TITLES: Final = words(
    """
    ông bà anh chị em cô chú bác cháu dì thầy mợ cậu cụ chồng vợ thằng con mẹ bố cha bạn bé đình tên nhân sinh hộ xe
    mụ lão già a c e ô b
    """
)
PLAIN_TITLES: Final = frozenset(fold(title) for title in WRITTEN_TITLES)
PERSONAL_TITLES: Final = words("ông bà anh chị cô chú bác dì mợ")

SURNAMES: Final = words(
    """
    nguyen tran le pham hoang huynh phan vu vo dang bui do ho ngo duong ly truong dinh dao doan vuong trinh mai
    luong lam to ta ha cao chau thai quach tang kieu luu la tong thach phung tieu bach nghiem chu cu giang khuc
    khong lu luc ma mac nong on quan sam si thi ton tu trieu trang van vi vien an au be cung dam dau diep doi dong
    giap han hua kha khau khuat kim long mau nghi ninh nhan pho phi que sai than thieu tiet tra uong ung viet xuan
    siu ksor kpa nie mlo ayun adrong eban bya nay ro brao thao xieng lo vang sung hang lau mua chao tan ban
    rmah rcom rah rochom puih kbuor hmok bkrong bdap kdam
    """
)

# Written with their marks they are names even in small letters; 'họ', 'đang', 'phần' are not among them.
WRITTEN_SURNAMES: Final = words(
    """
    nguyễn trần lê phạm hoàng huỳnh phan vũ võ đặng bùi đỗ hồ ngô dương lý trương đinh đào đoàn vương trịnh mai
    lương lâm cao châu quách lưu phùng
    """
)
PLAIN_SURNAMES: Final = words(
    """
    nguyen tran le pham hoang huynh phan vo bui ngo truong dinh doan trinh luong
    """
)
LOWER_SURNAMES: Final = frozenset(fold(name) for name in WRITTEN_SURNAMES) | PLAIN_SURNAMES
WRITTEN_MIDDLES: Final = words(
    """
    thị văn hữu đức ngọc đình quang thanh minh xuân công kim
    """
)
MIDDLES: Final = words(
    """
    thi van huu duc ngoc dinh quang thanh minh xuan cong kim
    """
)

OFFICE: Final = (
    r"(?:(?:pho\s)?(?:chu tich|bi thu|giam doc|thu tuong|tong giam doc|chu nhiem|vien truong|cuc truong"
    r"|chi cuc truong|hieu truong|tu lenh)|tong bi thu|chu tich nuoc"
    r"|bo truong|thu truong|(?:truong|pho) (?:ban|phong|cong an|doan|thon|khoa|tram)|dai bieu"
    r"|chanh (?:van phong|thanh tra|an)|chinh uy"
    r"|dai ta|thuong ta|trung ta|thieu ta|thieu tuong|trung tuong|thuong tuong|dai tuong|uy vien"
    r"|tong thong|thong doc|nghi si|hlv|huan luyen vien|phat ngon vien)"
)
BODIES: Final = words(
    """
    UBND HĐND CSGT CA QL TP HCM VN BHXH BHYT ĐT TL GV HS MTTQ THPT THCS TH UB CAX CATP EVN FC MC VIP CLB BQL GPMB
    BCH HTX TT TX SV PH BS CB NV CV QLTT TNXP DN KCN BV
    """
)

# First words of what may follow 'các anh', 'bà con' … in capitals and is nobody's name.
NO_NAMES: Final = words(
    """
    cong nha viet trung han nhat my dang chinh quoc uy bo so hoi ban phong sai tay phap nga lao canh quan
    giao hung tien bien
    """
)
