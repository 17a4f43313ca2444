"""The briefing as a Word file in the look of an office's bulletin: A4, Times New Roman 13, letterhead, numbered parts, charts."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

from docx import Document as new_document
from docx.document import Document as Docx
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from dashboards import charts
from dashboards.briefing import AlertLine, Briefing, Section, sections, state_of
from dashboards.words import TIERS, cell, date_in_words, minute, number, percent

FONT = "Times New Roman"
BODY = Pt(13)
SMALL = Pt(12)
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
PARTY = "ĐẢNG CỘNG SẢN VIỆT NAM"
PARTY_OFFICE = re.compile(r"\b(?:tỉnh|thành|đảng) ủy\b", re.IGNORECASE)  # not "Ủy ban nhân dân"
STATE = ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc")


def write_docx(briefing: Briefing, path: Path) -> None:
    """Write `path`; the same briefing gives the same document text. Raises OSError where it cannot be written."""
    document = new_document()
    _page(document, briefing)
    _letterhead(document, briefing)
    _line(document, briefing.title.upper(), bold=True, centre=True)
    _line(document, f"({briefing.period[0].upper()}{briefing.period[1:]})", italic=True, centre=True)
    for numeral, section in zip(ROMAN, sections(briefing), strict=False):
        _section(document, numeral, section)
        if numeral == "I" and briefing.tone.voices:
            _picture(document, charts.tone_by_day(briefing.days), "Lượt ý kiến theo ngày và sắc thái")
            _topic_table(document, briefing)
        if numeral == "II" and briefing.alerts:
            _alert_table(document, briefing.alerts)
    _signature(document, briefing)
    document.save(str(path))


def _page(document: Docx, briefing: Briefing) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin = section.bottom_margin = Cm(2)
    section.left_margin, section.right_margin = Cm(3), Cm(1.5)
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, BODY
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FONT)
    document.core_properties.title = f"{briefing.title} – {briefing.province}"
    document.core_properties.author = briefing.office
    document.core_properties.created = briefing.made
    document.core_properties.language = "vi-VN"


def _letterhead(document: Docx, briefing: Briefing) -> None:
    table = document.add_table(rows=1, cols=2)
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    left, right = table.rows[0].cells
    left.width, right.width = Cm(8), Cm(9)
    _cell_lines(left, _issuer(briefing.office))
    party = PARTY_OFFICE.search(briefing.office)
    head = [(PARTY, True)] if party else [(STATE[0], True), (STATE[1], True)]
    _cell_lines(right, [*head, (f"{briefing.province}, {date_in_words(briefing.made)}", False)])


def _issuer(office: str) -> list[tuple[str, bool]]:
    """A party's body stands below the committee that it serves, as the party's rules for documents have it; '*' closes the block."""
    party = PARTY_OFFICE.search(office)
    body = office[: party.start()].strip() if party else ""
    if party is None or not body:
        return [(office.upper(), True), ("*", False)]
    return [(office[party.start() :].upper(), False), (body.upper(), True), ("*", False)]


def _cell_lines(place: _Cell, lines: list[tuple[str, bool]]) -> None:
    for position, (text, bold) in enumerate(lines):
        paragraph = place.paragraphs[0] if position == 0 else place.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.space_after = Pt(0)
        run = paragraph.add_run(text)
        run.bold, run.italic, run.font.size = bold, "ngày" in text, Pt(12)


def _section(document: Docx, numeral: str, section: Section) -> None:
    _line(document, f"{numeral}. {section.heading.upper()}", bold=True, keep=True)
    for text in section.paragraphs:
        _body(document, text)
    for position, text in enumerate(section.points, start=1):
        _body(document, f"{position}. {text}" if numeral != "I" else f"- {text}")


def _line(
    document: Docx, text: str, *, bold: bool = False, italic: bool = False, centre: bool = False, keep: bool = False
) -> Paragraph:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(6)
    paragraph.paragraph_format.keep_with_next = keep
    if centre:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run(text)
    run.bold, run.italic = bold, italic
    return paragraph


def _body(document: Docx, text: str) -> None:
    paragraph = document.add_paragraph(text)
    paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    paragraph.paragraph_format.first_line_indent = Cm(1)
    paragraph.paragraph_format.space_after = Pt(4)


def _picture(document: Docx, png: bytes, alt: str) -> None:
    shape = document.add_picture(io.BytesIO(png), width=Cm(15.5))
    shape._inline.docPr.set("descr", alt)
    document.paragraphs[-1].alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption = _line(document, alt, italic=True, centre=True)
    caption.runs[0].font.size = SMALL


def _topic_table(document: Docx, briefing: Briefing) -> None:
    rows = [
        (line.name, cell(line.tone.voices), cell(line.previous), _share(line.tone.voices, line.tone.share))
        for line in briefing.topics
        if line.tone.voices or line.previous
    ]
    _table(document, ("Lĩnh vực", "Lượt ý kiến", briefing.earlier.capitalize(), "Tiêu cực"), rows, (8.0, 2.9, 2.9, 2.5))


def _share(voices: int, share: float) -> str:
    """No share of fewer than five voices: it would tell the small cell after all."""
    return "–" if cell(voices).startswith("<") else percent(share)


def _alert_table(document: Docx, alerts: tuple[AlertLine, ...]) -> None:
    rows = [
        (
            minute(a.detected),
            a.title,
            f"{number(a.voices)} ({number(round(a.expected))})",
            f"{TIERS[a.tier]}, {state_of(a)}",
        )
        for a in alerts
        if a.tier != "system"
    ]
    if rows:
        head = ("Phát hiện", "Cảnh báo", "Lượt ý kiến (thường ngày)", "Trạng thái")
        _table(document, head, rows, (3.0, 7.2, 2.9, 3.2))


def _table(document: Docx, head: tuple[str, ...], rows: Sequence[tuple[str, ...]], widths: tuple[float, ...]) -> None:
    table = document.add_table(rows=1, cols=len(head), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Cm(width)  # LibreOffice reads the grid, Word the cells
    for values in (head, *rows):
        cells = table.rows[0].cells if values is head else table.add_row().cells
        for position, (place, text, width) in enumerate(zip(cells, values, widths, strict=True)):
            place.width = Cm(width)
            paragraph = place.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            if values is head or (position and len(text) < 12):
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            run = paragraph.add_run(text)
            run.bold, run.font.size = values is head, SMALL
    _repeat_head(table.rows[0]._tr)
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def _repeat_head(row: OxmlElement) -> None:  # type: ignore[valid-type]
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row.get_or_add_trPr().append(mark)  # type: ignore[attr-defined]


def _signature(document: Docx, briefing: Briefing) -> None:
    """Who gets it, on the left; who signs, on the right, with room for the signature."""
    party = PARTY_OFFICE.search(briefing.office)
    leaders = f"Thường trực {party[0][:1].upper()}{party[0][1:].lower()}" if party else "Lãnh đạo cơ quan"
    document.add_paragraph()
    table = document.add_table(rows=1, cols=2)
    left, right = table.rows[0].cells
    left.width, right.width = Cm(9), Cm(7.5)
    receivers = [("Nơi nhận:", True), (f"- {leaders} (để báo cáo);", False), ("- Lưu.", False)]
    for position, (text, bold) in enumerate(receivers):
        paragraph = left.paragraphs[0] if position == 0 else left.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        run = paragraph.add_run(text)
        run.bold, run.italic, run.font.size = bold, bold, SMALL
    _cell_lines(
        right, [("LÃNH ĐẠO BAN" if party else "THỦ TRƯỞNG CƠ QUAN", True), ("", False), ("", False), ("", False)]
    )
