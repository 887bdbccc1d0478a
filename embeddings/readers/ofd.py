"""OFD (GB/T 33190-2016): text objects of each page by their position, lines joined into paragraphs.

A page is a tree of layers and blocks (7.7); a text object (11.1) has a boundary, perhaps a transformation, and
text codes (11.3) with the place of their first character and the steps to the others, in millimetres, y downwards.
"""

import posixpath
from collections.abc import Iterator

from embeddings.errors import EmptyText, TooLarge, UnreadableDocument
from embeddings.readers.extract import MAX_TEXT_CHARS, Extract
from embeddings.readers.package import Package
from embeddings.readers.paragraphs import PrintedLine, PrintedPage, lay_out
from embeddings.readers.xml import Element, attribute, child, local_name, parse

_MAX_PAGES = 10_000
_A4 = (210.0, 297.0)
_ASCENT = 0.86
# In sizes of a character: from such a step on, something stands between two characters that is not shown.
_WIDE_STEP = 1.9
_LATIN_WIDTH = 0.5
# Of a line's height, by how much the pieces of one line may differ.
_SAME_LINE = 0.5
_Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def extract_ofd(data: bytes, *, filename: str) -> Extract:
    """Raises: UnreadableDocument, EmptyText, TooLarge."""
    file = _File(Package(data, filename=filename), filename)
    pages = list(file.pages())
    if not any(page.lines for page in pages):
        raise EmptyText(
            f"“{filename}” holds pictures of pages and no text: it is scanned. Recognise its text (OCR) and add the result."
        )
    return lay_out(pages, encoding="ofd", filename=filename)


class _File:
    """Parts refer to each other by paths, from the root or from where they stand."""

    def __init__(self, package: Package, filename: str) -> None:
        self._package = package
        self._filename = filename
        self._templates: dict[str, tuple[PrintedLine, ...]] = {}
        self._characters = 0

    def pages(self) -> Iterator[PrintedPage]:
        root = self._part("OFD.xml")
        if child(root, "Encryptions") is not None or "Encryptions.xml" in self._package:
            raise UnreadableDocument(
                f"“{self._filename}” is encrypted. Remove the protection and add it again."
            )
        count = 0
        for body in _children(root, "DocBody"):
            path = _resolve("", _text(child(body, "DocRoot")))
            document = self._part(path)
            common = child(document, "CommonData")
            self._templates = dict(self._read_templates(common, path))
            for page in _children(child(document, "Pages"), "Page"):
                count += 1
                if count > _MAX_PAGES:
                    raise TooLarge(f"“{self._filename}” has more than {_MAX_PAGES:,} pages. Split it.")
                yield self._read_page(_resolve(path, attribute(page, "BaseLoc") or ""), common)

    def _read_templates(
        self, common: Element | None, path: str
    ) -> Iterator[tuple[str, tuple[PrintedLine, ...]]]:
        for template in _children(common, "TemplatePage"):
            content = self._part(_resolve(path, attribute(template, "BaseLoc") or ""))
            yield attribute(template, "ID") or "", tuple(_pieces(content))

    def _read_page(self, path: str, common: Element | None) -> PrintedPage:
        page = self._part(path)
        pieces = list(_pieces(page))
        for used in _children(page, "Template"):
            pieces += self._templates.get(attribute(used, "TemplateID") or "", ())
        self._characters += sum(len(piece.text) for piece in pieces)
        if self._characters > MAX_TEXT_CHARS:
            raise TooLarge(
                f"“{self._filename}” holds more than {MAX_TEXT_CHARS:,} characters of text. Split it."
            )
        area = child(page, "Area")
        box = _box(area) or _box(child(common, "PageArea")) or [0.0, 0.0, *_A4]
        return PrintedPage(box[2], box[3], tuple(_in_reading_order(pieces)))

    def _part(self, path: str) -> Element:
        return parse(self._package.read(path), filename=self._filename)


def _resolve(of: str, location: str) -> str:
    """ST_Loc (6.3): from the root if it begins with a slash, else from the folder of the part `of`."""
    folder = "" if location.startswith("/") else posixpath.dirname(of)
    return posixpath.normpath(posixpath.join("/", folder, location.lstrip("/"))).lstrip("/")


def _children(parent: Element | None, name: str) -> Iterator[Element]:
    """Descendants called `name`: lists are wrapped by some producers and not by others."""
    if parent is not None:
        yield from (one for one in parent.iter() if local_name(one) == name)


def _text(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _box(area: Element | None) -> list[float] | None:
    box = _numbers(_text(child(area, "PhysicalBox")))
    return box if len(box) == 4 and box[3] > 0 else None


def _numbers(text: str | None) -> list[float]:
    """ST_Array; what is no number ends it."""
    found = []
    for part in (text or "").split():
        try:
            found.append(float(part))
        except ValueError:
            break
    return found


def _pieces(page: Element) -> Iterator[PrintedLine]:
    for text_object in _children(page, "TextObject"):
        if attribute(text_object, "Visible") == "false":
            continue
        boundary = _numbers(attribute(text_object, "Boundary"))
        if len(boundary) < 2:
            continue
        matrix = _matrix(_numbers(attribute(text_object, "CTM")))
        size = (_numbers(attribute(text_object, "Size")) or [0.0])[0] or 4.0
        x, y = 0.0, 0.0
        for code in _children(text_object, "TextCode"):
            # A text code without a place stands where the one before it did (11.3).
            x = (_numbers(attribute(code, "X")) or [x])[0]
            y = (_numbers(attribute(code, "Y")) or [y])[0]
            if piece := _piece(code, (boundary[0], boundary[1]), matrix, (x, y), size):
                yield piece


def _matrix(numbers: list[float]) -> _Matrix:
    if len(numbers) != 6:
        return _IDENTITY
    a, b, c, d, e, f = numbers
    return a, b, c, d, e, f


def _piece(
    code: Element, origin: tuple[float, float], matrix: _Matrix, place: tuple[float, float], size: float
) -> PrintedLine | None:
    raw = code.text or ""
    steps = _steps(attribute(code, "DeltaX"), len(raw))
    text = _spaced(raw, steps, size)
    if not text.strip():
        return None
    a, b, c, d, e, f = matrix
    scale = (abs(a * d - b * c)) ** 0.5 or 1.0
    left = origin[0] + a * place[0] + c * place[1] + e
    baseline = origin[1] + b * place[0] + d * place[1] + f
    width = sum(steps) + size * _width(raw[-1]) if steps else size * sum(_width(one) for one in raw)
    height = size * scale
    top = baseline - _ASCENT * height
    return PrintedLine(text, left, left + width * scale, top, top + height, height)


def _steps(delta: str | None, length: int) -> list[float]:
    """DeltaX: steps, of which 「g n d」 repeats d n times (6.3, ST_Array with g)."""
    parts = (delta or "").split()
    steps: list[float] = []
    at = 0
    while at < len(parts) and len(steps) < length - 1:
        if parts[at] == "g" and at + 2 < len(parts) and parts[at + 1].isdecimal():
            steps += _numbers(parts[at + 2]) * min(int(parts[at + 1][:6]), length)
            at += 3
        else:
            steps += _numbers(parts[at])
            at += 1
    return steps[: max(0, length - 1)]


def _spaced(raw: str, steps: list[float], size: float) -> str:
    """The text, with a blank where characters stand far apart."""
    parts = []
    for index, character in enumerate(raw):
        parts.append(character)
        if index < len(steps) and steps[index] > _WIDE_STEP * size and not character.isspace():
            parts.append(" ")
    return "".join(parts)


def _width(character: str) -> float:
    return _LATIN_WIDTH if character.isascii() else 1.0


def _in_reading_order(pieces: list[PrintedLine]) -> Iterator[PrintedLine]:
    """From top to bottom, and from left to right what stands at one height."""
    line: list[PrintedLine] = []
    for piece in sorted(pieces, key=lambda piece: piece.bottom):
        if line and piece.bottom - line[0].bottom > _SAME_LINE * min(piece.size, line[0].size):
            yield from sorted(line, key=lambda one: one.left)
            line = []
        line.append(piece)
    yield from sorted(line, key=lambda one: one.left)
