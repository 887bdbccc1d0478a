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

from embeddings.queries import Query
from embeddings.space import Space
from embeddings.storage import Candidate, Scope, Snapshot, StoredSegment
from embeddings.terms import fold_all

Legs = Literal["both", "dense", "lexical"]

# So many segments each leg finds at least; where that is enough, so many of them are read.
LEG_DEPTH, _READ = 28, 36
# How much of a query a segment covers is not known before it is read; of the one with the best BM25 so much is thought.
_COVERED = 0.5
# What holds the whole query word for word is likelier meant, by so much in log odds for each of its first characters: of
# a sentence what is like it in other documents is still worth knowing.
_VERBATIM, _FIRST_CHARS = 0.6, 6
# The legs go deeper than what is wanted of both.
_DEPTH_OVER_WANTED = 2
# One text in many documents can fill the legs: then they go deeper, but not on and on.
_MAX_LEG_DEPTH = 3_200
# BM25 of segments is seldom higher.
_HIGH_BM25 = 40.0
# BM25 of passages: its saturation, and how much their length counts against them.
_K1, _B = 1.2, 0.75
# That a work has more passages than this, and up to how many of them, says that it is more often meant.
_LONG_WORK, _LONGEST_WORK = 100, 1_000
# Nobody says it of a law.
_STATE = "中华人民共和国"


class FusionFeatures(NamedTuple):
    """What is cheaply known of a passage found.

    `bm25` is that of the passage with all it stands under, in tens; `similarity` the cosine of its best segment above
    what unrelated texts have; `coverage` the share of the query that the passage and what it stands under cover.
    `size` is the logarithm of how many passages the documents of its title have, in hundreds, where they have more: a
    code is more often meant. `named` is the share of the title's pairs of characters that stand in the query.
    """

    bm25: float
    similarity: float
    coverage: float
    size: float
    named: float


class Found(NamedTuple):
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
    vector: npt.NDArray[np.float32],
    snapshot: Snapshot,
    space: Space,
    weights: FusionFeatures,
    legs: Legs,
    *,
    scope: Scope | None,
    wanted: int,
) -> list[FoundPassage]:
    """The `wanted` best passages that the legs found, best first, one for each text. `vector` (dim,) is the query's."""
    depth = max(LEG_DEPTH, _DEPTH_OVER_WANTED * wanted)
    while True:
        limit = _READ if depth == LEG_DEPTH else 2 * depth
        dense = snapshot.nearest(vector, depth, scope) if legs != "lexical" and vector.any() else []
        lexical = snapshot.matching(query.searched, depth, scope) if legs != "dense" else []
        passages = _by_passage(_join(dense, lexical, vector, snapshot, space, weights, limit))
        is_all = max(len(dense), len(lexical)) < depth
        if is_all or depth >= _MAX_LEG_DEPTH or len(passages) >= wanted:
            break
        depth *= 4
    if not passages:
        return []
    texts = _Texts([entries[0].segment for entries in passages])
    described = _describe(query, passages, texts, snapshot, space)
    return _rank(query, passages, texts, described, weights, legs, wanted)


def _join(
    dense: Sequence[Candidate],
    lexical: Sequence[Candidate],
    vector: npt.NDArray[np.float32],
    snapshot: Snapshot,
    space: Space,
    weights: FusionFeatures,
    limit: int,
) -> list[Found]:
    """The `limit` best segments, by what is known of each before it is read."""
    dense_ranks, lexical_ranks = _ranks(dense), _ranks(lexical)
    ids = list(lexical_ranks | dense_ranks)
    # As elsewhere not by BLAS, whose threads wait for each other for milliseconds when others work too.
    cosines = np.vecdot(snapshot.vectors(ids), vector) if dense else np.zeros(len(ids))
    bm25 = np.zeros(len(ids))
    bm25[: len(lexical)] = [candidate.score for candidate in lexical]
    covered = _COVERED * bm25 / max(1.0, float(bm25.max(initial=0.0)))
    known = (
        weights.bm25 * bm25 / 10 + weights.similarity * space.similarity(cosines) + weights.coverage * covered
    )
    best = np.sort(np.argsort(-known, kind="stable")[:limit]).tolist()
    segments = snapshot.segments([ids[place] for place in best])
    return [
        Found(
            segment,
            float(bm25[place]),
            float(cosines[place]),
            dense_ranks.get(ids[place]),
            lexical_ranks.get(ids[place]),
        )
        for place, segment in zip(best, segments, strict=True)
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
    texts: "_Texts",
    described: npt.NDArray[np.float64],
    weights: FusionFeatures,
    legs: Legs,
    wanted: int,
) -> list[FoundPassage]:
    if legs == "both":
        scores = described @ np.array(weights)
        if query.phrases:
            said = [
                max((len(phrase) for phrase in query.phrases if phrase in text), default=0)
                for text in texts.passages
            ]
            scores += _VERBATIM * np.minimum(said, _FIRST_CHARS)
    else:
        scores = described[:, FusionFeatures._fields.index("bm25" if legs == "lexical" else "similarity")]
    highest = float(scores.max())
    return [
        FoundPassage(
            tuple(sorted(passages[place], key=_of_segment)),
            texts.passages[place],
            texts.headings[place],
            FusionFeatures(*described[place].tolist()),
            highest - float(scores[place]),
        )
        for place in np.argsort(-scores, kind="stable")[:wanted].tolist()
    ]


def _of_segment(found: Found) -> float:
    return -found.bm25 / _HIGH_BM25 - found.cosine


class _Texts:
    """What is read of passages, folded; of each one segment is given."""

    def __init__(self, segments: Sequence[StoredSegment]) -> None:
        folded = fold_all(
            [
                *(segment.passage_text for segment in segments),
                *(segment.topic for segment in segments),
                *(_headings(segment) for segment in segments),
                *(segment.title for segment in segments),
            ]
        )
        n = len(segments)
        self.passages, self.topics, self.headings, self.titles = (
            folded[start : start + n] for start in range(0, 4 * n, n)
        )


def _headings(segment: StoredSegment) -> str:
    start = segment.passage_span.start
    return "\n".join([place.label for place in segment.places if place.extent.start <= start])


def _describe(
    query: Query, passages: Sequence[list[Found]], texts: _Texts, snapshot: Snapshot, space: Space
) -> npt.NDArray[np.float64]:
    """(passages, features)."""
    own = [f"{text}\n{topic}" for text, topic in zip(texts.passages, texts.topics, strict=True)]
    counts = query.occurrences([*own, *texts.headings, *texts.titles]).reshape(3, len(own), -1)
    lengths = [sum(map(len, each)) for each in zip(own, texts.headings, texts.titles, strict=True)]
    cosine = np.array([max(entry.cosine for entry in entries) for entries in passages])
    firsts = [entries[0].segment for entries in passages]
    titles = list(dict.fromkeys(segment.title for segment in firsts))
    counted = dict(zip(titles, snapshot.passage_counts(titles), strict=True))
    sizes = np.clip([counted[segment.title] for segment in firsts], _LONG_WORK, _LONGEST_WORK)
    named = {title: _named(title, query.content) for title in set(texts.titles)}
    described = {
        "bm25": _bm25(query, counts.sum(axis=0), np.array(lengths)) / 10,
        "similarity": space.similarity(cosine),
        "coverage": query.coverage(np.minimum(counts.max(axis=0), 1)),
        "size": np.log(sizes / _LONG_WORK),
        "named": np.array([named[title] for title in texts.titles]),
    }
    return np.column_stack([described[name] for name in FusionFeatures._fields])


def _named(title: str, content: str) -> float:
    title = title.removeprefix(_STATE)
    pairs = {title[i : i + 2] for i in range(len(title) - 1)}
    return sum(pair in content for pair in pairs) / max(1, len(pairs))


def _bm25(
    query: Query, counts: npt.NDArray[np.float64], lengths: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """(passages,): BM25 of `counts` (passages, terms), as if all passages were as long as these on the average."""
    norm = _K1 * (1 - _B + _B * lengths / max(float(lengths.mean()), 1.0))
    gains: npt.NDArray[np.float64] = counts * (_K1 + 1) / (counts + norm[:, None])
    return gains @ (query.counts * query.weights)
