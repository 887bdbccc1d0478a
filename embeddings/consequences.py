"""What follows from what a provision says, where a question asks that: 「遮挡消火栓罚多少」.

Regulations say it apart from what they forbid: in what opens a list (「有下列行为之一的，处五千元罚款：」 over 「（二）遮挡消火栓的；」),
or in a provision that cites the one that is broken (「违反本条例第三十四条规定的，处五千元罚款」「有前款行为的，……」).
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from embeddings.answer_types import read_wanted
from embeddings.outline import kind_of_list, parse_numeral
from embeddings.sources import SourceBook
from embeddings.splitting import split_sentences, strip_span
from embeddings.storage import Snapshot
from embeddings.structure import find_leads
from embeddings.terms import fold
from embeddings.types import Copy, Heading, Hit, Span, Why, headings_over
from embeddings.weights import Confidence

_TYPES = {"money", "penalty"}
_ASKS = re.compile("罚|处分|后果|法律责任|吊销|坐牢|判刑|追究")
_TELLS = re.compile(
    "罚款|(?:给予|予以|依法|规定).{0,8}处罚|责令|处分|吊销|追究|没收|拘留|暂扣|取缔|警告|赔偿责任"
)
_TELLS_SUM = re.compile("罚款|[百千万]元|倍")
_N = r"(?:[一二三四五六七八九十百零〇两]{1,6}|\d{1,4})"
_ARTICLE = re.compile(
    rf"第({_N})条(?!之)(?:[至到]第({_N})条)?((?:[、和及或与至到]?(?:第?[（(]?{_N}[)）]?[款项]?))*)"
)
_DETAIL = re.compile("([^款项]*)([款项])")
_NUMBERS = re.compile(rf"({_N})[)）]?(?:[至到]第?[(（]?({_N}))?")
_LINE = re.compile(r"[^\n]+")
_BREAKS = re.compile(
    "违反|不符合|不履行|未(?:按照|依照|遵守)|有(?:本(?:法|条例|规定|办法|细则))?(?:第[^，。；]*)?$"
)
_OF_OTHER_LAW = re.compile("》[^，。；]*$")
_BREAKS_BEFORE = re.compile(rf"^(?:第{_N}条\s*)?[^，。；]{{0,20}}(?:违反|有|实施)前[一二两三]?[款条]")
_MAX_QUOTE_CHARS = 300


def asks_consequence(folded: str) -> bool:
    """Whether a question asks what follows from what somebody does."""
    return bool(_ASKS.search(folded) and _TYPES.intersection(read_wanted(folded).types))


def put_consequence_first(
    folded: str, hits: Sequence[Hit], snapshot: Snapshot, confidence: Confidence
) -> list[Hit]:
    """`hits`, and before the first, if it does not say what follows, as `folded` asks, what does. The two together are
    as likely an answer as the first would be if it told the types of answer that the other tells."""
    wanted = read_wanted(folded)
    tells = _TELLS_SUM if "money" in wanted.types else _TELLS
    if not hits or tells.search(hits[0].quote):
        return list(hits)
    cause, *others = hits
    places = [Copy(cause.quote_span, cause.source), *cause.also_in]
    for place in places:
        document = _Provisions(snapshot, place.source.document_id, tells)
        if spans := document.consequence(place.quote_span, folded):
            break
    else:
        return list(hits)
    alone = fold(cause.quote)
    together = f"{alone}\n{fold(''.join(span.of(document.text) for span in spans))}"
    told = set(wanted.untold(alone)) - set(wanted.untold(together))
    score = _without(cause.score, confidence.of_types(told, snapshot.segment_count()))
    book, why = SourceBook(snapshot), Why(None, None, (), is_consequence=True)
    # The one of its copies that has it beside it.
    copy = book.hit(document.id, document.text, place.quote_span, score, cause.why)
    also_in = tuple(other for other in places if other is not place)
    cause = replace(copy, similarity=cause.similarity, also_in=also_in, places=cause.places)
    if spans[0].start >= cause.passage_span.start and spans[0].end <= cause.passage_span.end:
        return [replace(cause, quote=spans[0].of(document.text), quote_span=spans[0]), *others]
    first = [book.hit(document.id, document.text, span, score, why) for span in spans]
    passages = {hit.passage_span for hit in first}
    return [
        *first,
        cause,
        *(hit for hit in others if hit.source.document_id != document.id or hit.passage_span not in passages),
    ]


def _without(score: float, logit: float) -> float:
    """`score` without what `logit` added to it."""
    return score / (score + (1 - score) * math.exp(logit))


class _Provisions:
    """A document read for what follows from its provisions, by what `tells` it. Spans are over its text."""

    def __init__(self, snapshot: Snapshot, document_id: str, tells: re.Pattern[str]) -> None:
        self.id = document_id
        self._tells = tells
        self.text = snapshot.text(document_id)
        self._outline = snapshot.outline(document_id)

    def consequence(self, of: Span, folded: str) -> list[Span]:
        """What says what follows from what `of` says, if anything does: one span, or what opens a list and the item
        of it that cites. Of several that cite it the one likest to the question."""
        if opening := self._opening(of):
            return [opening]
        place = self._place(of)
        if place is None:
            return []
        asked = {folded[i : i + 2] for i in range(len(folded) - 1)}

        def likeness(spans: Sequence[Span]) -> int:
            said = fold(spans[-1].of(self.text))
            return sum(pair in said for pair in asked)

        return max([*self._after(place), *self._citing(place)], key=likeness, default=[])

    def _over(self, position: int) -> list[int]:
        """The places that `position` stands in, outermost first."""
        return next(headings_over(self._outline, [Span(position, position + 1)]))

    def _opening(self, of: Span) -> Span | None:
        """What opens the list that `of` is in, if it says what follows; where that is one paragraph with `of`, all of
        it up to there."""
        for index in reversed(self._over(of.start)):
            lead = self._leads.get(index)
            if lead is None or lead.end > of.start:
                continue
            line = self._line(lead.start)
            begins = [each.start for each in split_sentences(self.text, line) if each.start < lead.end]
            start = next(each for each in begins if each == begins[-1] or lead.end - each <= _MAX_QUOTE_CHARS)
            end = lead.end if line.end < of.start else of.end
            if self._tells.search(self.text, start, lead.end) and end - start <= 2 * _MAX_QUOTE_CHARS:
                return Span(start, end)
        return None

    @cached_property
    def _leads(self) -> dict[int, Span]:
        return find_leads(self.text, self._outline)

    def _place(self, of: Span) -> "_Place | None":
        over = self._over(of.start)
        articles = [i for i in over if kind_of_list(self.text, self._outline[i]) == "条"]
        if not articles:
            return None
        article = self._outline[articles[-1]]
        items = [self._outline[i].number for i in over if self._outline[i].parent == articles[-1]]
        paragraph = sum(start <= of.start for start in self._paragraphs(article))
        return _Place(article, paragraph, items[0] if items else None)

    def _paragraphs(self, article: Heading) -> list[int]:
        """Where those of an article begin (款), the items of its lists not among them."""
        starts = [
            article.extent.start + line.start() + len(line[0]) - len(line[0].lstrip())
            for line in _LINE.finditer(article.extent.of(self.text))
            if line[0].strip()
        ]
        items = {heading.span.start for heading in self._outline} - {article.span.start}
        return [start for start in starts if start not in items]

    def _after(self, place: "_Place") -> Iterator[list[Span]]:
        """The next paragraph, where it says what follows from the one before."""
        for start in self._paragraphs(place.article)[place.paragraph : place.paragraph + 1]:
            quote = self._quote(start)
            if _BREAKS_BEFORE.match(quote.of(self.text)) and self._tells.search(quote.of(self.text)):
                yield [quote]

    def _citing(self, place: "_Place") -> Iterator[list[Span]]:
        """What cites `place` as broken and says what follows."""
        for cited in _ARTICLE.finditer(self.text):
            inside = place.article.extent.start <= cited.start() < place.article.extent.end
            if inside or not place.is_cited(cited):
                continue
            quote = self._quote(cited.start())
            before = self.text[quote.start : cited.start()]
            if _OF_OTHER_LAW.search(before) or not _BREAKS.search(before):
                continue
            if self._tells.search(quote.of(self.text)):
                yield [quote]
            elif opening := self._opening(quote):
                yield [opening] if opening.end == quote.end else [opening, quote]

    def _line(self, position: int) -> Span:
        start = self.text.rfind("\n", 0, position) + 1
        end = self.text.find("\n", position)
        return strip_span(self.text, Span(start, end if end >= 0 else len(self.text)))

    def _quote(self, position: int) -> Span:
        """The sentence at `position` and those after it in the paragraph, as far as they are not too long."""
        line = self._line(position)
        first, *others = (each for each in split_sentences(self.text, line) if each.end > position)
        ends = [first.end, *(each.end for each in others if each.end - first.start <= _MAX_QUOTE_CHARS)]
        return Span(first.start, ends[-1])


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of an article: its paragraph (款) and, in a list, its item (项), by their numbers."""

    article: Heading
    paragraph: int
    item: int | None

    def is_cited(self, cited: re.Match[str]) -> bool:
        """Whether a match of `_ARTICLE` means it, or all of its article."""
        first, last, tail = cited.groups()
        if not parse_numeral(first) <= self.article.number <= parse_numeral(last or first):
            return False
        number = {"款": self.paragraph, "项": self.item}
        details = _read_details(tail)
        return not details or any(
            all(any(number[unit] in run for run in runs) for unit, runs in detail.items())
            for detail in details
        )


def _read_details(tail: str) -> list[dict[str, list[range]]]:
    """The numbers of paragraphs (款), of items (项) or of items of paragraphs in 「第一款、第二款第三至五项」."""
    details: list[dict[str, list[range]]] = []
    for numbers, unit in _DETAIL.findall(tail):
        if unit == "款" or not details:
            details.append({})
        details[-1].setdefault(unit, []).extend(
            range(parse_numeral(low), parse_numeral(high or low) + 1)
            for low, high in _NUMBERS.findall(numbers)
        )
    return details
