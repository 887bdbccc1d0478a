"""docx: paragraphs in order with the numbers that Word generates, tables as rows, notes and text boxes.

Deleted revisions and hidden text are left out, inserted ones kept; page headers and footers are no part of the
flow and left out. A footnote stands after the paragraph that refers to it.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from embeddings.chrome import CONTENTS
from embeddings.errors import EmptyText, UnsupportedFormat
from embeddings.readers.extract import Extract, Lines
from embeddings.readers.numbering import Numbering
from embeddings.readers.package import Package
from embeddings.readers.xml import Element, attribute, child, local_name, parse, value

# Not what the document says: what was deleted, moved away, commented on or is drawn.
_LEFT_OUT = frozenset(
    {
        "del",
        "moveFrom",
        "pPr",
        "rPr",
        "sdtPr",
        "sdtEndPr",
        "instrText",
        "delText",
        "delInstrText",
        "rt",
        "rubyPr",
    }
)
_DRAWINGS = frozenset({"drawing", "pict", "object"})
_CHARACTERS = {"tab": "\t", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
# The characters of Wingdings that forms are ticked with.
_SYMBOLS = {
    "F0A8": "□",
    "F06F": "□",
    "F0FE": "☑",
    "F052": "☑",
    "F0FD": "☒",
    "F053": "☒",
    "F0FC": "√",
    "F0FB": "×",
}
_RELATION_TYPES = ("officeDocument", "numbering", "styles", "footnotes", "endnotes")
_OFF = ("0", "false", "off")


def extract_docx(data: bytes, *, filename: str) -> Extract:
    """Raises: UnsupportedFormat, UnreadableDocument, EmptyText, TooLarge."""
    package = Package(data, filename=filename)
    parts = _Parts(package, filename)
    lines = Lines(filename=filename)
    reader = _Reader(parts, lines)
    reader.read_blocks(parts.body)
    extract = lines.extract(encoding="docx")
    if not extract.text:
        raise EmptyText(
            f"“{filename}” holds no text; if it is made of pictures, recognise their text (OCR) first."
        )
    return extract


class _Parts:
    """The parts of a docx that its text is made of."""

    def __init__(self, package: Package, filename: str) -> None:
        self._package = package
        self._filename = filename
        main = self._related("").get("officeDocument", "word/document.xml")
        root = parse(package.read(main), filename=filename)
        body = child(root, "body")
        if local_name(root) != "document" or body is None:
            raise UnsupportedFormat(
                f"“{filename}” is an Office file, but no Word document. Save it as docx or pdf."
            )
        self.body = body
        related = self._related(main)
        self.numbering = Numbering(self._part(related, "numbering"), styles := self._part(related, "styles"))
        self.contents_styles = _contents_styles(styles)
        self.notes = {kind: self._notes(related, f"{kind}s") for kind in ("footnote", "endnote")}

    def take_note(self, kind: str, key: str) -> list[Element]:
        """A note, the first time that it is asked for: one may refer to itself."""
        note = self.notes[kind].pop(key, None)
        return [] if note is None else [note]

    def _related(self, part: str) -> dict[str, str]:
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if path not in self._package:
            return {kind: posixpath.join(folder or "word", f"{kind}.xml") for kind in _RELATION_TYPES[1:]}
        related: dict[str, str] = {}
        for relation in parse(self._package.read(path), filename=self._filename):
            kind = (attribute(relation, "Type") or "").rpartition("/")[2]
            target = posixpath.normpath(posixpath.join("/", folder, attribute(relation, "Target") or ""))
            related.setdefault(kind, target.lstrip("/"))
        return related

    def _part(self, related: dict[str, str], kind: str) -> Element | None:
        name = related.get(kind, "")
        return parse(self._package.read(name), filename=self._filename) if name in self._package else None

    def _notes(self, related: dict[str, str], kind: str) -> dict[str, Element]:
        """Notes by their id; those with a type are the lines that separate notes from the text."""
        root = self._part(related, kind)
        notes = {} if root is None else {attribute(note, "id") or "": note for note in root}
        return {key: note for key, note in notes.items() if attribute(note, "type") in (None, "normal")}


def _contents_styles(styles: Element | None) -> set[str]:
    """The styles of a table of contents, whose names are 「toc 1」 in every language."""
    return {
        attribute(style, "styleId") or ""
        for style in (styles if styles is not None else ())
        if (value(style, "name") or "").lower().startswith("toc ")
    }


@dataclass(slots=True)
class _Paragraph:
    """A paragraph while it is read: its text so far, and what is to stand after it."""

    parts: list[str] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)
    notes: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)


class _Reader:
    def __init__(self, parts: _Parts, lines: Lines) -> None:
        self._parts = parts
        self._lines = lines
        # The text of a paragraph whose mark was deleted: it goes on in the next one.
        self._open: _Paragraph | None = None

    def read_blocks(self, parent: Element, *, reason: str | None = None) -> None:
        for element in _blocks(parent):
            if local_name(element) == "p":
                self._read_paragraph(element, reason)
            elif local_name(element) == "tbl":
                self._read_table(element)
            elif _is_contents(element):
                self.read_blocks(element, reason=CONTENTS)
            else:
                self.read_blocks(element, reason=reason)

    def _read_paragraph(self, element: Element, reason: str | None) -> None:
        properties = child(element, "pPr")
        is_mark_deleted = child(child(properties, "rPr"), "del") is not None
        paragraph = self._open or _Paragraph()
        text = _Paragraph()
        self._read_runs(element, text)
        if not paragraph.text.strip() and not (is_mark_deleted and not text.text.strip()):
            # Word counts an empty paragraph too.
            label = self._parts.numbering.label(properties)
            paragraph.parts += [label] if text.text.strip() else []
        paragraph.parts += text.parts
        paragraph.boxes += text.boxes
        paragraph.notes += text.notes
        self._open = paragraph if is_mark_deleted else None
        if is_mark_deleted:
            return
        if value(properties, "pStyle") in self._parts.contents_styles:
            reason = CONTENTS
        self._lines.add(paragraph.text, reason=reason)
        for box in (*paragraph.boxes, *paragraph.notes):
            self.read_blocks(box, reason=reason)

    def _read_runs(self, element: Element, into: _Paragraph) -> None:
        for part in element:
            name = local_name(part)
            if name == "t":
                into.parts.append(part.text or "")
            elif name in _LEFT_OUT or (name == "r" and _is_hidden(part)):
                continue
            elif name in _CHARACTERS:
                into.parts.append(_CHARACTERS[name])
            elif name == "br":
                into.parts.append("\n" if attribute(part, "type") in (None, "textWrapping") else "")
            elif name == "sym":
                into.parts.append(_SYMBOLS.get((attribute(part, "char") or "").upper(), ""))
            elif name in _DRAWINGS:
                into.boxes += _boxes(part)
            elif name in ("footnoteReference", "endnoteReference"):
                into.notes += self._parts.take_note(
                    name.removesuffix("Reference"), attribute(part, "id") or ""
                )
            elif name == "AlternateContent":
                self._read_runs(_alternative(part), into)
            else:
                self._read_runs(part, into)

    def _read_table(self, table: Element) -> None:
        """A row is a line, its cells are parted by tabs; a row of one cell is only a frame around paragraphs."""
        for row in _of_table(table, "tr"):
            if child(child(row, "trPr"), "del") is not None:
                continue
            cells = list(_of_table(row, "tc"))
            if len(cells) == 1:
                self.read_blocks(cells[0])
            else:
                self._lines.add("\t".join(self._cell_text(cell) for cell in cells))

    def _cell_text(self, cell: Element) -> str:
        lines = Lines(filename="")
        outer, self._lines, opened, self._open = self._lines, lines, self._open, None
        try:
            self.read_blocks(cell)
        finally:
            self._lines, self._open = outer, opened
        return " ".join(lines.extract(encoding="").text.split("\n")).strip()


def _blocks(parent: Element) -> Iterator[Element]:
    """The paragraphs, tables and content controls in `parent`, as deep as wrappers hold them."""
    for element in parent:
        name = local_name(element)
        if name in ("p", "tbl", "sdt"):
            yield element
        elif name == "AlternateContent":
            yield from _blocks(_alternative(element))
        elif name in ("sdtContent", "ins", "moveTo", "customXml", "smartTag", "body"):
            yield from _blocks(element)


def _of_table(parent: Element, name: str) -> Iterator[Element]:
    """Rows of a table or cells of a row, also those inside content controls."""
    for element in parent:
        if local_name(element) == name:
            yield element
        elif local_name(element) in ("sdt", "sdtContent", "ins", "customXml", "moveTo"):
            yield from _of_table(element, name)


def _boxes(drawing: Element) -> Iterator[Element]:
    """The text boxes in a drawing, each once: Word writes them twice, for itself and for older programs."""
    for element in drawing:
        name = local_name(element)
        if name == "txbxContent":
            yield element
        elif name == "AlternateContent":
            yield from _boxes(_alternative(element))
        else:
            yield from _boxes(element)


def _alternative(element: Element) -> Element:
    """What is read of mc:AlternateContent: the first choice, else the fallback."""
    choice = child(element, "Choice")
    fallback = child(element, "Fallback")
    if choice is not None:
        return choice
    return fallback if fallback is not None else element


def _is_contents(control: Element) -> bool:
    gallery = value(child(child(control, "sdtPr"), "docPartObj"), "docPartGallery")
    return gallery == "Table of Contents"


def _is_hidden(run: Element) -> bool:
    vanish = child(child(run, "rPr"), "vanish")
    return vanish is not None and attribute(vanish, "val") not in _OFF
