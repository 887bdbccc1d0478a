"""pdf with a text layer, through PDFium: pages, and lines joined into paragraphs."""

import ctypes
import re
from collections.abc import Iterator

import pypdfium2.raw as pdfium

from embeddings.errors import EmptyText, TooLarge, UnreadableDocument
from embeddings.readers.extract import MAX_TEXT_CHARS, Extract
from embeddings.readers.paragraphs import PrintedLine, PrintedPage, lay_out

_MAX_PAGES = 10_000
# PDFium gives a page's coordinates in whole pixels; so many of them are a point.
_PIXELS = 16
# PDFium's sign for a hyphen at the end of a line.
_HYPHENS = str.maketrans({"\x02": "-", "\ufffe": "-"})
_NO_CHARACTER = re.compile("[\x00-\x08\x0e-\x1f\ue000-\uf8ff\ufffd\uffff]")
_MAX_NO_CHARACTER = 0.2
_SCANNED = "it is scanned. Recognise its text (OCR) and add the result."

_Page = ctypes.c_void_p


def extract_pdf(data: bytes, *, filename: str) -> Extract:
    """Raises: UnreadableDocument, EmptyText, TooLarge."""
    pdfium.FPDF_InitLibrary()
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        raise _refusal(filename)
    try:
        pages = list(_read_pages(document, filename))
    finally:
        pdfium.FPDF_CloseDocument(document)
    if not any(page.lines for page in pages):
        raise EmptyText(f"“{filename}” holds pictures of pages and no text: {_SCANNED}")
    extract = lay_out(pages, encoding="pdf", filename=filename)
    _check_characters(pages, filename)
    return extract


def _refusal(filename: str) -> UnreadableDocument:
    if pdfium.FPDF_GetLastError() in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
        return UnreadableDocument(
            f"“{filename}” is protected by a password. Remove the password and add it again."
        )
    return UnreadableDocument(f"“{filename}” is damaged: it is no complete PDF. Save or download it again.")


def _check_characters(pages: list[PrintedPage], filename: str) -> None:
    text = "".join(line.text for page in pages for line in page.lines)
    if len(_NO_CHARACTER.findall(text)) > _MAX_NO_CHARACTER * len(text):
        raise UnreadableDocument(
            f"“{filename}” shows characters that its fonts do not name, so there is no text in it:"
            " treat it as if it were scanned, and recognise its text (OCR)."
        )


def _read_pages(document: ctypes.c_void_p, filename: str) -> Iterator[PrintedPage]:
    count = pdfium.FPDF_GetPageCount(document)
    if count > _MAX_PAGES:
        raise TooLarge(f"“{filename}” has {count:,} pages; at most {_MAX_PAGES:,} are read. Split it.")
    characters = 0
    for index in range(count):
        page = pdfium.FPDF_LoadPage(document, index)
        if not page:
            raise UnreadableDocument(
                f"“{filename}” is damaged: its page {index + 1} cannot be read. Save or download it again."
            )
        try:
            read = _read_page(page)
        finally:
            pdfium.FPDF_ClosePage(page)
        characters += sum(len(line.text) for line in read.lines)
        if characters > MAX_TEXT_CHARS:
            raise TooLarge(f"“{filename}” holds more than {MAX_TEXT_CHARS:,} characters of text. Split it.")
        yield read


def _read_page(page: _Page) -> PrintedPage:
    text_page = pdfium.FPDFText_LoadPage(page)
    try:
        lines = tuple(_read_lines(page, text_page))
    finally:
        pdfium.FPDFText_ClosePage(text_page)
    return PrintedPage(pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page), lines)


def _read_lines(page: _Page, text_page: ctypes.c_void_p) -> Iterator[PrintedLine]:
    """PDFium parts lines by CR LF and counts in UTF-16."""
    position = 0
    for raw in _text(text_page).split("\r\n"):
        text = raw.strip()
        if text:
            first = position + _utf16_length(raw[: raw.index(text)])
            last = first + _utf16_length(text[:-1])
            yield _line(page, text_page, text.translate(_HYPHENS), first, last)
        position += _utf16_length(raw) + 2


def _text(text_page: ctypes.c_void_p) -> str:
    count = pdfium.FPDFText_CountChars(text_page)
    if count <= 0:
        return ""
    # A character outside the basic plane takes two places.
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    written = pdfium.FPDFText_GetText(text_page, 0, 2 * count, buffer)
    return bytes(buffer)[: 2 * max(0, written - 1)].decode("utf-16-le", errors="replace")


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", errors="replace")) // 2


def _line(page: _Page, text_page: ctypes.c_void_p, text: str, first: int, last: int) -> PrintedLine:
    begin, end = _box(page, text_page, first), _box(page, text_page, last)
    left, right = min(begin[0], end[0]), max(begin[2], end[2])
    top, bottom = min(begin[1], end[1]), max(begin[3], end[3])
    return PrintedLine(text, left, right, top, bottom, begin[3] - begin[1])


def _box(page: _Page, text_page: ctypes.c_void_p, text_index: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a character as the page is shown, whichever way it was turned."""
    index = pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, text_index)
    box = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(text_page, index, box)
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    xs, ys = [], []
    for x, y in ((box.left, box.top), (box.right, box.bottom)):
        across, down = ctypes.c_int(), ctypes.c_int()
        size = (int(width * _PIXELS), int(height * _PIXELS))
        pdfium.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, across, down)
        xs.append(across.value / _PIXELS)
        ys.append(down.value / _PIXELS)
    return min(xs), min(ys), max(xs), max(ys)
