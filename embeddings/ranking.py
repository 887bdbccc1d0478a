"""From the two legs to hits: fusion, the choice of the quote, a calibrated score, and knowing when there is no answer.

First the passages that either leg found are ranked by what is cheaply known of them (`fusion`). Then, in the best of
them, every run of sentences is looked at closely: a linear model of a few features chooses the run to quote and puts
the passages in order, and more is asked of the first three; the softmax of its values is how likely each of them
answers, if anything does. How likely the first one does is told by a logistic model, which may look at how far it is
ahead: that is its score, and those of the others follow by the odds that the softmax gives them.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.fusion import Found, FoundPassage, Legs, find_passages
from embeddings.queries import Query, read_query
from embeddings.regions import find_regions, overlap
from embeddings.sources import make_source
from embeddings.space import Space
from embeddings.splitting import find_lead_in, split_sentences
from embeddings.storage import DocumentHead, Scope, Snapshot, StoredCopy
from embeddings.terms import fold_all
from embeddings.types import Copy, Hit, Span, Why
from embeddings.weights import Features, First, Missing, Weights, largeness, sigmoid

_MAX_COPIES = 20
# Of so many passages that answer the newest are given, where the newest are asked for.
_NEWEST_AMONG = 200
_MIN_PASSAGES = 12
_FOLLOWING_SHARE = 0.02
_SEGMENTS_PER_PASSAGE = 3
# So many of the best runs are looked at again.
LOOKED_AT_AGAIN = 3
# What the model of the order makes of passages that have nothing to do with a query, about.
_UNRELATED_VALUE = 0.0
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


@dataclass(frozen=True, slots=True)
class Scored:
    """A run of sentences that may answer, with the segment that it was found by, its passage, and the head of its
    document. `value` is what the linear model makes of its features, or less: it never rises from one to the next."""

    span: Span
    value: float
    features: Features
    found: Found
    passage: FoundPassage
    head: DocumentHead


def rank(
    folded: str,
    snapshot: Snapshot,
    space: Space,
    weights: Weights,
    *,
    top_k: int,
    min_score: float | None,
    legs: Legs,
    scope: Scope | None = None,
    newest_first: bool = False,
) -> list[Hit]:
    """The hits for a query that `validate_query` folded, best first, at most one a text of a passage.

    `newest_first` orders by date what answers; what has no date comes last.
    """
    query = read_query(folded, snapshot)
    limit = max(top_k, _NEWEST_AMONG if newest_first else _MIN_PASSAGES)
    runs = _choose_runs(query, snapshot, space, weights, legs, scope=scope, limit=limit)
    scored = _score(runs, query, space, weights, snapshot.segment_count())
    lowest = least_score(scored[0][0] if scored else 0.0, weights, min_score)
    best = [(score, run) for score, run in scored if score >= lowest]
    if newest_first:
        best.sort(key=lambda pair: _date(pair[1].head), reverse=True)
    return _hits(best[:top_k], query, snapshot, scope)


def lead(values: Sequence[float]) -> float:
    """The logarithm of the share of the first of `values`, which is the highest, in the softmax of the best twelve;
    where there are not so many passages, unrelated ones are thought to be there."""
    best = [*values[:_MIN_PASSAGES], *[_UNRELATED_VALUE] * (_MIN_PASSAGES - len(values))]
    return -math.log(math.fsum(math.exp(value - values[0]) for value in best))


def look_again(
    values: Sequence[float], looks: Sequence[tuple[First, Missing]], weights: Weights, segments: int
) -> list[tuple[int, float]]:
    """The places of `values`, of which the first few are moved by what is known of each if it came first, in their new
    order; and what is left of each value, for none rises."""
    moves = [weights.again.move(first, missing, segments) for first, missing in looks]
    moved = [value - (max(moves) - move) for value, move in zip(values, moves, strict=False)]
    moved += values[len(moves) :]
    order = [*sorted(range(len(moves)), key=lambda place: -moved[place]), *range(len(moves), len(moved))]
    return list(zip(order, accumulate((moved[place] for place in order), min), strict=True))


def _score(
    runs: Sequence[Scored], query: Query, space: Space, weights: Weights, segments: int
) -> list[tuple[float, Scored]]:
    """`runs`, best first, each with how likely it answers."""
    if not runs:
        return []
    if query.is_pasted:
        # Every passage that it was taken from answers, and says but a part of it: none need be ahead of the others.
        first = First(0.0, runs[0].features.coverage, asked=1.0, other_year=0.0, other_region=0.0)
        missing = Missing((), ())
    else:
        few = LOOKED_AT_AGAIN if largeness(segments) < 1 else 1
        looks = _firsts(runs[:few], query, space)
        order = look_again([run.value for run in runs], looks, weights, segments)
        runs = [_lowered(runs[place], value) for place, value in order]
        first, missing = looks[order[0][0]]
        first = first._replace(lead=lead([run.value for run in runs]))
    logit = weights.confidence.logit(runs[0].features, first, missing, segments)
    return [(sigmoid(logit + run.value - runs[0].value), run) for run in runs]


def _lowered(run: Scored, value: float) -> Scored:
    return run if run.value == value else replace(run, value=value)


def _firsts(runs: Sequence[Scored], query: Query, space: Space) -> list[tuple[First, Missing]]:
    """What would be known of each of `runs` if it were the only one and came first."""
    topics = fold_all([run.found.segment.topic for run in runs])
    letterheads = fold_all([_letterhead(run.head) for run in runs])
    texts, around = [], []
    for run, topic, letterhead in zip(runs, topics, letterheads, strict=True):
        start, end = (position - run.found.segment.passage_span.start for position in run.span)
        texts.append(query.with_synonyms(f"{run.passage.text[start:end]}\n{topic}"))
        around.append(
            query.with_synonyms("\n".join([run.passage.text, topic, run.passage.headings, letterhead]))
        )
    met, absent = space.met(query.content, texts), space.absent(query.content, around)
    return [
        (
            First(
                lead=0.0,
                met=met[place],
                asked=any(part in text for part in query.asked()),
                other_year=any(year not in around[place] for year in query.years),
                other_region=_is_elsewhere(query.regions, letterheads[place], around[place]),
            ),
            Missing(absent[place], query.wanted.untold(text)),
        )
        for place, text in enumerate(texts)
    ]


def _is_elsewhere(regions: set[str], letterhead: str, around: str) -> bool:
    """Whether a document is of other regions than `regions`, and none of these stands around."""
    return bool(regions and find_regions(letterhead)) and not overlap(regions, find_regions(around))


def _date(head: DocumentHead) -> str:
    return head.metadata.date.value if head.metadata.date else ""


def least_score(score: float, weights: Weights, min_score: float | None) -> float:
    """What a hit needs: if `score`, that of the first one, reaches the threshold, others may stay far below
    it."""
    if min_score is not None:
        return min_score
    return _FOLLOWING_SHARE * weights.threshold if score >= weights.threshold else math.inf


def find_runs(
    folded: str, snapshot: Snapshot, space: Space, weights: Weights, *, limit: int = _MIN_PASSAGES
) -> list[tuple[Scored, First, Missing]]:
    """What `rank` chooses among, each with what would be known if it were the only one and came first; for fitting its
    weights."""
    query = read_query(folded, snapshot)
    runs = _choose_runs(query, snapshot, space, weights, "both", scope=None, limit=limit)
    return [(run, *known) for run, known in zip(runs, _firsts(runs, query, space), strict=True)]


def _choose_runs(
    query: Query,
    snapshot: Snapshot,
    space: Space,
    weights: Weights,
    legs: Legs,
    *,
    scope: Scope | None,
    limit: int,
) -> list[Scored]:
    """The best run of sentences of each of the `limit` best passages, best first.

    Only the first of them are put in another order than that of the fusion, however many are wanted.
    """
    if not query.terms:
        return []
    vector = space.embedder.encode_queries([query.content])[0]
    found = find_passages(query, vector, snapshot, space, weights.fusion, legs, scope=scope, wanted=limit)
    if not found:
        return []
    heads = _heads(snapshot, [passage.document_id for passage in found])
    passages = [_Passage(passage, heads[passage.document_id]) for passage in found]
    runs = [run for number, passage in enumerate(passages) for run in passage.runs(number)]
    # Of one leg alone nothing is known that could be compared.
    subject = 0.0 if legs == "lexical" else space.nearest_subject(vector)
    described = _describe(query, passages, runs, space, subject)
    values = (described @ np.array(weights.features)).tolist()
    best: dict[int, int] = {}
    for place, run in enumerate(runs):
        if run.passage not in best or values[place] > values[best[run.passage]]:
            best[run.passage] = place
    chosen = list(best.values())
    close = sorted(chosen[:_MIN_PASSAGES], key=lambda place: -values[place])
    order = [*close, *chosen[_MIN_PASSAGES:]]
    lowered = accumulate((values[place] for place in order), min)
    return [
        passages[runs[place].passage].scored(runs[place], value, Features(*described[place].tolist()))
        for place, value in zip(order, lowered, strict=True)
    ]


def _heads(snapshot: Snapshot, document_ids: Iterable[str]) -> dict[str, DocumentHead]:
    return {head.id: head for head in snapshot.heads(list(dict.fromkeys(document_ids)))}


class _Run(NamedTuple):
    """The sentences `first` to `last` of the passage of a number, inside a segment that was found."""

    passage: int
    found: Found
    first: int
    last: int


def _describe(
    query: Query, passages: Sequence["_Passage"], runs: Sequence[_Run], space: Space, subject: float
) -> npt.NDArray[np.float64]:
    """(runs, features). `subject` is the similarity of the query to the nearest subject of texts at large."""
    of = np.array([run.passage for run in runs])
    sentences = [text for passage in passages for text in passage.folded_sentences()]
    headings = [passage.found.headings for passage in passages]
    letterheads = fold_all([_letterhead(passage.head) for passage in passages])
    topics = fold_all([run.found.segment.topic for run in runs])
    occurrences = query.occurrences([*sentences, *headings, *letterheads, *topics])
    parts = accumulate(len(each) for each in (sentences, headings, letterheads, topics))
    counts, in_headings, in_title, in_topic = (occurrences[start:end] for start, end in pairwise([0, *parts]))
    in_headings, in_title, in_topic = (
        np.minimum(each, 1) for each in (in_headings[of], in_title[of], in_topic)
    )
    sums = np.vstack([np.zeros(len(query.terms)), counts.cumsum(axis=0)])
    starts = np.cumsum([0, *(len(passage.sentences) for passage in passages)])
    in_passage = np.minimum(sums[starts[1:]] - sums[starts[:-1]], 1)[of]
    in_run = (
        sums[starts[of] + [run.last + 1 for run in runs]] - sums[starts[of] + [run.first for run in runs]]
    )
    around = reduce(np.maximum, (in_passage, in_topic, in_headings, in_title))
    context = reduce(
        np.maximum, (_TOPIC_WORTH * in_topic, _HEADING_WORTH * in_headings, _TITLE_WORTH * in_title)
    )
    texts = [passages[run.passage].text_of(run) for run in runs]
    cosine = np.array([run.found.cosine for run in runs])
    words = np.flatnonzero(query.is_word)
    coverage = query.coverage(around)
    # The letters of a word that is nowhere say nothing, however near the vectors are.
    missing = (around[:, words] == 0).sum(axis=1) / max(1, len(words))
    similar = space.similarity(cosine) * (1 - missing * len(words) / len(query.terms))
    described = {
        "lexical": _bm25(query, in_run, context, np.array([len(text) for text in texts])),
        "coverage": coverage,
        "evidence": query.evidence(coverage),
        "similarity": similar,
        "elsewhere": np.maximum(0.0, subject - similar),
        "missing_numbers": missing,
        "lacks": np.array(
            [query.wanted.lacks(f"{text}\n{t}") for text, t in zip(texts, topics, strict=True)]
        ),
        # What opens a list says of what it is; each item tells but a part of that.
        "topic": query.coverage(in_topic) * [not topic.endswith(":") for topic in topics],
        "behind": np.array([passage.found.behind for passage in passages])[of],
    }
    return np.column_stack([described[name] for name in Features._fields])


class _Passage:
    """One passage looked at closely, sentence by sentence."""

    def __init__(self, found: FoundPassage, head: DocumentHead) -> None:
        self.found, self.head = found, head
        segment = found.segments[0].segment
        self._text = segment.passage_text
        self._start = segment.passage_span.start
        self._places = {place.extent.start - self._start for place in segment.places}
        self.sentences = split_sentences(self._text, Span(0, len(self._text)), self._places)

    def folded_sentences(self) -> list[str]:
        return [sentence.of(self.found.text) for sentence in self.sentences]

    def runs(self, number: int) -> list[_Run]:
        """The runs of sentences that may answer: each lies inside a segment."""
        return [
            _Run(number, found, first, last)
            for found in self.found.segments[:_SEGMENTS_PER_PASSAGE]
            for inside in [self._inside(found)]
            for first in inside
            for last in range(first, min(first + _MAX_RUN, inside[-1] + 1))
        ]

    def text_of(self, run: _Run) -> str:
        """Folded."""
        return self.found.text[self.sentences[run.first].start : self.sentences[run.last].end]

    def scored(self, run: _Run, value: float, features: Features) -> Scored:
        inside = self._inside(run.found)
        is_topic = features.topic >= _TOPIC_QUESTION
        first, last = (inside[0], inside[-1]) if is_topic else (run.first, run.last)
        start, end = self._long_enough(first, last)
        span = Span(start + self._start, end + self._start)
        return Scored(span, value, features, run.found, self.found, self.head)

    def _inside(self, found: Found) -> list[int]:
        """The sentences of a segment."""
        start, end = (position - self._start for position in found.segment.span)
        return [i for i, sentence in enumerate(self.sentences) if start <= sentence.start < end]

    def _long_enough(self, first: int, last: int) -> Span:
        """A sentence that is only a label (「三是强化责任追究。」) or asks (「为什么…呢？」) takes the next one along, up
        to the next place."""
        sentences = self.sentences
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


def _bm25(
    query: Query,
    counts: npt.NDArray[np.float64],
    context: npt.NDArray[np.float64],
    lengths: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """BM25 of runs over the most it could be; a term that stands only around one counts for its `context` worth."""
    norm = _K1 * (1 - _B + _B * lengths[:, None] / _USUAL_CHARS)
    gains = np.where(counts > 0, counts / (counts + norm), context / (1 + norm))
    weights = query.counts * query.weights
    total = float(weights.sum())
    return (gains * weights).sum(axis=1) / total if total else np.zeros(len(counts))


def _hits(
    best: Sequence[tuple[float, Scored]], query: Query, snapshot: Snapshot, scope: Scope | None
) -> list[Hit]:
    copies = snapshot.copies([run.found.segment for _, run in best], _MAX_COPIES, scope)
    heads = _heads(snapshot, [copy.document_id for stored, _ in copies for copy in stored])
    return [
        _hit(place, score, run, query, _copies(run, stored, heads), others + 1)
        for place, ((score, run), (stored, others)) in enumerate(zip(best, copies, strict=True), start=1)
    ]


def _hit(place: int, score: float, run: Scored, query: Query, also_in: tuple[Copy, ...], places: int) -> Hit:
    segment = run.found.segment
    start = segment.passage_span.start
    return Hit(
        rank=place,
        score=score,
        similarity=run.found.cosine,
        quote=segment.passage_text[run.span.start - start : run.span.end - start],
        quote_span=run.span,
        passage=segment.passage_text,
        passage_span=segment.passage_span,
        source=make_source(run.head, run.span.start, segment.paragraph, segment.page, segment.places),
        why=Why(run.found.dense_rank, run.found.lexical_rank, query.matched_words(run.passage.text)),
        also_in=also_in,
        places=places,
    )


def _copies(run: Scored, stored: Sequence[StoredCopy], heads: Mapping[str, DocumentHead]) -> tuple[Copy, ...]:
    also_in = []
    for copy in stored:
        moved = copy.passage_span.start - run.found.segment.passage_span.start
        span = Span(run.span.start + moved, run.span.end + moved)
        head = heads[copy.document_id]
        also_in.append(Copy(span, make_source(head, span.start, copy.paragraph, copy.page, copy.places)))
    return tuple(also_in)
