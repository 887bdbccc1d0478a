"""From the two legs to hits: fusion, the choice of the quote, a calibrated score, and knowing when there is no answer.

First the segments that either leg found are fused (each leg's scores divided by its best, weighted) and folded
into passages. Then, in the best passages, every run of sentences is looked at closely, and a logistic model of a
few features says how likely it answers the query: that is the score, the ranking and the choice of the quote.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import mul
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.embedder import Embedder
from embeddings.fusion import Found, FoundPassage, FusionFeatures, Legs, find_passages
from embeddings.queries import Query, read_query
from embeddings.splitting import find_lead_in, split_sentences
from embeddings.storage import DocumentHead, Place, Scope, Snapshot, StoredSegment
from embeddings.terms import fold
from embeddings.types import Copy, Hit, Source, Span, Why

_WEIGHTS_FILE = Path(__file__).parent / "models" / "ranking.json"
_MAX_COPIES = 20
# Of so many passages that answer the newest are given, where the newest are asked for.
_NEWEST_AMONG = 200
_MIN_PASSAGES = 12
_FOLLOWING_SHARE = 0.2
_SEGMENTS_PER_PASSAGE = 3
# What is so far behind when the legs are joined is as far behind as can be told.
FAR_BEHIND = 6.0
_MAX_RUN = 3
# A query that a lead-in covers this much of asks for all that stands under it.
_TOPIC_QUESTION = 0.5
_MIN_QUOTE_CHARS = 40
_MAX_QUOTE_CHARS = 160
# BM25 of a run: its saturation, how much its length counts against it, and the length that counts as usual.
_K1, _B, _USUAL_CHARS = 1.2, 0.3, 75
# A term that stands not in the run but in its topic, its heading or the title is worth this much of one that does.
_TOPIC_WORTH, _HEADING_WORTH, _TITLE_WORTH = 0.5, 0.3, 0.2
_QUESTION = re.compile(r"[?？]”?$")
_DATE = re.compile(
    r"[\d一二三四五六七八九十〇]\s*[年月日号时]|\d{4}-\d|[年月季]底|[年月]初|上半年|下半年|季度|[春夏秋冬汛]季|汛期"
)
# An amount, and no date.
_NUMBER = re.compile(
    r"(?<![\d.])\d{1,3}(?:[.,]\d+)*(?:年|(?![\d.]*[月日时\d]))|\d{4,}(?![年\d])"
    r"|[一二三四五六七八九十百千万两]+(?=[个名人次起件项条家种类点元倍成级万亿台辆处户])"
)


class Features(NamedTuple):
    """What is known of one run of sentences and the query, each about 0..1.

    `lexical` is BM25 over the most it could be; `coverage` the share of the query that the passage and its
    headings cover, `evidence` how much that is; `similarity` the cosine above what unrelated texts have; `missing_numbers` the share of the
    query's numbers and Latin words that are nowhere around; `lacks` says that an amount or a date is asked for and
    none is there; `is_heading` that the passage is a heading; `topic` the share of the query that the lead-in of
    the segment covers; `behind` how far the passage was behind the best one when the
    legs were joined; `library` the logarithm (to 10, a tenth) of how many segments there are: among more of them
    one that fits as well is less likely the right one.
    """

    lexical: float
    coverage: float
    evidence: float
    similarity: float
    missing_numbers: float
    lacks: float
    is_heading: float
    topic: float
    behind: float
    library: float


@dataclass(frozen=True, slots=True)
class Weights:
    """The linear model over `FusionFeatures`, the logistic one over `Features`, and the probability under which a
    hit is no answer."""

    fusion: FusionFeatures
    bias: float
    features: Features
    threshold: float

    def logit(self, features: Features) -> float:
        return math.fsum([self.bias, *map(mul, self.features, features)])

    def probability(self, features: Features) -> float:
        return sigmoid(self.logit(features))


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


@cache
def load_weights() -> Weights:
    """The weights that scripts/fit_ranking.py wrote."""
    record = json.loads(_WEIGHTS_FILE.read_text(encoding="utf-8"))
    fusion = FusionFeatures(**record["fusion"])
    return Weights(fusion, record["bias"], Features(**record["features"]), record["threshold"])


@dataclass(frozen=True, slots=True)
class Scored:
    """A run of sentences that may answer, with the segment that it was found by and what is known of its passage."""

    span: Span
    features: Features
    found: Found
    fusion: FusionFeatures


def rank(
    folded: str,
    snapshot: Snapshot,
    embedder: Embedder,
    weights: Weights,
    *,
    background: float,
    top_k: int,
    min_score: float | None,
    legs: Legs,
    scope: Scope | None = None,
    newest_first: bool = False,
) -> list[Hit]:
    """The hits for a query that `validate_query` folded, best first, at most one a text of a passage.

    `background` is the cosine that unrelated texts have in the embedder's space. `newest_first` orders by date
    what answers; what has no date comes last.
    """
    query = read_query(folded, snapshot)
    limit = max(top_k, _NEWEST_AMONG if newest_first else _MIN_PASSAGES)
    scored = _score(query, snapshot, embedder, weights, legs, background=background, scope=scope, limit=limit)
    probable = sorted(((weights.probability(run.features), run) for run in scored), key=lambda pair: -pair[0])
    lowest = _lowest(probable, weights, min_score)
    best = [(score, run) for score, run in probable if score >= lowest]
    heads = _heads(snapshot, [run.found.segment for _, run in best])
    if newest_first:
        best.sort(key=lambda pair: _date(heads[pair[1].found.segment.document_id]), reverse=True)
    return [
        _hit(place, score, run, heads[run.found.segment.document_id], query, snapshot, scope)
        for place, (score, run) in enumerate(best[:top_k], start=1)
    ]


def _date(head: DocumentHead) -> str:
    return head.metadata.date.value if head.metadata.date else ""


def _lowest(probable: Sequence[tuple[float, Scored]], weights: Weights, min_score: float | None) -> float:
    """The score that a hit needs: if the best one reaches the threshold, others may stay somewhat below it."""
    if min_score is not None:
        return min_score
    is_answered = bool(probable) and probable[0][0] >= weights.threshold
    return _FOLLOWING_SHARE * weights.threshold if is_answered else math.inf


def find_runs(
    folded: str,
    snapshot: Snapshot,
    embedder: Embedder,
    weights: Weights,
    *,
    background: float,
    limit: int = _MIN_PASSAGES,
) -> list[Scored]:
    """What `rank` chooses among, for fitting its weights."""
    query = read_query(folded, snapshot)
    return _score(query, snapshot, embedder, weights, "both", background=background, scope=None, limit=limit)


def _score(
    query: Query,
    snapshot: Snapshot,
    embedder: Embedder,
    weights: Weights,
    legs: Legs,
    *,
    background: float,
    scope: Scope | None,
    limit: int,
) -> list[Scored]:
    """The best run of sentences of each of the `limit` best passages, in no order."""
    if not query.terms:
        return []
    found = find_passages(query, snapshot, embedder, weights.fusion, legs, scope=scope, wanted=limit)[:limit]
    heads = _heads(snapshot, [passage.segments[0].segment for passage in found])
    segments = snapshot.segment_count()
    return [
        _Passage(query, passage, heads[passage.segments[0].segment.document_id], segments).best_run(
            weights, background
        )
        for passage in found
    ]


def _heads(snapshot: Snapshot, segments: Sequence[StoredSegment]) -> dict[str, DocumentHead]:
    ids = list(dict.fromkeys(segment.document_id for segment in segments))
    return {head.id: head for head in snapshot.heads(ids)}


class _Passage:
    """One passage looked at closely: its sentences, and how often each term of the query stands in each."""

    def __init__(self, query: Query, found: FoundPassage, head: DocumentHead, segments: int) -> None:
        self._query, self._found = query, found
        self._library = math.log10(max(segments, 1)) / 10
        segment = found.segments[0].segment
        self._text = segment.passage_text
        self._start = segment.passage_span.start
        self._is_heading = float(segment.is_heading)
        self._places = {place.extent.start - self._start for place in segment.places}
        self._sentences = split_sentences(self._text, Span(0, len(self._text)), self._places)
        self._sums = query.running_counts([fold(sentence.of(self._text)) for sentence in self._sentences])
        labels = [place.label for place in segment.places if place.extent.start <= self._start]
        self._headings = query.presence(fold("\n".join(labels)))
        self._title = query.presence(fold(_letterhead(head)))

    def best_run(self, weights: Weights, background: float) -> Scored:
        """The run of sentences that most likely answers."""
        runs = [
            self._best_of(entry, weights, background)
            for entry in self._found.segments[:_SEGMENTS_PER_PASSAGE]
        ]
        return max(runs, key=lambda run: weights.logit(run.features))

    def _best_of(self, entry: Found, weights: Weights, background: float) -> Scored:
        """The best one inside a segment."""
        start, end = (position - self._start for position in entry.segment.span)
        inside = [i for i, sentence in enumerate(self._sentences) if start <= sentence.start < end]
        in_topic = self._query.presence(fold(entry.segment.topic))
        context = np.maximum.reduce(
            [_TOPIC_WORTH * in_topic, _HEADING_WORTH * self._headings, _TITLE_WORTH * self._title]
        )
        inside_or_around = [np.minimum(self._sums[-1], 1), in_topic, self._headings, self._title]
        around = np.maximum.reduce(inside_or_around)
        similarity = max(0.0, (entry.cosine - background) / max(1e-3, 1 - background))
        coverage, evidence = self._query.coverage(around), self._query.evidence(around)
        missing = _mean([here == 0 for here, word in zip(around, self._query.is_word, strict=True) if word])
        topic = self._query.coverage(in_topic)
        behind = min(1.0, self._found.behind / FAR_BEHIND)
        runs: list[tuple[Features, int, int]] = []
        for first in inside:
            for last in range(first, min(first + _MAX_RUN, inside[-1] + 1)):
                span = Span(self._sentences[first].start, self._sentences[last].end)
                lexical = _bm25(
                    self._query, self._sums[last + 1] - self._sums[first], context, span.end - span.start
                )
                lacks = float(_lacks(self._query, span.of(self._text)))
                features = Features(
                    lexical,
                    coverage,
                    evidence,
                    similarity,
                    missing,
                    lacks,
                    self._is_heading,
                    topic,
                    behind,
                    self._library,
                )
                runs.append((features, first, last))
        features, first, last = max(runs, key=lambda run: weights.logit(run[0]))
        if topic >= _TOPIC_QUESTION:
            first, last = inside[0], inside[-1]
        span = self._long_enough(first, last)
        return Scored(
            Span(span.start + self._start, span.end + self._start), features, entry, self._found.features
        )

    def _long_enough(self, first: int, last: int) -> Span:
        """A sentence that is only a label (「三是强化责任追究。」) or asks (「为什么…呢？」) takes the next one along, up
        to the next place."""
        sentences = self._sentences
        while last + 1 < len(sentences) and (
            sentences[last].end - sentences[first].start < _MIN_QUOTE_CHARS
            or _QUESTION.search(self._text, sentences[last].start, sentences[last].end)
        ):
            following = sentences[last + 1]
            if following.start in self._places or find_lead_in(self._text, following.start, following.end):
                break
            if following.end - sentences[first].start > _MAX_QUOTE_CHARS:
                break
            last += 1
        return Span(sentences[first].start, sentences[last].end)


def _letterhead(head: DocumentHead) -> str:
    fields = (head.metadata.issuer, head.metadata.speaker, head.metadata.date, head.metadata.doc_number)
    return "\n".join([head.title, *(field.value for field in fields if field)])


def _lacks(query: Query, text: str) -> bool:
    if query.asks_date:
        return _DATE.search(text) is None
    return query.asks_number and _NUMBER.search(text) is None


def _bm25(
    query: Query, counts: npt.NDArray[np.float64], context: npt.NDArray[np.float64], length: int
) -> float:
    """BM25 of a run over the most it could be; a term that stands only around it counts for its `context` worth."""
    norm = _K1 * (1 - _B + _B * length / _USUAL_CHARS)
    gains = np.where(counts > 0, counts / (counts + norm), context / (1 + norm))
    weights = query.counts * query.weights
    total = float(weights.sum())
    return float(weights @ gains) / total if total else 0.0


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


def _hit(
    place: int,
    score: float,
    run: Scored,
    head: DocumentHead,
    query: Query,
    snapshot: Snapshot,
    scope: Scope | None,
) -> Hit:
    segment = run.found.segment
    start = segment.passage_span.start
    also_in, others = _copies(run, snapshot, scope)
    return Hit(
        rank=place,
        score=score,
        similarity=run.found.cosine,
        quote=segment.passage_text[run.span.start - start : run.span.end - start],
        quote_span=run.span,
        passage=segment.passage_text,
        passage_span=segment.passage_span,
        source=_source(head, run.span, segment.places, segment.paragraph, segment.page),
        why=Why(
            run.found.dense_rank, run.found.lexical_rank, query.matched_words(fold(segment.passage_text))
        ),
        also_in=also_in,
        places=others + 1,
    )


def _copies(run: Scored, snapshot: Snapshot, scope: Scope | None) -> tuple[tuple[Copy, ...], int]:
    segment = run.found.segment
    copies, total = snapshot.copies(segment.passage_id, segment.digest, _MAX_COPIES, scope)
    heads = {
        head.id: head for head in snapshot.heads(list(dict.fromkeys(copy.document_id for copy in copies)))
    }
    also_in = []
    for copy in copies:
        moved = copy.passage_span.start - segment.passage_span.start
        span = Span(run.span.start + moved, run.span.end + moved)
        also_in.append(
            Copy(span, _source(heads[copy.document_id], span, copy.places, copy.paragraph, copy.page))
        )
    return tuple(also_in), total


def _source(
    head: DocumentHead, quote: Span, places: Sequence[Place], paragraph: int, page: int | None
) -> Source:
    said = {
        name: field and field.value
        for name in ("issuer", "speaker", "date", "doc_number", "recipient", "kind", "meeting")
        for field in [getattr(head.metadata, name)]
    }
    return Source(
        document_id=head.id,
        sha256=head.sha256,
        title=head.title,
        filename=head.filename,
        paragraph=paragraph,
        page=page,
        outline=tuple(p.label for p in places if p.extent.start <= quote.start < p.extent.end),
        **said,
    )
