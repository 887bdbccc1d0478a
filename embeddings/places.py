"""Answers to questions about numbered places, from the outlines of documents.

「安全生产法第二十一条」 names its document; 「第四点呢」 means that of the answer before; 「会议有几项议程」 any in which
there are such places. What a question says beside the place must stand in the document, or it is no question about
a place.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from embeddings.filters import AllOf, AnyOf, Condition
from embeddings.outlined import (
    TRAILING,
    NumberedList,
    OutlinedDocument,
    bounded,
    counts_in,
    head_of,
    heads_after,
)
from embeddings.place_matching import ENOUGH, Focus, Found, find_fitting
from embeddings.place_questions import PlaceQuestion
from embeddings.sources import SourceBook
from embeddings.storage import Scope, Snapshot
from embeddings.terms import extract_terms
from embeddings.types import Hit, Span, Why

_MAX_LIST_CHARS = 600
_MAX_DOCUMENTS = 64
# A collection of so few segments is looked through for a place of which no document is named.
_FEW_SEGMENTS = 8_000
_MAX_CONSIDERED = 16
_MAX_UNNAMED, _MAX_HEADS = 5, 12
# Places of one document that fit nearly as well as the best are told with it.
_MAX_READINGS, _NEARLY = 3, 0.6
_DEPTH = 50
_NAMED_SCORE, _ONLY_SCORE, _ONE_OF_SEVERAL_SCORE = 0.95, 0.9, 0.7


@dataclass(frozen=True, slots=True)
class Told:
    """Hits, and what they leave the dialogue at."""

    hits: tuple[Hit, ...]
    focus: Focus | None


class PlaceFinder:
    """Answers questions about places of the documents of one snapshot (of `scope`)."""

    def __init__(self, snapshot: Snapshot, scope: Scope | None) -> None:
        self._snapshot = snapshot
        self._scope = scope
        self._sources = SourceBook(snapshot)

    def tell(self, asked: PlaceQuestion, focus: Focus | None) -> Told | None:
        """What answers `asked` in a dialogue that is at `focus`; None where it finds no such place."""
        told = self._tell(asked, focus)
        if told and asked.also:
            told = Told(told.hits[:1], told.focus)
        for step in asked.also:
            beside = replace(asked, steps=(*asked.steps[:-1], step), also=())
            if told and (more := self._tell(beside, told.focus)):
                told = Told((*told.hits, *more.hits[:1]), more.focus)
        return told

    def _tell(self, asked: PlaceQuestion, focus: Focus | None) -> Told | None:
        if asked.kind == "next":
            return self._next(asked, focus) if focus else None
        if asked.kind == "more":
            return self._next(asked, focus) if focus and focus.at >= 0 else None
        if asked.kind == "whole":
            return self._whole(focus) if focus else None
        documents = self._documents(asked, focus)
        found = [
            (document, match) for document in documents for match in find_fitting(document, asked, focus)
        ]
        if not found:
            return None
        found.sort(key=lambda pair: -pair[1].score)
        best = found[0][0]
        is_settled = bool(asked.subject and best.named >= ENOUGH) or (
            focus is not None and best.head.id == focus.document_id
        )
        if is_settled:
            readings = [
                pair for pair in found if pair[0] is best and pair[1].score >= found[0][1].score - _NEARLY
            ]
            return self._answer(readings[:_MAX_READINGS], asked, _NAMED_SCORE)
        firsts = list({document.head.id: (document, match) for document, match in reversed(found)}.values())
        firsts.reverse()
        if len(firsts) == 1:
            return self._answer(found, asked, _ONLY_SCORE)
        firsts.sort(key=lambda pair: -pair[1].score)
        return self._answer(firsts[:_MAX_UNNAMED], asked, _ONE_OF_SEVERAL_SCORE)

    def _documents(self, asked: PlaceQuestion, focus: Focus | None) -> list[OutlinedDocument]:
        """Those that may be meant, best first."""
        ids = self._candidates(asked, focus)
        documents = [OutlinedDocument(self._snapshot, head, asked) for head in self._snapshot.heads(ids)]
        at = focus.document_id if focus else ""
        if focus and not any(document.named >= ENOUGH for document in documents if asked.subject):
            documents = [document for document in documents if document.head.id == at]
        documents.sort(key=lambda document: (-document.fit, document.head.id != at))
        if asked.subject and documents and documents[0].named >= ENOUGH:
            documents = [one for one in documents if one.named >= documents[0].named - 0.1]
        return documents[:_MAX_CONSIDERED]

    def _candidates(self, asked: PlaceQuestion, focus: Focus | None) -> list[str]:
        ids: list[str] = [focus.document_id] if focus else []
        if asked.subject:
            ids += self._saying(asked.subject)
            ids += self._matching(asked.subject)
        elif not focus:
            ids += self._matching([asked.text])
        if not focus and self._snapshot.segment_count() <= _FEW_SEGMENTS:
            ids += self._of(self._scope or self._snapshot.select(AllOf(())))
        return list(dict.fromkeys(ids))[:_MAX_DOCUMENTS]

    def _matching(self, runs: Iterable[str]) -> list[str]:
        """The documents of the segments that have most terms of `runs`."""
        terms = [term for run in runs for term in extract_terms(run)]
        matching = self._snapshot.matching(terms, _DEPTH, self._scope)
        segments = self._snapshot.segments([candidate.segment_id for candidate in matching])
        return [segment.document_id for segment in segments]

    def _saying(self, subject: Iterable[str]) -> list[str]:
        """The documents whose title holds a run of `subject`, or that are by a speaker named in it."""
        runs = [run for run in subject if len(run) > 1]
        names = {run[i : i + n] for run in runs for n in (2, 3, 4) for i in range(len(run) - n + 1)}
        titled = [Condition("title", "contains", (run,)) for run in runs]
        return self._of(
            self._within(AnyOf((*titled, Condition("speaker", "in", tuple(sorted(names))))))
            if runs
            else Scope(*np.zeros((3, 0), np.int64))
        )

    def _within(self, filter: AnyOf) -> Scope:
        scope = self._snapshot.select(filter)
        if self._scope is None:
            return scope
        kept = np.isin(scope.positions, self._scope.positions)
        return Scope(scope.positions[kept], scope.first_segments[kept], scope.segments[kept])

    def _of(self, scope: Scope) -> list[str]:
        first = scope.first_segments[scope.segments > 0][:_MAX_DOCUMENTS]
        return [segment.document_id for segment in self._snapshot.segments(first.tolist())]

    def _next(self, asked: PlaceQuestion, focus: Focus | None) -> Told | None:
        if focus is None or focus.at < 0:
            return None
        at = focus.at + (asked.shift or 1)
        if not 0 <= at < len(focus.headings):
            return None
        document = self._document(focus.document_id)
        match = Found(NumberedList("", focus.headings, None), at, focus.headings[at].extent, 1.0)
        return self._answer(
            [(document, match)], PlaceQuestion("place", unit=focus.unit or "点"), _NAMED_SCORE
        )

    def _whole(self, focus: Focus | None) -> Told | None:
        """All of the place that was told, or the paragraph of the quote."""
        if focus is None:
            return None
        document = self._document(focus.document_id)
        if focus.headings:
            at = max(focus.at, 0)
            match = Found(NumberedList("", focus.headings, None), at, focus.headings[at].extent, 1.0)
            return self._answer([(document, match)], PlaceQuestion("place"), _NAMED_SCORE)
        (passage,) = self._snapshot.passages_at(focus.document_id, [focus.quote.start])
        hit = self._hit(document, bounded(document.text, passage.span), _NAMED_SCORE)
        return Told((hit,), focus)

    def _document(self, document_id: str) -> OutlinedDocument:
        (head,) = self._snapshot.heads([document_id])
        return OutlinedDocument(self._snapshot, head, PlaceQuestion("place"))

    def _answer(
        self, found: Sequence[tuple[OutlinedDocument, Found]], asked: PlaceQuestion, score: float
    ) -> Told:
        document, best = found[0]
        is_one_document = all(other is document for other, _ in found)
        spans: list[tuple[OutlinedDocument, Span]] = []
        for other, match in found[: 1 if asked.kind != "place" and is_one_document else None]:
            spans += [(other, span) for span in _quotes(other, match, asked)]
        if not is_one_document:
            firsts = [(other, next(_quotes(other, match, asked))) for other, match in found]
            spans = [*firsts, *spans]
        spans = list(dict.fromkeys(spans))
        hits = [
            self._hit(one, span, max(0.05, score - 0.01 * place)) for place, (one, span) in enumerate(spans)
        ]
        focus = Focus(document.head.id, spans[0][1], best.list.headings, best.at, asked.unit)
        return Told(tuple(hits), focus)

    def _hit(self, document: OutlinedDocument, quote: Span, score: float) -> Hit:
        why = Why(None, None, (), is_place=True)
        return self._sources.hit(document.head.id, document.text, quote, score, why)


def _quotes(document: OutlinedDocument, found: Found, asked: PlaceQuestion) -> Iterator[Span]:
    """What is quoted, first first: the place as far as it is not too long, then the heads under it; or what
    announces a list, and its heads."""
    text = document.text
    if asked.kind == "place":
        quote = bounded(text, found.extent)
        yield quote
        if quote.end < len(found.extent.of(text).rstrip(TRAILING)) + found.extent.start:
            yield from heads_after(document, quote.end, found.extent)
        return
    heads = [head_of(text, heading) for heading in found.list.headings]
    announcement = found.list.announcement
    start = announcement.start if announcement else heads[0].start
    if asked.kind == "count" and announcement and len(heads) in counts_in(announcement.of(text)):
        yield announcement
    elif heads[-1].end - start <= _MAX_LIST_CHARS:
        yield Span(start, heads[-1].end)
        return
    elif asked.kind == "count" and announcement is None and len(heads) > _MAX_UNNAMED:
        # The number of the last tells how many there are.
        yield heads[-1]
        heads = heads[:-1] if len(heads) <= _MAX_HEADS else []
    else:
        yield Span(start, heads[0].end)
        heads = heads[1:]
    yield from heads
