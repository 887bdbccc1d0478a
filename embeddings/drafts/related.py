"""What the library says of the same matter in other words: both legs of retrieval, then a closer look."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.space import Space
from embeddings.splitting import split_sentences
from embeddings.storage import Snapshot, StoredSegment
from embeddings.terms import extract_terms, fold
from embeddings.types import Span, Vectors

_LEG_DEPTH = 40
# The rarest terms of a paragraph say what it is about; more of them cost time and bring little.
_MAX_TERMS = 28
_LOOK_CLOSER = 14
_MAX_PIECE_CHARS = 320
_MIN_CHARS = 12
_MIN_SCORE = 0.25
_DENSE_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Related:
    """A passage on the same matter as `span` of the draft."""

    span: Span
    score: float
    segment: StoredSegment


def find_related(
    text: str,
    paragraphs: Sequence[Span],
    snapshot: Snapshot,
    space: Space,
    *,
    top_k: int,
    excluded: Collection[str] = (),
) -> dict[Span, list[Related]]:
    """For each of `paragraphs` the passages nearest to it, best first."""
    pieces = [(paragraph, piece) for paragraph in paragraphs for piece in _pieces(text, paragraph)]
    if not pieces or not snapshot.segment_count():
        return {}
    folded = [fold(piece.of(text)) for _, piece in pieces]
    vectors = space.embedder.encode_passages(folded)
    found: dict[Span, list[Related]] = {}
    for (paragraph, piece), words, vector in zip(pieces, folded, vectors, strict=True):
        look = _Look(words, vector, snapshot, space, excluded)
        found.setdefault(paragraph, []).extend(look.best(piece, top_k))
    return {paragraph: _best_passages(related, top_k) for paragraph, related in found.items()}


class _Look:
    """One piece of the draft, and how rare its terms are."""

    def __init__(
        self, words: str, vector: Vectors, snapshot: Snapshot, space: Space, excluded: Collection[str]
    ) -> None:
        self._snapshot, self._vector, self._excluded = snapshot, vector, excluded
        self._space = space
        terms = [term for term in dict.fromkeys(extract_terms(words)) if len(term) > 1]
        total = snapshot.segment_count()
        frequencies = snapshot.frequencies(terms)
        self._weights = {
            term: math.log(1 + (total - min(total, count) + 0.5) / (count + 0.5))
            for term, count in zip(terms, frequencies, strict=True)
        }
        known = [term for term, count in zip(terms, frequencies, strict=True) if count]
        self._rarest = sorted(known, key=lambda term: -self._weights[term])[:_MAX_TERMS]

    def best(self, span: Span, top_k: int) -> list[Related]:
        candidates = self._candidates()
        scored = [
            Related(span, self._score(segment, similarity), segment) for segment, similarity in candidates
        ]
        return sorted((one for one in scored if one.score >= _MIN_SCORE), key=lambda one: -one.score)[
            : 2 * top_k
        ]

    def _candidates(self) -> list[tuple[StoredSegment, float]]:
        """The segments that the legs found, best first, with their similarities."""
        dense = self._snapshot.nearest(self._vector, _LEG_DEPTH) if self._vector.any() else []
        lexical = self._snapshot.matching(self._rarest, _LEG_DEPTH) if self._rarest else []
        highest = max((one.score for one in lexical), default=1.0)
        fused: dict[int, float] = {}
        for one in lexical:
            fused[one.segment_id] = (1 - _DENSE_SHARE) * one.score / highest
        for one in dense:
            fused[one.segment_id] = fused.get(one.segment_id, 0.0) + _DENSE_SHARE * max(0.0, one.score)
        ids = sorted(fused, key=lambda segment_id: -fused[segment_id])[:_LOOK_CLOSER]
        if not ids:
            return []
        cosines = np.vecdot(self._snapshot.vectors(ids), self._vector).astype(np.float64)
        return [
            (segment, similarity)
            for segment, similarity in zip(
                self._snapshot.segments(ids), self._space.similarity(cosines).tolist(), strict=True
            )
            if segment.document_id not in self._excluded
        ]

    def _score(self, segment: StoredSegment, similarity: float) -> float:
        """Half how much of the weight of its terms the passage shares, half its similarity."""
        there = {term for term in extract_terms(segment.passage_text) if len(term) > 1}
        shared = sum(weight for term, weight in self._weights.items() if term in there)
        mine = sum(self._weights.values()) or 1.0
        # A term that the draft lacks weighs as one that it has does on the average.
        theirs = mine / max(1, len(self._weights)) * min(len(there), 2 * len(self._weights))
        coverage = 2 * shared / (mine + max(theirs, shared))
        return min(1.0, 0.5 * coverage + 0.5 * similarity)


def _best_passages(related: Sequence[Related], top_k: int) -> list[Related]:
    """Of each passage the best, and of passages with the same words one."""
    best: list[Related] = []
    seen: set[int | str] = set()
    for one in sorted(related, key=lambda one: -one.score):
        words = "".join(one.segment.passage_text.split())
        if one.segment.passage_id not in seen and words not in seen:
            seen |= {one.segment.passage_id, words}
            best.append(one)
    return best[:top_k]


def _pieces(text: str, paragraph: Span) -> list[Span]:
    """Runs of whole sentences of about `_MAX_PIECE_CHARS`, of a paragraph with enough in it."""
    if sum(character.isalnum() for character in paragraph.of(text)[: 4 * _MIN_CHARS]) < _MIN_CHARS:
        return []
    if paragraph.end - paragraph.start <= _MAX_PIECE_CHARS:
        return [paragraph]
    pieces: list[Span] = []
    for sentence in split_sentences(text, paragraph):
        if pieces and sentence.end - pieces[-1].start <= _MAX_PIECE_CHARS:
            pieces[-1] = Span(pieces[-1].start, sentence.end)
        else:
            pieces += _cut(sentence)
    return pieces


def _cut(sentence: Span) -> list[Span]:
    return [
        Span(start, min(start + _MAX_PIECE_CHARS, sentence.end))
        for start in range(sentence.start, sentence.end, _MAX_PIECE_CHARS)
    ]
