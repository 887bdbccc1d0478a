"""Lines printed on pages, joined into paragraphs; running heads, feet and page numbers told from the text.

For formats that know where ink goes and not what it means: pdf and OFD.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from embeddings.chrome import CONTENTS, PAGE_FOOTER, PAGE_HEADER, PAGE_NUMBER
from embeddings.readers.extract import Extract, Lines


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """A line and its box, in any unit, y growing downwards. `size` is the height of its characters."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float


@dataclass(frozen=True, slots=True)
class PrintedPage:
    """`lines` in the order they are read in."""

    width: float
    height: float
    lines: tuple[PrintedLine, ...]


# Shares of a page's height in which its head and foot stand.
_HEAD, _FOOT = 0.1, 0.88
_MAX_RUNNING_LINES = 3
_PAGE_NUMBER = re.compile(
    r"[—–\-－―~·•|.\s]*(?:\d{1,4}|[ivxlc]{1,6})(?:\s*/\s*\d{1,4})?[—–\-－―~·•|.\s]*"
    r"|第\s*[\d一二三四五六七八九十]+\s*页(?:\s*[,，/（(]?\s*共\s*[\d一二三四五六七八九十]+\s*页\s*[）)]?)?"
    r"|Page\s*\d+(?:\s*of\s*\d+)?",
    re.IGNORECASE,
)
_CONTENTS = re.compile(r".{2,80}?(?:[.．…·⋯‥]\s?){4,}\s*\d{1,4}")
_DIGITS = re.compile(r"\d+")
_ENDS_SENTENCE = re.compile(r"[。！？!?；;：:][”’」』）)]*$")
_BEGINS_PLACE = re.compile(
    r"第[一二三四五六七八九十百零〇\d]+[编章节条款]|[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十\d]{1,3}[）)]"
    r"|\d{1,2}[.．、](?!\d)|[①-⑳]|附件?\d*[：:]|抄送[：:]"
)
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60\u3000-\u303f“”‘’—…]")
# Room that a printer leaves between Chinese and Latin, and between characters that are spread over a line.
_HAN = "\u2e80-\u9fff\u3000-\u303f\uff00-\uff60"
_THIN_SPACE = re.compile(rf"(?<=[{_HAN}“”]) (?=[0-9A-Za-z])|(?<=[0-9A-Za-z%]) (?=[{_HAN}“”])")
_SPREAD = re.compile(rf"(?<=[{_HAN}]) (?=[{_HAN}])")
_MIN_SPREAD = 4
# In heights of characters: an indented line begins a paragraph, a short one ends it.
_INDENT, _SHORT = 1.0, 2.0
# Lines narrower than this share of the page do not show where its margin is.
_MIN_COLUMN = 0.35
_GAP, _SAME_SIZE, _LARGE = 1.6, 0.15, 1.15


@dataclass(slots=True)
class _Block:
    """A paragraph or a running line, and the page (from 0) that it begins on."""

    page: int
    lines: list[PrintedLine]
    reason: str | None = None

    @property
    def text(self) -> str:
        text = ""
        for line in self.lines:
            is_latin = text and not _WIDE.match(text[-1]) and not _WIDE.match(line.text)
            text += (" " if is_latin else "") + _without_printed_space(line.text)
        return text


def _without_printed_space(text: str) -> str:
    spaces = len(_SPREAD.findall(text))
    if spaces >= _MIN_SPREAD and spaces > len(_WIDE.findall(text)) / 2:
        text = _SPREAD.sub("", text)
    return _THIN_SPACE.sub("", text)


def lay_out(pages: Sequence[PrintedPage], *, encoding: str, filename: str) -> Extract:
    """The text of printed pages, a paragraph a line. A paragraph that goes on over a page stands on its first."""
    pages = [PrintedPage(page.width, page.height, _join_rows(page.lines)) for page in pages]
    lines = Lines(filename=filename)
    begun = 0
    for block in _blocks(pages, _find_running(pages)):
        while begun <= block.page:
            lines.begin_page()
            begun += 1
        lines.add(block.text, reason=block.reason)
    return lines.extract(encoding=encoding)


def _join_rows(lines: Sequence[PrintedLine]) -> tuple[PrintedLine, ...]:
    """What stands beside each other at one height is one line, parted by a tab where there is room between."""
    joined: list[PrintedLine] = []
    for line in lines:
        last = joined[-1] if joined else None
        if last is None or not _is_beside(last, line):
            joined.append(line)
            continue
        gap = "\t" if line.left - last.right > last.size else ""
        top, bottom = min(last.top, line.top), max(last.bottom, line.bottom)
        size = max(last.size, line.size)
        joined[-1] = PrintedLine(last.text + gap + line.text, last.left, line.right, top, bottom, size)
    return tuple(joined)


def _is_beside(last: PrintedLine, line: PrintedLine) -> bool:
    shared = min(last.bottom, line.bottom) - max(last.top, line.top)
    height = min(last.bottom - last.top, line.bottom - line.top)
    return shared > 0.6 * height and line.left >= last.right - 0.3 * last.size


def _find_running(pages: Sequence[PrintedPage]) -> dict[tuple[int, int], str]:
    """Page and line of what is printed on every page: numbers, and what stands again at the head or foot."""
    places = [
        (page, line, zone) for page, content in enumerate(pages) for line, zone in _at_the_edges(content)
    ]
    plain = {(page, line): _plain(pages[page].lines[line].text) for page, line, _ in places}
    times = Counter((zone, plain[page, line]) for page, line, zone in places)
    running = {}
    for page, line, zone in places:
        if _PAGE_NUMBER.fullmatch(pages[page].lines[line].text.strip()):
            running[page, line] = PAGE_NUMBER
        elif times[zone, plain[page, line]] > 1:
            running[page, line] = zone
    return running


def _at_the_edges(page: PrintedPage) -> Iterator[tuple[int, str]]:
    """The outermost lines of a page that stand in its head or foot."""
    by_height = sorted(range(len(page.lines)), key=lambda index: page.lines[index].top)
    for index in by_height[:_MAX_RUNNING_LINES]:
        if page.lines[index].bottom < _HEAD * page.height:
            yield index, PAGE_HEADER
    for index in by_height[-_MAX_RUNNING_LINES:]:
        if page.lines[index].top > _FOOT * page.height:
            yield index, PAGE_FOOTER


def _plain(text: str) -> str:
    return _DIGITS.sub("#", "".join(text.split()))


def _blocks(pages: Sequence[PrintedPage], running: dict[tuple[int, int], str]) -> Iterator[_Block]:
    geometry = _Geometry(pages)
    paragraph: _Block | None = None
    # The foot of one page and the head of the next may stand inside a paragraph: they come after it.
    waiting: list[_Block] = []
    for number, page in enumerate(pages):
        is_first_of_page = True
        for index, line in enumerate(page.lines):
            if reason := running.get((number, index)):
                waiting.append(_Block(number, [line], reason))
                continue
            if paragraph and geometry.goes_on(paragraph.lines, line, number, is_new_page=is_first_of_page):
                paragraph.lines.append(line)
            else:
                yield from [paragraph, *waiting] if paragraph else waiting
                waiting = []
                paragraph = _Block(number, [line], CONTENTS if _CONTENTS.fullmatch(line.text) else None)
            is_first_of_page = False
    yield from [paragraph, *waiting] if paragraph else waiting


class _Geometry:
    """The measures of a document's text: its margins on left and right pages, its size and its pitch."""

    def __init__(self, pages: Sequence[PrintedPage]) -> None:
        lines = [line for page in pages for line in page.lines]
        steps = [
            below.top - above.top
            for page in pages
            for above, below in zip(page.lines, page.lines[1:], strict=False)
            if below.top > above.bottom - above.size / 2
        ]
        self._size = median([line.size for line in lines] or [1.0])
        self._pitch = median(steps or [self._size * 1.5])
        widest = max([line.right - line.left for line in lines] or [0.0])
        self._margins = [_margins(pages[side::2], widest) for side in (0, 1)]

    def goes_on(
        self, paragraph: Sequence[PrintedLine], line: PrintedLine, page: int, *, is_new_page: bool
    ) -> bool:
        """Whether `line` belongs to the paragraph before it."""
        last = paragraph[-1]
        if _CONTENTS.fullmatch(last.text) or _CONTENTS.fullmatch(line.text):
            return False
        if abs(last.size - line.size) > _SAME_SIZE * self._size:
            return False
        if not is_new_page and line.top - last.top > _GAP * self._pitch:
            return False
        last_page = page - 1 if is_new_page else page
        last_is_centred, is_centred = self._is_centred(last, last_page), self._is_centred(line, page)
        if last_is_centred or is_centred:
            is_title = min(last.size, line.size) > _LARGE * self._size
            return last_is_centred and is_centred and is_title and not _ENDS_SENTENCE.search(last.text)
        return self._fills(last, last_page) and not self._begins(paragraph, line, page)

    def _fills(self, line: PrintedLine, page: int) -> bool:
        return self._margins[page % 2][1] - line.right <= _SHORT * line.size

    def _begins(self, paragraph: Sequence[PrintedLine], line: PrintedLine, page: int) -> bool:
        last = paragraph[-1]
        is_ended = _ENDS_SENTENCE.search(last.text) is not None
        if is_ended and _BEGINS_PLACE.match(line.text):
            return True
        if line.left - self._margins[page % 2][0] <= _INDENT * line.size:
            return False
        # All of a paragraph may be indented, then its lines begin at one place.
        is_block = abs(last.left - line.left) < _INDENT * line.size / 2
        return not is_block or (len(paragraph) == 1 and is_ended)

    def _is_centred(self, line: PrintedLine, page: int) -> bool:
        left, right = self._margins[page % 2]
        before, after = line.left - left, right - line.right
        return min(before, after) > 1.5 * line.size and abs(before - after) < 2 * line.size


def _margins(pages: Sequence[PrintedPage], widest: float) -> tuple[float, float]:
    """Where lines begin and end, from those that are more than half as wide as the widest."""
    long = [line for page in pages for line in page.lines if line.right - line.left > widest / 2]
    if not long:
        return 0.0, float("inf")
    lefts, rights = sorted(line.left for line in long), sorted(line.right for line in long)
    left, right = lefts[len(lefts) // 20], rights[len(rights) - 1 - len(rights) // 20]
    width = median(page.width for page in pages)
    return left, right if right - left > _MIN_COLUMN * width else max(right, width - left)
