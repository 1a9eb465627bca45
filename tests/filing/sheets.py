"""XLSX files as a test needs them: also such as no spreadsheet program would write."""

import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OF_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"

Content = str | bytes | Iterable[bytes]


def relations(*targets: tuple[str, str, str]) -> str:
    """A part of relations: the id, the last word of the kind, and the target of each."""
    each = "".join(
        f'<Relationship Id="{name}" Type="{_KINDS}/{kind}" Target="{target}"/>'
        for name, kind, target in targets
    )
    return f'<Relationships xmlns="{_OF_PACKAGE}">{each}</Relationships>'


def workbook(*sheets: str, more: str = "") -> str:
    """The workbook with those sheets, the attributes of each."""
    each = "".join(f"<sheet {sheet}/>" for sheet in sheets)
    return f'<workbook xmlns="{MAIN}" xmlns:r="{_KINDS}">{more}<sheets>{each}</sheets></workbook>'


PARTS: Mapping[str, Content] = {
    "_rels/.rels": relations(("rId1", "officeDocument", "xl/workbook.xml")),
    "xl/workbook.xml": workbook('name="list" sheetId="1" r:id="rId1"'),
    "xl/_rels/workbook.xml.rels": relations(
        ("rId1", "worksheet", "worksheets/sheet1.xml"),
        ("rId2", "sharedStrings", "sharedStrings.xml"),
        ("rId3", "styles", "styles.xml"),
    ),
    "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><t>site</t></si></sst>',
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"/>',
}


def sheet(rows: str, *, dimension: str = "A1:B2") -> str:
    """A sheet with those rows."""
    return (
        f'<worksheet xmlns="{MAIN}"><dimension ref="{dimension}"/>'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )


def inline(reference: str, text: str) -> str:
    """A cell with a text of its own."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


HEADER = f'<row r="1">{inline("A1", "site")}{inline("B1", "subject_name")}</row>'
SHOP = f'<row r="2">{inline("A2", "shop.example")}{inline("B2", "示例")}</row>'


def xlsx(rows: str | None = None, **parts: Content) -> bytes:
    """The file; `sheet1`, `styles` … give another content for the part of that name."""
    named = {"xl/worksheets/sheet1.xml": sheet(rows or HEADER + SHOP), **PARTS}
    for name, content in parts.items():
        path = next(path for path in named if path.rpartition("/")[2].partition(".")[0] == name)
        named[path] = content
    return zipped(named)


def zipped(parts: Mapping[str, Content]) -> bytes:
    """A ZIP of those parts; one that is given in pieces is written piece by piece."""
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for path, content in parts.items():
            pieces = [content] if isinstance(content, str | bytes) else content
            with made.open(path, "w", force_zip64=True) as part:
                for piece in pieces:
                    part.write(piece.encode() if isinstance(piece, str) else piece)
    return kept.getvalue()
