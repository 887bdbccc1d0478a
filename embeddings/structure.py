"""The grammar of official documents: from a text to its marks, outline, metadata and passages.

Every character that is not white space lies in exactly one passage or one mark.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from embeddings.chrome import find_marks
from embeddings.letterhead import read_metadata
from embeddings.outline import LAW_KINDS, kind_of_list, read_outline
from embeddings.splitting import split_segments, split_sentences, strip_span
from embeddings.types import Heading, Mark, Metadata, Passage, Segment, Span, headings_over

_LINE = re.compile(r"[^\r\n\x0b\x0c\x85\u2028\u2029]+")
_MAX_HEADING_CHARS = 60
# Of what opens a list the end tells most: 「由消防救援机构责令改正，处五千元以上五万元以下罚款：」.
_MAX_LEAD_CHARS = 240
_STOP = re.compile(r"[。！？!?\r\n\x0b\x0c\x85\u2028\u2029]")
_CLAUSE = re.compile("(?<=[；;])")
_ANNOUNCES = re.compile("下列|以下|如下")
# What opens a document and not a list: 「现将有关事项通知如下：」.
_OPENS_ALL = re.compile(r"(?:通知|通告|公告|意见|报告|汇报|答复|批复|公布)如下\W$")


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
    return _under_leads(text, passages, outline)


def _under_leads(text: str, passages: Sequence[Passage], outline: Sequence[Heading]) -> tuple[Passage, ...]:
    """`passages`, the items of lists under what opens these: 「有下列行为之一的，处五千元以下罚款：」 is the topic of
    「（三）占用消防通道的；」."""
    leads = find_leads(text, outline)
    starts = [Span(s.span.start, s.span.start + 1) for passage in passages for s in passage.segments]
    above = headings_over(outline, starts)

    def under(segment: Segment, line: Span) -> Segment:
        item = next((h for h in reversed(next(above)) if outline[h].span.start >= line.start), None)
        lead = leads.get(item) if item is not None else None
        return (
            replace(segment, topic=lead)
            if lead and not segment.topic and lead.end <= segment.span.start
            else segment
        )

    return tuple(
        replace(passage, segments=tuple(under(segment, passage.span) for segment in passage.segments))
        for passage in passages
    )


def find_leads(text: str, outline: Sequence[Heading]) -> dict[int, Span]:
    """What opens the list that each of `outline` is an item of, up to its colon, where something does."""
    leads: dict[int, Span] = {}
    opened: dict[tuple[int | None, int], Span | None] = {}
    for place, heading in enumerate(outline):
        if kind_of_list(text, heading) in LAW_KINDS:
            continue
        siblings = (heading.parent, heading.level)
        if heading.number == 1 or siblings not in opened:
            opened[siblings] = _lead_before(text, heading.span.start)
        if lead := opened[siblings]:
            leads[place] = lead
    return leads


def _lead_before(text: str, position: int) -> Span | None:
    """What ends with a colon before `position`, as far back as the last clause of the sentence that announces a list
    (「有下列行为之一的，处一万元罚款；情节严重的，吊销许可证：」), or one clause where none does."""
    before = text[max(0, position - _MAX_LEAD_CHARS) : position]
    sentence = _STOP.split(before.rstrip())[-1]
    if not sentence.endswith((":", "：")) or _OPENS_ALL.search(sentence):
        return None
    clauses = _CLAUSE.split(sentence)
    announcing = [place for place, clause in enumerate(clauses) if _ANNOUNCES.search(clause)]
    lead = "".join(clauses[announcing[-1] if announcing else -1 :]).lstrip()
    end = position - (len(before) - len(before.rstrip()))
    return Span(end - len(lead), end) if len(lead) > 1 else None


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
