"""The outline of an official document: its numbered places, at line start and inside paragraphs, as a tree.

Knows 编 章 节 条, 「一、」「（一）」「1.」「（1）」「①」, the spoken lists 「一是」「一要」「第一，」, and the agenda of a
meeting, 「下面，进行第二项议程。」.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from embeddings.splitting import find_lead_in
from embeddings.types import Heading, Span

_NUMERAL = "[一二三四五六七八九十百零〇两]{1,5}"
_BOTH = {
    "（一）": re.compile(rf"[（(]({_NUMERAL})[）)]"),
    "（1）": re.compile(r"[（(](\d{1,2})[）)]"),
    "①": re.compile(r"([①-⑳])"),
    "一是": re.compile(rf"({_NUMERAL})是(?!否|非)"),
    "一要": re.compile(rf"({_NUMERAL})要(?!素|件|点)"),
    "第一，": re.compile(rf"第({_NUMERAL})[，,、]"),
    "议程": re.compile(
        rf"(?:[\u4e00-\u9fff]{{0,4}}[，,])?[\u4e00-\u9fff]{{0,6}}第({_NUMERAL})(?:项|个)(?:议程|议题)"
    ),
}
_LINE_START = {
    "编": re.compile(rf"第({_NUMERAL}|\d+)(?:编|分编|篇|部分)(?=\s|$|[：:、])"),
    "章": re.compile(rf"第({_NUMERAL}|\d+)章"),
    "节": re.compile(rf"第({_NUMERAL}|\d+)节"),
    "条": re.compile(rf"第({_NUMERAL}|\d+)条(?:之{_NUMERAL})?(?=\s|$|[：:【（(])"),
    "一、": re.compile(rf"({_NUMERAL})、"),
    "1.": re.compile(r"(\d{1,2})(?:[.．](?!\d)|、)"),
    "1)": re.compile(r"(\d{1,2})[)）]"),
    **_BOTH,
}
# From the outermost in.
LAW_KINDS = ("编", "章", "节", "条")
# Lists that mean something only when they go on: 「一要」 may also just begin a sentence.
_SPOKEN = frozenset({"一是", "一要", "第一，", "议程"})
# What is said after an agenda belongs to none of it.
_AFTER_AGENDA = re.compile(rf"(?:刚才|以上|至此)|(?:{_NUMERAL})、|[（(]{_NUMERAL}[）)]")
_BOUNDARY = re.compile(r"[。；;：:！!？?]”?\s*")
_LABEL_END = re.compile(r"[。；;：:！!？?]")
_MAX_LABEL_CHARS = 60
_ENDING = re.compile(r"(?:同志们|总之|最后|各位代表|特此|此致|以上|今天的会议|会议到此|我就讲|谢谢)")
_DIGITS = {numeral: value for value, numeral in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}


@dataclass(frozen=True, slots=True)
class _Place:
    """A marker found: what kind of list, its number, and whether it stands inside a line."""

    span: Span
    kind: str
    number: int
    is_inline: bool


@dataclass(slots=True)
class _Open:
    """A place whose extent is not known yet. `list_start` is where its list began."""

    place: _Place
    heading: int
    list_start: int


def read_outline(text: str, lines: Sequence[Span]) -> tuple[Heading, ...]:
    """The headings in `lines` (the content of the document, no blank ones), in order of position."""
    return _Walk(text).over(lines)


def is_ending(text: str, line: Span) -> bool:
    """Whether a line takes leave (「同志们，…」「总之，…」「特此通知」) and so belongs to no numbered place."""
    return _ENDING.match(text, line.start, line.end) is not None


def kind_of_list(text: str, heading: Heading) -> str:
    """The kind of list that a heading of `read_outline` belongs to, named by what its first place looks like."""
    place = _match_place(text, heading.span, _LINE_START, is_inline=False)
    return place.kind if place else ""


def parse_numeral(numeral: str) -> int:
    """「二十三」, 「二三」, 「23」 or 「㉓」-like to a number."""
    if numeral.isdecimal():
        return int(numeral)
    if "①" <= numeral <= "⑳":
        return ord(numeral) - ord("①") + 1
    if not any(unit in numeral for unit in "十百"):
        return int("".join(str(_DIGITS[character]) for character in numeral))
    total, digit = 0, 0
    for character in numeral:
        if character in "十百":
            total += max(1, digit) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[character]
    return total + digit


class _Walk:
    """One pass over the lines with a stack of open places."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._headings: list[Heading] = []
        self._stack: list[_Open] = []
        self._opened_in_line: set[tuple[str, int]] = set()

    def over(self, lines: Sequence[Span]) -> tuple[Heading, ...]:
        places = [_find_places(self._text, line) for line in lines]
        spoken = [place for line in places for place in line if place.kind in _SPOKEN]
        for line, found in zip(lines, places, strict=True):
            if is_ending(self._text, line):
                self._close(0, line.start)
            self._close_agenda(line)
            self._walk_line(line, [place for place in found if _goes_on(place, found, spoken)])
        self._close(0, lines[-1].end if lines else 0)
        return tuple(self._headings)

    def _walk_line(self, line: Span, places: list[_Place]) -> None:
        self._opened_in_line = set()
        lead_ins = _find_lead_ins(self._text, line)
        by_position = dict.fromkeys(lead_ins) | {place.span.start: place for place in places}
        for position, place in sorted(by_position.items(), key=lambda entry: entry[0]):
            if place is None:
                self._close_lists_under_lead_in(position, lead_ins)
            elif self._belongs(place, line):
                self._open(place, line)
        self._close(self._first_inline(), line.end)

    def _belongs(self, place: _Place, line: Span) -> bool:
        """A place inside a line opens a list or goes on with one of that line."""
        if not place.is_inline or place.number == 1 or place.span.start == line.start:
            return True
        return (place.kind, place.number - 1) in self._opened_in_line

    def _open(self, place: _Place, line: Span) -> None:
        depth = self._depth_of(place)
        list_start = self._stack[depth].list_start if depth < len(self._stack) else place.span.start
        self._close(depth, place.span.start)
        parent = self._stack[-1].heading if self._stack else None
        label = _label(self._text, place, line)
        self._headings.append(
            Heading(label, Span(place.span.start, line.end), depth + 1, place.number, parent)
        )
        self._stack.append(_Open(place, len(self._headings) - 1, list_start))
        if place.is_inline:
            self._opened_in_line.add((place.kind, place.number))

    def _depth_of(self, place: _Place) -> int:
        """Where `place` stands: beside the open place of its kind, else under all that is open; of a law, under
        what is above it by its name."""
        if place.kind in LAW_KINDS:
            below = LAW_KINDS[LAW_KINDS.index(place.kind) :]
            above = (
                kind not in below and kind in LAW_KINDS
                for kind in (entry.place.kind for entry in self._stack)
            )
            return next((depth for depth, is_above in enumerate(above) if not is_above), len(self._stack))
        for depth, entry in enumerate(self._stack):
            if (entry.place.kind, entry.place.is_inline) == (place.kind, place.is_inline):
                return depth
        return len(self._stack)

    def _close(self, depth: int, end: int) -> None:
        while len(self._stack) > depth:
            closed = self._stack.pop().heading
            heading = self._headings[closed]
            self._headings[closed] = replace(heading, extent=Span(heading.extent.start, end))

    def _close_agenda(self, line: Span) -> None:
        if _AFTER_AGENDA.match(self._text, line.start, line.end):
            agenda = (depth for depth, entry in enumerate(self._stack) if entry.place.kind == "议程")
            self._close(next(agenda, len(self._stack)), line.start)

    def _close_lists_under_lead_in(self, position: int, lead_ins: list[int]) -> None:
        """「消防方面。一是…三是…油气方面。」: the second topic ends the list that the first one opened."""
        for depth, entry in enumerate(self._stack):
            if entry.place.is_inline and any(start < entry.list_start for start in lead_ins):
                self._close(depth, position)
                return

    def _first_inline(self) -> int:
        inline = (depth for depth, entry in enumerate(self._stack) if entry.place.is_inline)
        return next(inline, len(self._stack))


def _find_places(text: str, line: Span) -> list[_Place]:
    inline: list[_Place] = []
    for boundary in _BOUNDARY.finditer(text, line.start, line.end):
        if found := _match_place(text, Span(boundary.end(), line.end), _BOTH, is_inline=True):
            inline.append(found)
    first = _match_place(text, line, _LINE_START, is_inline=False)
    if first is None:
        return inline
    follower = next((place for place in inline if place.kind == first.kind), None)
    if follower and follower.number == first.number + 1:
        first = replace(first, is_inline=True)
    return [first, *inline]


def _match_place(
    text: str, span: Span, patterns: dict[str, re.Pattern[str]], *, is_inline: bool
) -> _Place | None:
    for kind, pattern in patterns.items():
        if match := pattern.match(text, span.start, span.end):
            return _Place(Span(*match.span()), kind, parse_numeral(match[1]), is_inline)
    return None


def _goes_on(place: _Place, of_line: Sequence[_Place], of_document: Sequence[_Place]) -> bool:
    """Whether the next of a list comes after it or the one before it before: in its line, if it stands inside one."""
    if place.kind not in _SPOKEN and not place.is_inline:
        return True
    steps = {
        other.number - place.number
        for other in (of_line if place.is_inline else of_document)
        if other.kind == place.kind and (other.number > place.number) == (other.span.start > place.span.start)
    }
    return bool(steps & {1, -1})


def _find_lead_ins(text: str, line: Span) -> list[int]:
    starts = [line.start, *(match.end() for match in _BOUNDARY.finditer(text, line.start, line.end))]
    return [start for start in starts if find_lead_in(text, start, line.end)]


def _label(text: str, place: _Place, line: Span) -> Span:
    """What is shown of a place: its first sentence, or the bare marker of an article."""
    if place.kind == "条":
        return place.span
    stop = _LABEL_END.search(text, place.span.end, line.end)
    if place.kind == "议程" and stop:
        stop = _LABEL_END.search(text, stop.end(), line.end) or stop
    end = stop.start() if stop else line.end
    if end - place.span.start > _MAX_LABEL_CHARS:
        comma = re.compile("[，,]").search(text, place.span.end + 4, place.span.start + _MAX_LABEL_CHARS)
        end = comma.start() if comma else place.span.start + _MAX_LABEL_CHARS
    return Span(place.span.start, end)
