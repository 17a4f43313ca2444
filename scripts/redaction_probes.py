"""A second set of redaction probes, drawn from sentences of ours by a fixed seed: `python scripts/redaction_probes.py tests/data`.

Written on 2026-11-25 without looking at what `duluan.privacy` makes of it, and run once before anything was changed for it. Every
value is invented; none is meant to be anybody's.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

SEED = 20261125
EACH = 30
Dice = random.Random
Maker = Callable[[Dice], str]

MOBILE_HEADS = ("090", "091", "093", "094", "096", "097", "098", "032", "033", "035", "036", "037", "038", "039", "070", "076", "077",
                "081", "082", "083", "084", "085", "086", "088", "089", "056", "058", "059")  # fmt: skip
WORDS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
BARE_WORDS = ("khong", "mot", "hai", "ba", "bon", "nam", "sau", "bay", "tam", "chin")


def digits(dice: Dice, count: int) -> str:
    return "".join(dice.choice("0123456789") for _ in range(count))


def mobile(dice: Dice) -> str:
    number = dice.choice(MOBILE_HEADS) + digits(dice, 7)
    cut = dice.choice(["{}", "{}", "4.3.3", "4 3 3", "3 3 4", "4-3-3", "+84 ", "(+84)", "84", "3.4.3", "5 5", "2 4 4"])
    if cut == "{}":
        return number
    if "84" in cut:
        return cut + (number[1:] if dice.random() < 0.5 else f"{number[1:4]} {number[4:7]} {number[7:]}")
    mark = next(c for c in cut if not c.isdigit())
    found, start = [], 0
    for size in map(int, cut.split(mark)):
        found.append(number[start : start + size])
        start += size
    return mark.join(found)


def landline(dice: Dice) -> str:
    area = dice.choice(["0255", "0260", "0255", "0260", "0236", "024", "028"])
    rest = digits(dice, 7 if len(area) == 4 else 8)
    return dice.choice([f"{area}{rest}", f"{area} {rest}", f"({area}) {rest[:4]} {rest[4:]}", f"{area}.{rest[:3]}.{rest[3:]}",
                        f"{area}-{rest}", f"{area} {rest[:3]} {rest[3:]}"])  # fmt: skip


def disguised(dice: Dice) -> str:
    number = dice.choice(MOBILE_HEADS) + digits(dice, 7)
    style = dice.randrange(8)
    if style == 0:
        return " ".join(WORDS[int(d)] for d in number)
    if style == 1:
        return " ".join(BARE_WORDS[int(d)] for d in number)
    if style == 2:
        return number.replace("0", "o")
    if style == 3:
        return number.replace("0", "O").replace("1", "l")
    if style == 4:
        return " ".join(number)
    if style == 5:
        return ".".join(number)
    if style == 6:
        return f"{number[:4]} {' '.join(WORDS[int(d)] for d in number[4:7])} {number[7:]}"
    return "".join(chr(0xFF10 + int(d)) for d in number)


def paper(dice: Dice) -> str:
    number = dice.choice(["051", "062"]) + dice.choice("0123") + digits(dice, 8)
    old = dice.choice(["21", "23"]) + digits(dice, 7)
    return dice.choice([number, number, f"{number[:3]} {number[3:6]} {number[6:9]} {number[9:]}", f"{number[:6]} {number[6:]}", old,
                        f"{old[:3]} {old[3:6]} {old[6:]}", f"{old[:3]}.{old[3:6]}.{old[6:]}"])  # fmt: skip


def plate(dice: Dice) -> str:
    head = dice.choice(["76", "82", "43", "77", "81", "92", "51"])
    letter = dice.choice("ABCDFGHKLM")
    five = digits(dice, 5)
    bike = dice.choice("BCDEFGHKL") + dice.choice("123456789")
    return dice.choice([f"{head}{letter}-{five[:3]}.{five[3:]}", f"{head}{letter} {five[:3]}.{five[3:]}", f"{head}{letter}{five}",
                        f"{head}-{bike} {five[:3]}.{five[3:]}", f"{head}{bike}-{five}", f"{head.lower()}{letter.lower()} {five}",
                        f"{head}{letter}-{five[:4]}"])  # fmt: skip


def account(dice: Dice) -> str:
    number = dice.choice("123456789") + digits(dice, dice.choice([8, 9, 11, 12, 13]))
    if dice.random() < 0.4:
        return " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    return number


def email(dice: Dice) -> str:
    user = dice.choice(
        ["hoale", "trantuan", "minhtrang.kt", "ng_van_a", "quyen", "thanhson", "ydieu", "mai.pham"]
    ) + dice.choice(["", "82", "1990", "_qn", ".dakha"])
    site = dice.choice(["gmail.com", "yahoo.com.vn", "hotmail.com", "outlook.com", "icloud.com", "yahoo.com"])
    return dice.choice([f"{user}@{site}", f"{user}@{site}", f"{user} @ {site}", f"{user}(at){site}", f"{user} a còng {site}",
                        f"{user}[at]{site}", f"{user.upper()}@{site.upper()}"])  # fmt: skip


def profile(dice: Dice) -> str:
    user = dice.choice(
        ["tuan.nguyen.7921", "hoa.mai.92", "thanhson.dakto", "be.heo.98", "y.nhung.xd", "ba.sau.nuoc.mia"]
    )
    number = f"1000{digits(dice, 11)}"
    return dice.choice([f"facebook.com/{user}", f"https://www.facebook.com/profile.php?id={number}", f"fb.com/{user}",
                        f"https://m.facebook.com/{user}", f"zalo.me/0{dice.choice('39')}{digits(dice, 8)}", f"tiktok.com/@{user}",
                        f"@{user}", f"https://t.me/{user.replace('.', '_')}", f"fb.me/{user}", f"instagram.com/{user}/"])  # fmt: skip


STREETS = ("Nguyễn Nghiêm", "Phan Đình Phùng", "Hùng Vương", "Trần Phú", "Lê Lợi", "Quang Trung", "Bà Triệu", "Duy Tân", "Hai Bà Trưng",
           "Lê Trung Đình", "Ure", "Đào Duy Từ", "Trường Chinh", "Phạm Văn Đồng")  # fmt: skip


def house(dice: Dice) -> str:
    street, number = dice.choice(STREETS), str(dice.randrange(2, 799))
    lane = f"{dice.randrange(2, 300)}/{dice.randrange(1, 60)}"
    return dice.choice([f"số {number} {street}", f"{number} đường {street}", f"số nhà {number} đường {street}", f"{lane} {street}",
                        f"hẻm {lane} {street}", f"kiệt {dice.randrange(5, 200)} {street}, số {number}", f"{number} {street}",
                        f"tổ {dice.randrange(1, 19)}, khu phố {dice.randrange(1, 9)}",
                        f"số {number}{dice.choice('ABC')} {street}"])  # fmt: skip


KINH = ("Nguyễn Thị Lành", "Trần Văn Được", "Lê Quang Huy", "Phạm Thị Hồng Nhung", "Võ Minh Tâm", "Đặng Ngọc Ánh", "Huỳnh Tấn Phát",
        "Bùi Xuân Cường", "Đỗ Thị Bích", "Hồ Văn Nhơn", "Phan Thanh Bình", "Trương Thị Mỹ Lệ", "Đinh Văn Toàn", "Cao Thị Thơ",
        "Tạ Công Danh", "Lương Thị Sen")  # fmt: skip
HIGHLAND = ("Y Blum", "A Thút", "Y Ngọc Hân", "A Đứk", "H'Rin Niê", "H'Hen Ksor", "Y Thim Byă", "A Brol Vẽ", "Siu H'Lan", "Rơ Châm Duyên",
            "Ksor Hnhan", "Đinh Thị Krôi", "Hồ Thị Xruông", "Đinh Văn Reo", "A Jring Đeng", "Y Mửi", "Rơ Mah Tuân", "Kpă Thuyên",
            "H' Loan Êban", "A Lăng Thị Bơ")  # fmt: skip


def kinh(dice: Dice) -> str:
    name = dice.choice(KINH)
    style = dice.randrange(6)
    if style == 0:
        return "".join(f"{word[0]}." for word in name.split()).rstrip(".")
    if style == 1:
        return name.upper()
    return name


def highland(dice: Dice) -> str:
    return dice.choice(HIGHLAND)


FRAMES: dict[str, tuple[Maker, Sequence[str]]] = {
    "mobile": (mobile, (
        "Em bán lại máy bơm còn mới 90%, bác nào cần gọi em {}", "nhà mình bị tốc mái, ai có thợ giúp với {}", "ĐT mình nè {} ib gấp",
        "Nhóm từ thiện cần địa chỉ hộ khó khăn thì liên hệ chị Hà {}", "thay bạn hỏi đường vào Măng Đen, gọi {} cô ơi",
        "Cho thuê phòng trọ gần bệnh viện, sđt {}, có chỗ để xe", "cua em o {} nhe, em cho o nga ba",
        "Mất chó phốc màu vàng khu chợ, ai thấy báo giùm {} xin hậu tạ", "Zalo {} mình gửi clip cho coi đường nát cỡ nào",
        "Bà con cần sầu giống thì a lô {} (Tư)", "ai làm sổ đỏ dính giá cao vậy thì kb zl {} mình chỉ chỗ", "{} alo mình chở đi viện free",
        "Liên hệ: {} – {}", "số của tổ trưởng {}, gọi hoài không nghe", "Cần 2 người hái cà, ngày 350k, gọi {} gặp Năm")),
    "landline": (landline, (
        "nhà tôi số bàn {}, gọi giờ nào cũng được", "Máy bàn nhà em {} bị cắt cả tuần", "Gọi cho tôi theo số {} vào buổi tối",
        "đt nhà {} nha mấy chị", "liên lạc cô Ba {} để nhận gạo", "sđt cố định: {}", "alo {} hỏi thằng Út", "ai mua heo gọi {}",
        "Tiệm nhà em {} nhận sửa máy cưa", "Tel {} gặp chủ nhà", "So dien thoai nha em la {}", "Số nhà mẹ tôi {} ai gọi lừa đảo hoài",
        "Cần gấp thì gọi {}", "điện thoại bàn {} gặp ông Sáu", "ĐT: {}")),
    "disguised": (disguised, (
        "zalo em là {} nha", "muốn biết thêm thì gọi {} chứ đây không tiện nói", "sđt {}", "liên hệ {} nhé, ad đừng xóa",
        "ib hoặc alo {}", "số em đây: {}", "gọi mình qua {} mình chỉ cho", "bác nào mua thì phone {}", "kết bạn za lo {} em gửi hình",
        "so dt cua minh {}", "cần vay nóng alo {}", "mình tên Lan, số {}", "call {} gặp chủ", "Lh {} (gặp buổi tối)", "dt {} e nha")),
    "paper": (paper, (
        "CCCD của em {} mà phường bảo không tìm thấy", "cmnd {} cấp ở Kon Tum giờ hết hạn đổi ở đâu", "số căn cước tôi là {}, nhờ tra giúp",
        "Em làm lại CCCD số {} ba tháng chưa có", "chứng minh nhân dân {} của mẹ tôi bị sai năm sinh", "can cuoc cong dan {} nha ad",
        "Định danh của cháu {} nhập vào VNeID không được", "Tôi gửi cả số CMT {} rồi mà chưa ai trả lời", "so cccd {} tra ho em ti",
        "Mã định danh {} báo trùng", "CMND: {}", "cccd gắn chip {} làm từ tháng 3", "Hồ sơ của bà nội, cccd {} chưa được trợ cấp",
        "nhập số {} CCCD vô thì báo lỗi", "giấy tờ của tôi: căn cước {}")),
    "plate": (plate, (
        "Xe {} lấn làn ép tôi xuống mương", "chiếc {} đậu ngay cổng trường sáng nào cũng vậy", "BKS {} chở đất không che bạt",
        "biển số {} đụng xong bỏ chạy", "xe tải {} chạy giờ cấm sao không phạt", "thằng {} vượt đèn đỏ kìa", "ô tô {} chắn hết vỉa hè",
        "Con Wave {} chạy ngược chiều trên cầu", "bien so {} chay au qua", "Ai quen chủ xe {} nhắc giùm", "xe ben {} rớt đá đầy đường",
        "{} tông con chó nhà tôi rồi đi luôn", "Xe biển {} chở quá tải", "xe khách {} bắt khách dọc đường", "xe đầu kéo {} phóng nhanh")),
    "account": (account, (
        "Ủng hộ xin gửi về STK {} Vietcombank", "stk {} agribank chủ tk là em gái tôi", "Chuyển khoản giúp em {} MB Bank",
        "số tài khoản {} BIDV nha mọi người", "tk {} vietinbank, ghi nội dung ủng hộ lũ", "Mình lỡ chuyển nhầm vào {} ngân hàng ACB",
        "STK: {} - Sacombank", "ck qua {} techcombank nhen", "tai khoan {} ngan hang agribank", "VCB {} cảm ơn cả nhà",
        "số tk của nó là {} vpbank, lừa tôi 5 triệu", "Gửi tiền về tài khoản {} tại Agribank Đăk Hà", "bidv {} giúp cháu mổ tim",
        "Tài khoản nhận tiền: {}", "TK ngân hàng {} TPBank")),
    "email": (email, (
        "Gửi hồ sơ qua {} giúp em", "mail mình {} nhé ad", "liên hệ email {} để nhận tài liệu", "ai có bản đồ quy hoạch cho xin qua {}",
        "E-mail: {}", "gửi đơn về {} ba lần không ai trả lời", "em là sinh viên, mail em là {}", "xin file {} ạ", "gmail {} đó",
        "Phản ánh của tôi đã gửi từ {} ngày 3/3", "cho mình xin clip với, {}", "Thầy gửi bài vào {}", "dia chi mail {} nha",
        "mình để lại mail {}", "báo giá gửi {}")),
    "profile": (profile, (
        "xem ảnh đường hỏng ở {}", "Nó là {} chuyên đi bôi nhọ người khác", "mọi người vào {} report giùm", "fb mình {} ib nha",
        "Link nè {}", "tag {} vô coi", "thằng đăng bài gốc là {}", "nick {} bán hàng giả", "clip đầy đủ trên {}", "theo dõi em tại {}",
        "liên hệ {} để biết chi tiết", "ai quen {} nói nó xóa bài đi", "hỏi {} là biết", "vô trang {} mà xem", "kb với em {} nhé")),
    "address": (house, (
        "nhà tôi ở {} ngập hai ngày rồi", "Giao hàng về {} giúp em", "địa chỉ nhà em {}, nước máy đục ngầu", "tui ở {} đây, rác chất đống",
        "Nhờ điện lực qua {} xem giùm, nhà có người già", "Cháu trọ tại {}, chủ nhà thu điện 4k", "gia đình tôi, {}, chưa nhận tiền đền bù",
        "ông nội sống ở {} một mình", "Thường trú: {}", "ship về {} nha shop", "mẹ con em ở {} mất điện từ tối qua",
        "đ/c: {}, cần nước uống", "hộ khẩu {} mà phường không chịu xác nhận", "Chú Bảy ở {} bị cây đè", "nhà em {} đối diện quán phở")),
    "name": (kinh, (
        "ông {} xây lấn ra hẻm mà không ai nói", "bà {} cho vay nặng lãi cả xóm biết", "Chị {} bán cá ở chợ cân điêu",
        "anh {} ở thôn tôi làm mất bò", "nhờ xã xem lại trường hợp cô {} bị cắt trợ cấp", "Cháu {} lớp 4 bị bạn đánh",
        "em {} bị điện giật hôm qua", "chú {} chặt cây của làng", "nạn nhân {} nằm viện tỉnh", "vợ chồng ông {} tranh đất với tôi",
        "mẹ tôi là {} đi khám bị hành", "hộ bà {} chưa có sổ hộ nghèo", "bác {} tổ 3 nuôi heo hôi lắm", "thầy {} dạy thêm ép học sinh",
        "hàng xóm tôi tên {} hát karaoke suốt đêm")),
    "name_highland": (highland, (
        "bà {} ở làng mình chưa có nhà tình thương", "em {} bỏ học theo mẹ đi rẫy", "anh {} mất trâu trong bão",
        "ông {} bị lũ cuốn trôi rẫy mì",
        "nhà chị {} sập hết rồi", "cháu {} sốt xuất huyết ba ngày", "Chị {} sinh ở trạm y tế không có bác sĩ", "Già {} nói nước suối đục",
        "bạn {} lớp mình nghỉ học", "vợ anh {} khám mà không có thuốc", "cô {} bán măng ở chợ phiên", "chú {} thôn tui bị lừa bán đất",
        "hộ ông {} chưa nhận gạo", "gia đình {} rất khó khăn, mong giúp", "con bà {} đi làm ăn xa mất liên lạc")),
}  # fmt: skip

KEEPS: dict[str, tuple[Maker, Sequence[str]]] = {
    "money": (
        lambda d: d.choice(
            [
                f"{d.randrange(1, 99)}.{digits(d, 3)}.000.000 đồng",
                f"{digits(d, 1)}5{digits(d, 1)}000000đ",
                f"{d.randrange(2, 90)} tỷ {d.randrange(100, 900)} triệu",
                f"{d.randrange(100, 990)}.000đ/kg",
                f"{d.randrange(1, 9)},{d.randrange(1, 9)} triệu/tháng",
                f"{d.randrange(100, 990)} triệu đồng",
            ]
        ),
        (
            "Kinh phí {} mà cầu chưa xong",
            "thu hồi đất đền {} ai sống nổi",
            "phạt {} là nhẹ",
            "Giá cà phê lên {} rồi",
            "lương công nhân {}",
            "học phí {} cao quá",
            "Nợ thuế {} sao không đòi",
            "tiền điện tháng này {}",
        ),
    ),
    "decision": (
        lambda d: d.choice(
            [
                f"Quyết định {d.randrange(100, 3999)}/QĐ-UBND",
                f"QĐ số {d.randrange(10, 999)}/2024/QĐ-UBND",
                f"Nghị định {d.randrange(10, 199)}/2024/NĐ-CP",
                f"Thông tư {d.randrange(10, 70)}/2023/TT-BGDĐT",
                f"công văn {d.randrange(1000, 9999)}/UBND-KTN",
                f"Nghị quyết {d.randrange(10, 99)}/NQ-HĐND",
            ]
        ),
        (
            "Theo {} thì dân được hỗ trợ chứ",
            "{} nói rõ rồi",
            "đề nghị tỉnh thực hiện đúng {}",
            "Căn cứ {} ngày 12/3/2025",
            "có {} mà xã không làm",
        ),
    ),
    "road": (
        lambda d: d.choice(
            [
                "quốc lộ 24B",
                "QL 14E",
                "tỉnh lộ 676",
                "ĐT 623B",
                "đường tránh QL1A",
                "cao tốc Quảng Ngãi – Hoài Nhơn",
                "đường Hồ Chí Minh",
                "ĐH 31",
                "đường 30/4",
                "đường Phạm Văn Đồng",
                "hẻm 45 gần chợ",
                "QL40B",
            ]
        ),
        (
            "{} hỏng nặng quá",
            "Tai nạn trên {} sáng nay",
            "khi nào sửa {} vậy",
            "đi {} phải né ổ gà",
            "{} ngập sâu nửa mét",
        ),
    ),
    "kilometre": (
        lambda d: d.choice(
            [
                f"km{d.randrange(1, 200)}+{d.randrange(100, 900)}",
                f"Km {d.randrange(2, 140)}",
                f"{d.randrange(2, 90)}km",
                f"{d.randrange(1, 9)},{d.randrange(1, 9)} km",
                f"lý trình Km{d.randrange(5, 99)}+{digits(d, 3)}",
            ]
        ),
        (
            "sạt lở tại {} tối qua",
            "đoạn {} trơn như mỡ",
            "đi học xa {} mỗi ngày",
            "Xe lật ở {} đèo Vi Ô Lắc",
            "còn {} nữa mới tới trung tâm xã",
        ),
    ),
    "hotline": (
        lambda d: d.choice(
            [
                "113",
                "114",
                "115",
                "112",
                "1022",
                "1900 1909",
                "19001909",
                "1800 1091",
                "đường dây nóng 0255 3822 111",
                "đường dây nóng của Sở Y tế 0967 741 010",
                "hotline điện lực 1900 1909",
                "tổng đài 111",
            ]
        ),
        (
            "gọi {} đi mọi người",
            "Báo {} chưa thấy ai tới",
            "{} gọi hoài không bắt máy",
            "Sao không gọi {}",
            "có việc gấp cứ gọi {}",
        ),
    ),
    "date": (
        lambda d: d.choice(
            [
                f"{d.randrange(1, 29)}/{d.randrange(1, 13)}/2025",
                f"{d.randrange(1, 29)}-{d.randrange(1, 13)}-2024",
                f"ngày {d.randrange(1, 29)} tháng {d.randrange(1, 13)} năm 2025",
                f"{d.randrange(6, 23)}h{d.randrange(10, 59)}",
                "giai đoạn 2021-2025",
                "quý 3/2025",
                "năm học 2025-2026",
                "01.07.2025",
            ]
        ),
        (
            "Hẹn từ {} tới giờ",
            "mất điện {} chưa có lại",
            "{} khánh thành cầu",
            "Lịch họp dân {} ở nhà văn hóa",
            "từ {} sáp nhập xã",
        ),
    ),
    "official": (
        lambda d: d.choice(
            [
                "Chủ tịch UBND tỉnh Nguyễn Hoàng Giang",
                "Bí thư Tỉnh ủy Bùi Thị Quỳnh Vân",
                "Thủ tướng Phạm Minh Chính",
                "Giám đốc Sở Xây dựng Nguyễn Văn Một",
                "Phó Chủ tịch UBND xã Y Ngọc",
                "Bộ trưởng Đào Hồng Lan",
                "Trưởng Công an xã A Lăng",
                "Đại biểu Quốc hội Trần Văn Hai",
                "Tổng Bí thư Tô Lâm",
            ]
        ),
        (
            "mong {} xem xét",
            "{} đã đi kiểm tra hiện trường",
            "cảm ơn {} quan tâm dân",
            "sao {} không trả lời",
            "{} hứa năm ngoái mà",
        ),
    ),
    "place": (
        lambda d: d.choice(
            [
                "xã Măng Đen",
                "phường Cẩm Thành",
                "thôn 5 xã Đăk Hà",
                "đặc khu Lý Sơn",
                "hồ Nước Trong",
                "chợ Đăk Tô",
                "bệnh viện đa khoa tỉnh",
                "trường THCS Trần Hưng Đạo",
                "UBND phường Kon Tum số 12 Nguyễn Huệ",
                "cầu Trà Khúc 2",
                "khu công nghiệp VSIP",
                "làng Kon Kơ Tu",
                "xã Y Tý",
                "xã Ia Đal",
            ]
        ),
        ("{} nước ngập", "Rác nhiều ở {} quá", "dân {} kêu hoài", "ở {} sóng yếu", "{} hôm nay đông vui"),
    ),
    "score": (
        lambda d: d.choice(
            [
                f"{d.randrange(0, 5)}-{d.randrange(0, 5)}",
                f"{d.randrange(10, 30)},{d.randrange(1, 9)} điểm",
                f"top {d.randrange(2, 60)}",
                f"{d.randrange(50, 99)}%",
                f"{d.randrange(100, 900)}/{d.randrange(1000, 2000)} phiếu",
                "hạng 3/63",
                "4-4-2",
            ]
        ),
        ("đội tỉnh mình thắng {}", "Điểm chuẩn {} cao vậy", "PCI {} là thấp", "kết quả {} buồn ghê", "đạt {} chỉ tiêu"),
    ),
    "tax": (
        lambda d: d.choice(
            [
                f"MST {d.choice(['43', '61'])}00{digits(d, 6)}",
                f"mã số thuế 4300{digits(d, 6)}-001",
                f"MST: 6100{digits(d, 6)}",
                f"mã số doanh nghiệp 4300{digits(d, 6)}",
            ]
        ),
        (
            "công ty {} xả thải",
            "doanh nghiệp có {} nợ bảo hiểm",
            "Hóa đơn ghi {} là của nhà thầu nào",
            "{} trúng thầu ba gói liền",
            "tra {} thấy công ty ma",
        ),
    ),
    "quantity": (
        lambda d: d.choice(
            [
                f"{d.randrange(100, 900)}.{digits(d, 3)} m3 đất",
                f"{d.randrange(10, 90)} hộ dân",
                f"{d.randrange(1000, 9000)} ha rừng",
                f"{d.randrange(100, 999)}.{digits(d, 3)} lượt xem",
                f"{d.randrange(10, 90)}.{digits(d, 3)} tấn",
                "0,5 mg/l",
                "35 kV",
                "110kV",
                "220V",
            ]
        ),
        (
            "{} bị ảnh hưởng",
            "mất {} trong một đêm",
            "có tới {} mà không ai biết",
            "khai thác {} mỗi năm",
            "thống kê {} rồi",
        ),
    ),
    "word": (
        lambda d: d.choice(
            [
                "anh Tuấn",
                "chị Hai",
                "ông Trời",
                "bà con",
                "cô giáo",
                "chú công an",
                "các anh bộ đội",
                "bác Hồ",
                "ông chủ tịch xã",
                "mấy chị lao công",
                "ông Trump",
                "thầy cô",
                "em học sinh lớp 3A",
            ]
        ),
        ("cảm ơn {} nhiều", "{} nói đúng quá", "thương {} ghê", "nhờ {} chứ không chết rồi", "{} làm việc tốt lắm"),
    ),
}


def draw(kinds: dict[str, tuple[Maker, Sequence[str]]], each: int) -> list[tuple[str, str, str]]:
    """(kind, text, secret), `each` of every kind; a frame comes again only after all others."""
    dice = Dice(SEED)
    found = []
    for kind, (make, frames) in kinds.items():
        order: list[str] = []
        while len(order) < each:
            order += dice.sample(list(frames), len(frames))
        for frame in order[:each]:
            secret = make(dice)
            found.append((kind, frame.replace("{}", secret), secret))
    return found


def main(folder: Path) -> None:
    """Writes redaction_second.csv and keep_second.csv."""
    for name, kinds, each in (("redaction_second", FRAMES, EACH), ("keep_second", KEEPS, 25)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(("kind", "text", "secret"))
            writer.writerows(draw(kinds, each))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
