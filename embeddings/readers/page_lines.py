"""A web page as the lines that a browser shows, each with where it stands."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from embeddings.readers.numerals import write_numeral
from embeddings.readers.xml import Element

_UNSEEN = frozenset(
    {
        "head", "script", "style", "noscript", "template", "svg", "iframe", "object", "embed", "canvas", "audio",
        "video", "select", "datalist", "textarea", "button", "rt", "rp", "map", "area", "title",
    }
)  # fmt: skip
_INLINE = frozenset(
    {
        "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "img", "input", "ins",
        "kbd", "label", "mark", "nobr", "o:p", "p:p", "q", "ruby", "rb", "s", "samp", "small", "span", "strike",
        "strong", "sub", "sup", "time", "tt", "u", "ucapcontent", "ucaptitle", "var", "wbr",
    }
)  # fmt: skip
_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HAN = "\u2e80-\u9fff\u3000-\u303f\uff00-\uffef“”‘’"
# Where the source of a page was wrapped, nothing stands between Chinese characters.
_WRAP = re.compile(rf"(?<=[{_HAN}])[ \t\r]*\n\s*(?=[{_HAN}])")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_MAX_CELL_CHARS = 500
_LIST_STYLE = re.compile(r"list-style(?:-type)?\s*:\s*([\w-]+)", re.IGNORECASE)
_LIST_FORMATS = {
    "a": ("lowerLetter", "."),
    "A": ("upperLetter", "."),
    "i": ("lowerRoman", "."),
    "I": ("upperRoman", "."),
    "cjk-ideographic": ("chineseCounting", "、"),
    "simp-chinese-informal": ("chineseCounting", "、"),
}
_NUMBERED = re.compile(
    r"[（(]?[\d一二三四五六七八九十①-⑳a-zA-Z]{1,3}[）)、.．:：]|第[\d一二三四五六七八九十百]+[编章节条款]|[①-⑳]"
)


@dataclass(frozen=True, slots=True)
class PageLine:
    """`block` is the innermost block that it stands in; `link_chars` of its characters are links."""

    text: str
    link_chars: int
    block: Element
    is_heading: bool


@dataclass(frozen=True, slots=True)
class WebPage:
    title: str
    lines: tuple[PageLine, ...]


@dataclass(slots=True)
class _Growing:
    """The line that is being read."""

    parts: list[str] = field(default_factory=list)
    link_chars: int = 0


def read_page_lines(root: Element) -> WebPage:
    """The lines of a page in order."""
    title = root.findtext(".//title") or ""
    return WebPage(" ".join(title.split()), tuple(_Walk(root).lines()))


class _Walk:
    """One pass over the elements; not recursive, for pages are nested deeply."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._blocks: list[Element] = [root]
        self._line = _Growing()
        self._links = 0
        self._items: Counter[Element] = Counter()

    def lines(self) -> Iterator[PageLine]:
        walker = etree.iterwalk(self._root, events=("start", "end"))
        for event, element in walker:
            tag = _tag(element)
            if event == "end":
                yield from self._leave(element, tag)
            elif _is_unseen(element, tag) or (tag == "table" and _is_data(element)):
                yield from self._end_line() if tag not in _INLINE else ()
                if tag == "table":
                    yield from _rows(element)
                walker.skip_subtree()
            else:
                yield from self._enter(element, tag)
        yield from self._end_line()

    def _enter(self, element: Element, tag: str) -> Iterator[PageLine]:
        if tag not in _INLINE:
            yield from self._end_line()
        if tag == "a":
            self._links += 1
        elif tag not in _INLINE and tag != "br":
            self._blocks.append(element)
        if tag == "li":
            self._line.parts.append(self._number(element))
        yield from self._add(element.text or "")

    def _leave(self, element: Element, tag: str) -> Iterator[PageLine]:
        if self._blocks[-1] is element and element is not self._root:
            yield from self._end_line()
            self._blocks.pop()
        elif tag == "a":
            self._links = max(0, self._links - 1)
        if element is not self._root:
            yield from self._add(element.tail or "")

    def _add(self, text: str) -> Iterator[PageLine]:
        if self._blocks[-1].tag == "pre" and "\n" in text:
            *whole, text = text.split("\n")
            for line in whole:
                self._line.parts.append(line)
                yield from self._end_line()
        self._line.parts.append(text)
        if self._links:
            self._line.link_chars += len("".join(text.split()))

    def _number(self, item: Element) -> str:
        """What a browser writes before an item of an ordered list, unless its text brings a number."""
        above = item.getparent()
        if above is None or above.tag != "ol":
            return ""
        self._items[above] += 1
        style = _LIST_STYLE.search(above.get("style") or "")
        name = style[1] if style else above.get("type") or ""
        if name == "none" or _NUMBERED.match(_text(item).strip()):
            return ""
        number_format, closing = _LIST_FORMATS.get(name, ("decimal", "."))
        number = _whole(above.get("start")) + self._items[above] - 1
        return write_numeral(number, number_format) + closing + ("" if closing == "、" else " ")

    def _end_line(self) -> Iterator[PageLine]:
        text = _plain("".join(self._line.parts))
        if text and not _is_bare_number(self._line.parts, text):
            is_heading = any(block.tag in _HEADINGS for block in self._blocks[-3:])
            yield PageLine(text, self._line.link_chars, self._blocks[-1], is_heading)
        self._line = _Growing()


def _tag(element: Element) -> str:
    return element.tag.lower() if isinstance(element.tag, str) else ""


def _plain(text: str) -> str:
    return _SPACE.sub(" ", _WRAP.sub("", text)).strip()


def _is_bare_number(parts: list[str], text: str) -> bool:
    return text == parts[0].strip() and len(text) < 4 and not "".join(parts[1:]).strip() and len(parts) > 1


def _is_unseen(element: Element, tag: str) -> bool:
    is_hidden = element.get("hidden") is not None or _HIDDEN.search(element.get("style") or "")
    return tag in _UNSEEN or bool(is_hidden)


def _is_data(table: Element) -> bool:
    """Whether a table holds data, and is not what older pages are laid out with."""
    if next(table.iterdescendants("table", "form", "h1", "h2"), None) is not None:
        return False
    widths = [len(row.findall("td")) + len(row.findall("th")) for row in table.iter("tr")]
    if max(widths, default=0) < 2:
        return False
    return all(len(_cell_text(cell)) <= _MAX_CELL_CHARS for cell in table.iterdescendants("td", "th"))


def _rows(table: Element) -> Iterator[PageLine]:
    for row in table.iter("caption", "tr"):
        cells = [row] if row.tag == "caption" else [cell for cell in row if _tag(cell) in ("td", "th")]
        text = "\t".join(_cell_text(cell) for cell in cells).strip()
        links = sum(len("".join(_text(link).split())) for link in row.iter("a"))
        if text:
            yield PageLine(text, links, table, is_heading=False)


def _text(element: Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _cell_text(cell: Element) -> str:
    parts: list[str] = []
    walker = etree.iterwalk(cell, events=("start", "end"))
    for event, element in walker:
        tag = _tag(element)
        if event == "start":
            if _is_unseen(element, tag):
                walker.skip_subtree()
                continue
            parts.append("" if tag in _INLINE else " ")
            parts.append(element.text or "")
        elif element is not cell:
            parts.append("" if tag in _INLINE else " ")
            parts.append(element.tail or "")
    return _plain("".join(parts))


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else 1
