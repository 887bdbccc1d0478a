"""From the two legs to the passages worth a closer look, best first.

Scores of the legs mean nothing beside each other, and rank fusion throws away how much better the first is than the
second. So a linear model over what is cheaply known of each passage ranks them: fitted so that the softmax of its
scores over the passages found for a question falls on those that answer it (the listwise loss of Cao et al. 2007).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.embedder import Embedder
from embeddings.queries import Query
from embeddings.storage import Candidate, Scope, Snapshot, StoredSegment
from embeddings.terms import fold_all

Legs = Literal["both", "dense", "lexical"]

_LEG_DEPTH = 50
# One text in many documents can fill the legs: then they go deeper, but not on and on.
_MAX_LEG_DEPTH = 3_200
# BM25 scores are seldom higher.
_HIGH_BM25 = 40.0


class FusionFeatures(NamedTuple):
    """What is cheaply known of a passage found.

    `bm25` and `cosine` are the scores of its best segments, `bm25_share` and `cosine_share` what part they are of
    the best found; `coverage` is the share of the query that the passage and what it stands under cover, `headings`
    the share that those alone do. `company` is the logarithm of how many passages of documents
    of its title were found: a document on the matter of the question has many.
    """

    bm25: float
    cosine: float
    bm25_share: float
    cosine_share: float
    coverage: float
    headings: float
    company: float


@dataclass(frozen=True, slots=True)
class Found:
    """A segment that a leg found. Ranks count from 1."""

    segment: StoredSegment
    bm25: float
    cosine: float
    dense_rank: int | None
    lexical_rank: int | None


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """The segments of one passage that were found, best first. `text` is the passage's, `headings` are what it
    stands under, both folded. `behind` is by how much its score is lower than that of the best passage."""

    segments: tuple[Found, ...]
    text: str
    headings: str
    features: FusionFeatures
    behind: float

    @property
    def document_id(self) -> str:
        return self.segments[0].segment.document_id


def find_passages(
    query: Query,
    snapshot: Snapshot,
    embedder: Embedder,
    weights: FusionFeatures,
    legs: Legs,
    *,
    scope: Scope | None,
    wanted: int,
) -> list[FoundPassage]:
    """The `wanted` best passages that the legs found, best first, one for each text."""
    vector = embedder.encode_queries([query.content])[0]
    depth = max(_LEG_DEPTH, wanted)
    while True:
        dense = snapshot.nearest(vector, depth, scope) if legs != "lexical" and vector.any() else []
        lexical = snapshot.matching(query.searched_terms(), depth, scope) if legs != "dense" else []
        passages = _by_passage(_join(dense, lexical, vector, snapshot, legs))
        is_all = max(len(dense), len(lexical)) < depth
        if is_all or depth >= _MAX_LEG_DEPTH or len(passages) >= wanted:
            return _rank(query, passages, weights, legs, wanted)
        depth *= 4


def _join(
    dense: Sequence[Candidate],
    lexical: Sequence[Candidate],
    vector: npt.NDArray[np.float32],
    snapshot: Snapshot,
    legs: Legs,
) -> list[Found]:
    dense_ranks, lexical_ranks = _ranks(dense), _ranks(lexical)
    ids = list(lexical_ranks | dense_ranks)
    cosines = snapshot.vectors(ids) @ vector if legs != "lexical" else np.zeros(len(ids))
    bm25 = {candidate.segment_id: candidate.score for candidate in lexical}
    return [
        Found(
            segment,
            bm25.get(segment.id, 0.0),
            float(cosine),
            dense_ranks.get(segment.id),
            lexical_ranks.get(segment.id),
        )
        for segment, cosine in zip(snapshot.segments(ids), cosines, strict=True)
    ]


def _ranks(candidates: Sequence[Candidate]) -> dict[int, int]:
    return {candidate.segment_id: place for place, candidate in enumerate(candidates, start=1)}


def _by_passage(found: Sequence[Found]) -> list[list[Found]]:
    """The segments found of each passage; of several passages that are one text the first stands for all."""
    passages: dict[int, list[Found]] = {}
    for entry in found:
        same = passages.setdefault(entry.segment.digest, [])
        if not same or same[0].segment.passage_id == entry.segment.passage_id:
            same.append(entry)
    return list(passages.values())


def _rank(
    query: Query,
    passages: Sequence[list[Found]],
    weights: FusionFeatures,
    legs: Legs,
    wanted: int,
) -> list[FoundPassage]:
    if not passages:
        return []
    texts = _Texts([entries[0].segment for entries in passages])
    described = _describe(query, passages, texts)
    if legs == "both":
        scores = described @ np.array(weights)
    else:
        scores = described[:, 0] if legs == "lexical" else described[:, 1]
    highest = float(scores.max())
    order = np.argsort(-scores, kind="stable")[:wanted]
    return [
        FoundPassage(
            tuple(sorted(passages[place], key=_of_segment)),
            texts.passages[place],
            texts.headings[place],
            FusionFeatures(*described[place].tolist()),
            highest - float(scores[place]),
        )
        for place in order.tolist()
    ]


def _of_segment(found: Found) -> float:
    return -found.bm25 / _HIGH_BM25 - found.cosine


class _Texts:
    """What is read of each of the passages found, folded; of each the first segment found is given."""

    def __init__(self, segments: Sequence[StoredSegment]) -> None:
        self.passages = fold_all([segment.passage_text for segment in segments])
        self.topics = fold_all([segment.topic for segment in segments])
        self.headings = fold_all([_headings(segment) for segment in segments])
        self.titles = fold_all([segment.title for segment in segments])


def _headings(segment: StoredSegment) -> str:
    start = segment.passage_span.start
    return "\n".join([place.label for place in segment.places if place.extent.start <= start])


def _describe(query: Query, passages: Sequence[list[Found]], texts: _Texts) -> npt.NDArray[np.float64]:
    """(passages, features)."""
    bm25 = np.array([max(entry.bm25 for entry in entries) for entries in passages])
    cosine = np.array([max(entry.cosine for entry in entries) for entries in passages])
    bm25_share = bm25 / max(float(bm25.max()), 1e-9)
    cosine_share = np.maximum(cosine, 0) / max(float(cosine.max()), 1e-9)
    numbers = {title: number for number, title in enumerate(dict.fromkeys(texts.titles))}
    documents = np.array([numbers[title] for title in texts.titles])
    count = np.bincount(documents)
    return np.column_stack(
        [
            bm25 / _HIGH_BM25,
            cosine,
            bm25_share,
            cosine_share,
            *_cover(query, texts),
            np.log(count)[documents],
        ]
    )


def _cover(query: Query, texts: _Texts) -> list[npt.NDArray[np.float64]]:
    """What share of the query each passage covers with what it stands under, and its headings alone."""
    own = [f"{text}\n{topic}" for text, topic in zip(texts.passages, texts.topics, strict=True)]
    present = [query.presence(each) for each in (own, texts.headings, texts.titles)]
    around = np.maximum.reduce(present)
    return [query.coverage(around), query.coverage(present[1])]
