"""A document as questions about its places see it: its outline as lists, and the spans that tell of them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from embeddings.outline import kind_of_list, parse_numeral
from embeddings.place_questions import PlaceQuestion
from embeddings.splitting import strip_span
from embeddings.storage import DocumentHead, Snapshot
from embeddings.terms import fold
from embeddings.types import Heading, Span

MAX_QUOTE_CHARS = 1_200
_SAYS_LIST = re.compile("以下|如下|下列|几(?:点|个|项|方面|条)|[:：]$")
_COUNT = re.compile(r"([一二三四五六七八九十两]{1,3}|\d{1,2})[”“]?(?:个|项|点|条|大|方面|章|层)")
_SENTENCE_START = re.compile(r"[。！？!?；;\n]")
_SENTENCE_END = re.compile(r"[。！？!?；;\n]+[”’」』）)]*")
# What may stand at the end of a place and says nothing.
TRAILING = " \t\r\n\u3000.…*＊·-—_#"


@dataclass(frozen=True, slots=True)
class NumberedList:
    """Headings of one kind that count on from one another, and the sentence that announces them, if one does."""

    kind: str
    headings: tuple[Heading, ...]
    announcement: Span | None


class OutlinedDocument:
    """A document that may be meant: its outline as lists, and how much of the question its letterhead covers."""

    def __init__(self, snapshot: Snapshot, head: DocumentHead, asked: PlaceQuestion) -> None:
        self.head = head
        self._snapshot = snapshot
        fields = ("issuer", "speaker", "date", "doc_number", "meeting")
        values = [value.value for name in fields if (value := getattr(head.metadata, name))]
        self.letterhead = fold("\n".join([head.title, *values, *_dates(values)]))
        self.named = coverage(asked.subject, self.letterhead)
        title = fold(head.title)
        said = sum(len(word) for word in asked.subject)
        # Of several titles that hold the words the one with least beside them is meant.
        self.fit = self.named - 0.1 * max(0, len(title) - said) / (len(title) + 1)
        self.fit += 0.2 * sum(word in title for word in asked.generic) / max(1, len(asked.generic))
        self._text: str | None = None
        self._outline: tuple[Heading, ...] | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = self._snapshot.text(self.head.id)
        return self._text

    @property
    def outline(self) -> tuple[Heading, ...]:
        if self._outline is None:
            self._outline = self._snapshot.outline(self.head.id)
        return self._outline

    def lists(self) -> list[NumberedList]:
        runs: list[tuple[str, int | None, list[Heading]]] = []
        last: dict[tuple[str, int | None], int] = {}
        for heading in self.outline:
            key = kind_of_list(self.text, heading), heading.parent
            place = last.get(key)
            if place is not None and runs[place][2][-1].number < heading.number:
                runs[place][2].append(heading)
            else:
                last[key] = len(runs)
                runs.append((*key, [heading]))
        return [
            NumberedList(kind, tuple(headings), _announcement(self.text, headings))
            for kind, _, headings in runs
        ]

    def flat(self, kind: str, within: Span) -> NumberedList:
        """All places of a kind that a law numbers throughout."""
        headings = [
            heading
            for heading in self.outline
            if within.start <= heading.span.start < within.end and kind_of_list(self.text, heading) == kind
        ]
        return NumberedList(kind, tuple(headings), None)


def coverage(runs: Sequence[str], *texts: str) -> float:
    """The share of the character pairs of `runs` that stand in any of `texts` (folded)."""
    pairs = [run[i : i + 2] for run in runs for i in range(max(1, len(run) - 1))]
    if not pairs:
        return 0.0
    return sum(any(pair in text for text in texts) for pair in pairs) / len(pairs)


def counts_in(said: str) -> set[int]:
    """The numbers of things that a sentence tells of."""
    return {parse_numeral(match[1]) for match in _COUNT.finditer(said)}


def line_of(text: str, within: Span, number: int) -> Span | None:
    """The paragraph of that number (款) in an article."""
    lines = [
        strip_span(text, Span(within.start + match.start(), within.start + match.end()))
        for match in re.finditer(r"[^\n]+", within.of(text))
        if match[0].strip() and not re.match(r"\s*[（(][一二三四五六七八九十]", match[0])
    ]
    try:
        return lines[number - 1 if number > 0 else number]
    except IndexError:
        return None


def heads_after(document: OutlinedDocument, position: int, within: Span) -> Iterator[Span]:
    inside = [h for h in document.outline if position < h.span.start < within.end]
    level = min((heading.level for heading in inside), default=0)
    yield from (head_of(document.text, heading) for heading in inside if heading.level == level)


def head_of(text: str, heading: Heading) -> Span:
    """A heading with the stop after it; of an article, with its first sentence."""
    stop = _SENTENCE_END.search(text, max(heading.span.start, heading.span.end - 1), heading.extent.end)
    end = (
        stop.end()
        if stop and (stop.start() <= heading.span.end or kind_of_list(text, heading) == "条")
        else heading.span.end
    )
    return strip_span(text, Span(heading.span.start, min(end, heading.span.start + MAX_QUOTE_CHARS)))


def bounded(text: str, extent: Span) -> Span:
    """`extent` without what trails, cut after a sentence where it is too long."""
    end = extent.start + len(extent.of(text).rstrip(TRAILING))
    if end - extent.start > MAX_QUOTE_CHARS:
        limit = extent.start + MAX_QUOTE_CHARS
        stops = [match.end() for match in _SENTENCE_END.finditer(text, extent.start, limit)]
        end = stops[-1] if stops else limit
    return strip_span(text, Span(extent.start, end))


def _announcement(text: str, headings: Sequence[Heading]) -> Span | None:
    """The sentence before a list that says that it comes."""
    end = len(text[: headings[0].span.start].rstrip(TRAILING))
    stops = [match.end() for match in _SENTENCE_START.finditer(text, max(0, end - 300), max(0, end - 1))]
    sentence = strip_span(text, Span(stops[-1] if stops else max(0, end - 300), end))
    said = fold(sentence.of(text))
    return sentence if len(headings) in counts_in(said) or _SAYS_LIST.search(said) else None


def _dates(values: Iterable[str]) -> Iterator[str]:
    """「2021-12-02」 as people write it."""
    for value in values:
        if match := re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", value):
            yield f"{match[1]}年{int(match[2])}月" + (f"{int(match[3])}日" if match[3] else "")
