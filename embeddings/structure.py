"""The grammar of official documents: from a text to its marks, outline, metadata and passages.

Every character that is not white space lies in exactly one passage or one mark.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from embeddings.chrome import find_marks
from embeddings.letterhead import read_metadata
from embeddings.outline import read_outline
from embeddings.splitting import split_segments, split_sentences, strip_span
from embeddings.types import Heading, Mark, Metadata, Passage, Span, headings_over

_LINE = re.compile(r"[^\r\n\x0b\x0c\x85\u2028\u2029]+")
_MAX_HEADING_CHARS = 60


@dataclass(frozen=True, slots=True)
class Structure:
    metadata: Metadata
    marks: tuple[Mark, ...]
    outline: tuple[Heading, ...]
    passages: tuple[Passage, ...]


def read_structure(
    text: str, *, marks: Sequence[Mark] = (), page_starts: Sequence[int] = (), is_web_page: bool = False
) -> Structure:
    """What is in `text`, a paragraph a line.

    `marks` over whole lines, the positions where pages begin (the first at 0) and whether it is a web page are
    what the format of the file told.
    """
    lines = [strip_span(text, Span(*match.span())) for match in _LINE.finditer(text)]
    known = {mark.span for mark in marks}
    lines = [line for line in lines if line.start < line.end and line not in known]
    found = find_marks(text, lines, is_web_page=is_web_page)
    content = _without(text, lines, found)
    marks = sorted([*marks, *found], key=lambda mark: mark.span)
    metadata = read_metadata(text, content)
    if metadata.speaker and metadata.speaker.span in content:
        # A name alone is no content; it is shown as the speaker's.
        marks.append(Mark(metadata.speaker.span, "speaker"))
        content.remove(metadata.speaker.span)
    title = metadata.title
    body = [line for line in content if line.start >= title.span.end] if title else content
    outline = read_outline(text, body)
    passages = _passages(text, content, outline, metadata)
    if page_starts:
        passages = tuple(
            replace(passage, page=bisect_right(page_starts, passage.span.start)) for passage in passages
        )
    return Structure(metadata, tuple(sorted(marks, key=lambda mark: mark.span)), outline, passages)


def _without(text: str, lines: Sequence[Span], marks: Sequence[Mark]) -> list[Span]:
    """`lines` less what is marked of them; a mark begins where its line begins."""
    marked_to = {mark.span.start: mark.span.end for mark in marks}
    rest = [strip_span(text, Span(marked_to.get(line.start, line.start), line.end)) for line in lines]
    return [line for line in rest if line.start < line.end]


def _passages(
    text: str, content: Sequence[Span], outline: Sequence[Heading], metadata: Metadata
) -> tuple[Passage, ...]:
    places = {heading.span.start for heading in outline}
    title = metadata.title.span if metadata.title else None
    passages = []
    above = headings_over(outline, [Span(line.start, line.start + 1) for line in content])
    for paragraph, (line, holding) in enumerate(zip(content, above, strict=True), start=1):
        heading = holding[-1] if holding else None
        is_title = title is not None and title.start <= line.start and line.end <= title.end
        is_heading = is_title or (heading is not None and _is_heading(text, line, outline[heading]))
        segments = split_segments(text, line, places)
        passages.append(Passage(line, paragraph, heading, is_heading, segments))
    return tuple(passages)


def _is_heading(text: str, line: Span, heading: Heading) -> bool:
    """Whether `line` is a short numbered label, a full stop after it at most, with paragraphs under it."""
    return (
        heading.span.start == line.start
        and line.end - heading.span.end <= 1
        and heading.extent.end > line.end
        and line.end - line.start <= _MAX_HEADING_CHARS
        and len(split_sentences(text, line)) == 1
        and bool(text[line.end : heading.extent.end].strip())
    )
