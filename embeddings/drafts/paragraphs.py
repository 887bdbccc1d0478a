"""The paragraphs of a draft: its lines, those that a fixed width has cut joined again."""

import re

from embeddings.splitting import strip_span
from embeddings.types import Span

_LINE = re.compile(r"[^\r\n\x0b\x0c\x85\u2028\u2029]+")
_STOPS = "。！？；：.!?;:”’」』）)】"
_MIN_CUT_CHARS = 18
_NUMBERED = re.compile(
    r"^(?:[（(]?[一二三四五六七八九十百]+[）)、.．]|[（(]?\d{1,3}[）)、.．]|第[一二三四五六七八九十百零\d]+[章节条款编]|[#*\-•·]|\u3000)"
)


def split_paragraphs(text: str) -> list[Span]:
    """In order, without the white space around them; none is empty."""
    lines = [strip_span(text, Span(*match.span())) for match in _LINE.finditer(text)]
    lines = [line for line in lines if line.start < line.end]
    paragraphs: list[Span] = []
    for line in lines:
        if paragraphs and _goes_on(text, paragraphs[-1], line):
            paragraphs[-1] = Span(paragraphs[-1].start, line.end)
        else:
            paragraphs.append(line)
    return paragraphs


def _goes_on(text: str, before: Span, line: Span) -> bool:
    """Whether `line` continues the sentence that the line before it was cut in."""
    last = max(before.start, text.rfind("\n", before.start, before.end) + 1)
    between = text[before.end : line.start]
    return (
        before.end - last >= _MIN_CUT_CHARS
        and text[before.end - 1] not in _STOPS
        and len(re.findall(r"\r\n|[\r\n\u2028\u2029\x0b\x0c\x85]", between)) == 1
        and not re.search("[ \\t\u3000]{2,}$|\u3000$", between)
        and not _NUMBERED.match(text[line.start : line.end])
        and not _NUMBERED.match(text[last : before.end])
    )
