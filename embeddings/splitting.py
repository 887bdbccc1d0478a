"""Sentences of a passage, and the segments that they are grouped into."""

import re
from collections.abc import Collection

from embeddings.types import Segment, Span

_MAX_SEGMENT_CHARS = 130
_MAX_SEGMENT_SENTENCES = 3
# A sentence longer than this is also divided at its semicolons.
_LONG_SENTENCE_CHARS = 80
_STOP = re.compile(r"(?:[。！？!?]|…{2,}(?=\s))+[”’」』）)\"']*")
_SEMICOLON = re.compile(r"[；;]")
_OPENING = "（(〔[【《"
_BRACKET, _CLOSING = re.compile(r"[（(〔\[【《）)〕\]】》]"), re.compile(r"[）)〕\]】》]")
_MAX_BRACKET_CHARS = 200
_PREFIX = r"(?:(?:比如|例如|其中|同时|此外|另外|首先|其次)[，,])?(?:在|针对|对于|关于)?"
_FIELDS = ("领域", "方面", "行业")
_LEAD_IN = re.compile(rf"{_PREFIX}([\u4e00-\u9fff、“”（）()]{{2,20}}?(?:{'|'.join(_FIELDS)}))[，,。：:]")
_NO_TOPIC = re.compile(r"^(?:一|另一|另外?|这|那|各|多|两|三|其他|有关|某些|一些|这些|那些|各个)(?:个)?方面$")


def split_sentences(text: str, span: Span, places: Collection[int] = ()) -> list[Span]:
    """The sentences of `text[span]`, in order, with no white space around them.

    A lead-in that stands alone (「消防安全方面。」) belongs to the sentence after it. A semicolon ends a
    sentence where an enumerated place follows (one of `places`) or where the sentence is long.
    """
    sentences: list[Span] = []
    start = span.start
    for end in [*_stops(text, span), span.end]:
        sentence = strip_span(text, Span(start, end))
        if sentence.start == sentence.end or _is_bare_lead_in(text, sentence):
            continue
        sentences.extend(_divide(text, sentence, places))
        start = end
    rest = strip_span(text, Span(start, span.end))
    if rest.start < rest.end:
        sentences.append(rest)
    return sentences


def find_lead_in(text: str, start: int, end: int) -> Span | None:
    """The topic that a sentence at `start` opens with (「燃气领域」 of 「燃气领域，要…」), if it does."""
    match = _LEAD_IN.match(text, start, end)
    if match is None or _NO_TOPIC.match(match[1]):
        return None
    return Span(*match.span(1))


def split_segments(text: str, span: Span, places: Collection[int]) -> tuple[Segment, ...]:
    """The segments of a passage: runs of one to three sentences that cover all of them.

    A segment starts anew at each of `places` (where enumerated places begin) and at each lead-in. The topic of
    a lead-in that stands alone (「消防安全方面。」) lasts until the next one, that of 「燃气领域，要…」 for its segment.
    """
    segments: list[Segment] = []
    run: list[Span] = []
    topic: Span | None = None
    for sentence in split_sentences(text, span, places):
        is_place = sentence.start in places
        lead_in = None if is_place else find_lead_in(text, sentence.start, sentence.end)
        if run and (lead_in or is_place or not _fits(run, sentence)):
            segments.append(Segment(Span(run[0].start, run[-1].end), topic))
            run = []
            topic = topic if topic and _stands_alone(text, topic) else None
        topic = lead_in or topic
        run.append(sentence)
    if run:
        segments.append(Segment(Span(run[0].start, run[-1].end), topic))
    return tuple(segments)


def strip_span(text: str, span: Span) -> Span:
    """`span` without the white space at its ends."""
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _fits(run: list[Span], sentence: Span) -> bool:
    return len(run) < _MAX_SEGMENT_SENTENCES and sentence.end - run[0].start <= _MAX_SEGMENT_CHARS


def _stands_alone(text: str, lead_in: Span) -> bool:
    return text[lead_in.end : lead_in.end + 1] == "。"


def _is_bare_lead_in(text: str, sentence: Span) -> bool:
    if text[sentence.end - 3 : sentence.end - 1] not in _FIELDS:
        return False
    lead_in = find_lead_in(text, sentence.start, sentence.end)
    return lead_in is not None and lead_in.end + 1 == sentence.end


def _stops(text: str, span: Span) -> list[int]:
    return [
        match.end()
        for match in _STOP.finditer(text, span.start, span.end)
        if not _is_in_brackets(text, span.start, match.start())
    ]


def _is_in_brackets(text: str, start: int, position: int) -> bool:
    """Whether a bracket that opens shortly before `position` is still open there."""
    depth = 0
    for bracket in _BRACKET.findall(text, max(start, position - _MAX_BRACKET_CHARS), position):
        depth = depth + 1 if bracket in _OPENING else max(0, depth - 1)
    return depth > 0 and _CLOSING.search(text, position, position + _MAX_BRACKET_CHARS) is not None


def _divide(text: str, sentence: Span, places: Collection[int]) -> list[Span]:
    is_long = sentence.end - sentence.start > _LONG_SENTENCE_CHARS
    parts: list[Span] = []
    start = sentence.start
    for match in _SEMICOLON.finditer(text, sentence.start, sentence.end - 1):
        follower = strip_span(text, Span(match.end(), sentence.end)).start
        if (is_long or follower in places) and not _is_in_brackets(text, sentence.start, match.start()):
            parts.append(strip_span(text, Span(start, match.end())))
            start = match.end()
    return [*parts, strip_span(text, Span(start, sentence.end))] if parts else [sentence]
