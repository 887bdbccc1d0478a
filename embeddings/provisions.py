"""A document as its provisions hang together: lists with what opens them, and articles with what cites them.

Regulations seldom say all in one place: the fine for 「（二）遮挡消火栓的；」 stands in what opens its list, 「有下列行为之一的，处五千元罚款：」,
or in a provision that cites the one that is broken, 「违反本条例第三十四条规定的，处五千元罚款」「有前款行为的，……」.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from embeddings.outline import kind_of_list, parse_numeral
from embeddings.splitting import split_sentences, strip_span
from embeddings.storage import Snapshot
from embeddings.structure import find_leads
from embeddings.types import Heading, Span, headings_over

_N = r"(?:[一二三四五六七八九十百零〇两]{1,6}|\d{1,4})"
_ARTICLE = re.compile(
    rf"第({_N})条(?!之)(?:[至到]第({_N})条)?((?:[、和及或与至到]?(?:第?[（(]?{_N}[)）]?[款项]?)){{0,40}})"
)
_DETAIL = re.compile("([^款项]*)([款项])")
_NUMBERS = re.compile(rf"({_N})[)）]?(?:[至到]第?[（(]?({_N}))?")
_LINE, _LETTER = re.compile(r"[^\n]+"), re.compile(r"\S")
_BREAKS = re.compile(
    "违反|不符合|不履行|未(?:按照|依照|遵守)|有(?:本(?:法|条例|规定|办法|细则))?(?:第[^，。；]*)?$"
)
_OF_OTHER_LAW = re.compile("》[^，。；]*$")
_BREAKS_BEFORE = re.compile(rf"^(?:第{_N}条\s*)?[^，。；]{{0,20}}(?:违反|有|实施)前[一二两三]?[款条]")
_MAX_QUOTE_CHARS = 300
_MAX_LIST_CHARS = 600
# What is longer or oftener is hostile.
_MAX_LINE_CHARS, _MAX_CITED = 5_000, 50


class Provisions:
    """The provisions of a document of `snapshot`. Spans are over its text.

    Raises: DocumentNotFound.
    """

    def __init__(self, snapshot: Snapshot, document_id: str) -> None:
        self.document_id = document_id
        self.text = snapshot.text(document_id)
        self._outline = snapshot.outline(document_id)

    def sentences_from(self, position: int) -> Span:
        """The sentence at `position` and those after it in the paragraph, as far as they are not too long."""
        line = self._line(position)
        first, *others = (each for each in split_sentences(self.text, line) if each.end > position)
        ends = [first.end, *(each.end for each in others if each.end - first.start <= _MAX_QUOTE_CHARS)]
        return Span(first.start, ends[-1])

    def openings(self, of: Span) -> Iterator[Span]:
        """What opens the lists that `of` is an item of, innermost first; where that is one paragraph with `of`, all of
        it up to there, unless that is too long."""
        over = self._over(of.start)
        if not over or self._outline[over[-1]].span.start < self._line(of.start).start:
            return
        for index in reversed(over):
            lead = self._leads.get(index)
            if lead is None or lead.end > of.start:
                continue
            line = self._line(lead.start)
            begins = [each.start for each in split_sentences(self.text, line) if each.start < lead.end]
            start = next(each for each in begins if each == begins[-1] or lead.end - each <= _MAX_QUOTE_CHARS)
            end = lead.end if line.end < of.start else of.end
            if end - start <= _MAX_LIST_CHARS:
                yield Span(start, end)

    def lead(self, of: Span) -> str:
        """What opens the innermost list that `of` is an item of, as it was indexed with it; empty where none does."""
        over = self._over(of.start)
        lead = self._leads.get(over[-1]) if over else None
        return lead.of(self.text) if lead and lead.end <= of.start else ""

    def with_items(self, opening: Span) -> Span | None:
        """`opening` with the items of the list that it opens, as many as are not too long, or with what follows it where
        they have no numbers; None where nothing does."""
        places = [place for place, lead in self._leads.items() if lead.end == opening.end]
        ends = [self._outline[place].extent.end for place in places[:-1]]
        # What follows the last item belongs to the article, not to it.
        ends += [self._line(self._outline[place].span.start).end for place in places[-1:]]
        follower = _LETTER.search(self.text, opening.end)
        if not places and follower:
            ends = [self.sentences_from(follower.start()).end]
        ends = [end for end in ends if end - opening.start <= _MAX_LIST_CHARS]
        return strip_span(self.text, Span(opening.start, max(ends))) if ends else None

    def under_heading(self, of: Span) -> Span | None:
        """`of` with what stands under it, as many paragraphs as are not too long; None where it is no heading."""
        place = next((place for place in self._outline if place.span.start == of.start), None)
        if place is None or of.end > place.span.end + 1:
            return None
        lines = _LINE.finditer(self.text, of.end, place.extent.end)
        ends = [line.end() for line in lines if line[0].strip() and line.end() - of.start <= _MAX_LIST_CHARS]
        return strip_span(self.text, Span(of.start, ends[-1])) if ends else None

    def citing(self, of: Span) -> Iterator[Span]:
        """What cites the place that `of` stands in as broken, with the sentences after it as far as they are not too
        long: the next paragraph of its article, or another article."""
        place = self._place(of)
        if place is None:
            return
        inside = place.article.extent
        for start in self._paragraphs(place.article)[place.paragraph : place.paragraph + 1]:
            if _BREAKS_BEFORE.match(self.text[start : inside.end]):
                yield self.sentences_from(start)
        elsewhere = (
            cited
            for cited in _ARTICLE.finditer(self.text)
            if not _is_in(cited.start(), inside) and place.is_cited(cited)
        )
        for cited in islice(elsewhere, _MAX_CITED):
            quote = self.sentences_from(cited.start())
            if _is_broken(self.text[quote.start : cited.start()]):
                yield quote

    def cited(self, by: Span) -> list[Span]:
        """The paragraphs and items that `by` cites as broken, in order, each as far as it is not too long."""
        matches = [
            match
            for match in _ARTICLE.finditer(self.text, by.start, by.end)
            if _is_broken(self.text[by.start : match.start()])
        ]
        numbers = {number for match in matches for number in _numbers(match[1], match[2])}
        articles = (
            index
            for index, place in enumerate(self._outline)
            if place.number in numbers
            and not _is_in(by.start, place.extent)
            and kind_of_list(self.text, place) == "条"
        )
        return [
            self.sentences_from(start)
            for index in islice(articles, _MAX_CITED)
            for start, place in self._places(index)
            if any(place.is_cited(match) for match in matches)
        ]

    def _over(self, position: int) -> list[int]:
        """The places that `position` stands in, outermost first."""
        return next(headings_over(self._outline, [Span(position, position + 1)]))

    @cached_property
    def _leads(self) -> dict[int, Span]:
        return find_leads(self.text, self._outline)

    def _place(self, of: Span) -> "_Place | None":
        over = self._over(of.start)
        articles = [i for i in over if kind_of_list(self.text, self._outline[i]) == "条"]
        if not articles:
            return None
        article = self._outline[articles[-1]]
        starts = [start for start in self._paragraphs(article) if start <= of.start]
        items = [self._outline[i].number for i in over if self._outline[i].parent == articles[-1]]
        is_item = bool(items) and self._line(of.start).start not in starts
        return _Place(article, len(starts), items[0] if is_item else None)

    def _places(self, index: int) -> "Iterator[tuple[int, _Place]]":
        """The paragraphs and items of the article at `index` of the outline, and where each begins."""
        article = self._outline[index]
        paragraphs = self._paragraphs(article)
        items = ((h.span.start, h.number) for h in self._outline if h.parent == index)
        for start, item in sorted(
            [*((start, None) for start in paragraphs), *items], key=lambda pair: pair[0]
        ):
            yield start, _Place(article, bisect_right(paragraphs, start), item)

    def _paragraphs(self, article: Heading) -> list[int]:
        """Where those of an article begin (款), the items of its lists not among them."""
        starts = [
            article.extent.start + line.start() + len(line[0]) - len(line[0].lstrip())
            for line in _LINE.finditer(article.extent.of(self.text))
            if line[0].strip()
        ]
        items = {heading.span.start for heading in self._outline} - {article.span.start}
        return [start for start in starts if start not in items]

    def _line(self, position: int) -> Span:
        """The paragraph at `position`, as far as it is not endless."""
        first, last = max(0, position - _MAX_LINE_CHARS), position + _MAX_LINE_CHARS
        start = max(first, self.text.rfind("\n", first, position) + 1)
        end = self.text.find("\n", position, last)
        return strip_span(self.text, Span(start, end if end >= 0 else min(last, len(self.text))))


def _is_broken(before: str) -> bool:
    """Whether an article is cited as broken, and as one of the same document, by what stands `before` in the sentence."""
    return _BREAKS.search(before) is not None and _OF_OTHER_LAW.search(before) is None


def _is_in(position: int, span: Span) -> bool:
    return span.start <= position < span.end


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of an article: its paragraph (款) and, in a list, its item (项), by their numbers."""

    article: Heading
    paragraph: int
    item: int | None

    def is_cited(self, cited: re.Match[str]) -> bool:
        """Whether a match of `_ARTICLE` means it, or all of its article."""
        first, last, tail = cited.groups()
        if self.article.number not in _numbers(first, last):
            return False
        number = {"款": self.paragraph, "项": self.item}
        details = _read_details(tail)
        return not details or any(
            all(any(number[unit] in run for run in runs) for unit, runs in detail.items())
            for detail in details
        )


def _numbers(first: str, last: str | None) -> range:
    return range(parse_numeral(first), parse_numeral(last or first) + 1)


def _read_details(tail: str) -> list[dict[str, list[range]]]:
    """The numbers of paragraphs (款), of items (项) or of items of paragraphs in 「第一款、第二款第三至五项」."""
    details: list[dict[str, list[range]]] = []
    for numbers, unit in _DETAIL.findall(tail):
        if unit == "款" or not details:
            details.append({})
        details[-1].setdefault(unit, []).extend(
            _numbers(low, high) for low, high in _NUMBERS.findall(numbers)
        )
    return details
