"""pdf files with a text layer, made by hand: each page is lines of (x, y, size, text), y from the bottom in points."""

from collections.abc import Sequence

Printed = tuple[float, float, float, str]
WIDTH, HEIGHT = 595, 842
LEFT, SIZE = 85, 16
# So many characters of SIZE fill a line between the margins.
LINE_CHARS = 26
_TO_UNICODE = (
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /U def /CMapType 2 def "
    "1 begincodespacerange <0000> <FFFF> endcodespacerange "
    "100 beginbfrange {ranges} endbfrange endcmap end end"
)


def make_pdf(*pages: Sequence[Printed], encrypt: str = "", pages_more: str = "") -> bytes:
    """Text in a font of two bytes a character, whose ToUnicode map names them, as word processors embed them."""
    ranges = " ".join(f"<{high:02X}00> <{high:02X}FF> <{high:02X}00>" for high in range(256))
    to_unicode = _TO_UNICODE.replace("100 beginbfrange", "256 beginbfrange").format(ranges=ranges)
    numbers = [6 + 2 * index for index in range(len(pages))]
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{n} 0 R' for n in numbers)}] {pages_more} >>",
        "<< /Type /Font /Subtype /Type0 /BaseFont /SimSun /Encoding /Identity-H /DescendantFonts [4 0 R] /ToUnicode 5 0 R >>",
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /SimSun /DW 1000 "
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
        _stream(to_unicode),
    ]
    for number, page in zip(numbers, pages, strict=True):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {number + 1} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>"
        )
        objects.append(_stream(" ".join(_show(*line) for line in page)))
    return _file(objects, encrypt)


def body(text: str, *, first_y: float = 700, indent: int = 2) -> list[Printed]:
    """A paragraph as it is set: the first line indented, the others filled to the right margin."""
    lines, rest = [text[: LINE_CHARS - indent]], text[LINE_CHARS - indent :]
    while rest:
        lines.append(rest[:LINE_CHARS])
        rest = rest[LINE_CHARS:]
    return [
        (LEFT + (indent * SIZE if index == 0 else 0), first_y - 29 * index, SIZE, line)
        for index, line in enumerate(lines)
    ]


def _show(x: float, y: float, size: float, text: str) -> str:
    return f"BT /F {size} Tf 1 0 0 1 {x} {y} Tm <{text.encode('utf-16-be').hex()}> Tj ET"


def _stream(content: str) -> str:
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"


def _file(objects: Sequence[str], encrypt: str) -> bytes:
    data, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    start, count = len(data), len(objects) + 1
    trailer = f"<< /Size {count} /Root 1 0 R {encrypt} >>"
    return (
        data
        + f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n".encode()
    )
