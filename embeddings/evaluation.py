"""Labelled questions to figures.

A hit is right at passage level if its passage, and at quote level if its quote, holds at least half of a gold
span. Every gold span counts once. nDCG is that of Järvelin and Kekäläinen (2002) with gains of 0 and 1.
"""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean, median, quantiles

from embeddings.collection import Collection
from embeddings.errors import InvalidInput
from embeddings.fusion import Legs
from embeddings.types import Hit, Span

_DEPTH = 10
_HELD_SHARE = 0.5
_LOSSES = (0.01, 0.02, 0.05)


@dataclass(frozen=True, slots=True)
class Gold:
    filename: str
    span: Span


@dataclass(frozen=True, slots=True)
class Question:
    """`gold` holds the alternatives that answer it, none where nothing does; `history` the questions before it."""

    question: str
    gold: tuple[Gold, ...]
    kind: str
    split: str
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """Means over the answerable questions."""

    hit_at_1: float
    hit_at_3: float
    hit_at_10: float
    mrr: float
    ndcg_at_10: float


@dataclass(frozen=True, slots=True)
class KindReport:
    """Of the questions of one kind: the answerable ones whose first quote is right, the unanswerable ones that got
    no hit."""

    kind: str
    questions: int
    right: float


@dataclass(frozen=True, slots=True)
class Refusals:
    """What threshold soever the collection has: the share of unanswerable questions `refused` by the highest one that
    loses no more than the share `lost` of answerable ones."""

    lost: float
    refused: float


@dataclass(frozen=True, slots=True)
class Report:
    """`answer_share` is the share of the first quote's characters that are gold, where that quote is right;
    `lost` the share of answerable questions that got no hit, `false_answers` that of unanswerable ones that
    got one. Latencies are of one search, in milliseconds."""

    legs: Legs
    answerable: int
    unanswerable: int
    passage: Level
    quote: Level
    answer_share: float
    lost: float
    false_answers: float
    median_ms: float
    p95_ms: float
    kinds: tuple[KindReport, ...]
    refusals: tuple[Refusals, ...]

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def load_questions(path: Path) -> list[Question]:
    """The questions of a JSON-lines file, as `seeds/questions.jsonl` has them.

    Raises:
        InvalidInput: a line is not such a question; names the line.
    """
    questions = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            record = json.loads(line)
            gold = tuple(Gold(g["filename"], Span(g["start"], g["end"])) for g in record["gold"])
            kind, split = record.get("kind", ""), record.get("split", "")
            history = tuple(str(earlier) for earlier in record.get("history", ()))
            questions.append(Question(record["question"], gold, kind, split, history))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(
                f"Line {number} of {path.name} is not a question: each line is a JSON object with “question” and"
                " “gold”, a list of {filename, start, end}."
            ) from error
    if not questions:
        raise InvalidInput(f"{path.name} holds no questions.")
    return questions


def evaluate(collection: Collection, questions: Sequence[Question], *, legs: Legs = "both") -> Report:
    """Ask every question of `collection` with the given legs."""
    answerable = [question for question in questions if question.gold]
    unanswerable = [question for question in questions if not question.gold]
    times: list[float] = []
    found = [_ask(collection, question, legs, times) for question in answerable]
    false_answers = [bool(_ask(collection, question, legs, times)) for question in unanswerable]
    pairs = list(zip(answerable, found, strict=True))
    right = [(q.kind, any(_gains(q, [(h, h.quote_span) for h in hits[:1]]).found)) for q, hits in pairs]
    right += [(q.kind, not is_false) for q, is_false in zip(unanswerable, false_answers, strict=True)]
    shares = [_answer_share(hits[0], question) for question, hits in pairs if hits]
    return Report(
        legs=legs,
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        passage=_level([_gains(question, [(h, h.passage_span) for h in hits]) for question, hits in pairs]),
        quote=_level([_gains(question, [(h, h.quote_span) for h in hits]) for question, hits in pairs]),
        answer_share=_mean([share for share in shares if share > 0]),
        lost=_mean([not hits for hits in found]),
        false_answers=_mean(false_answers),
        median_ms=median(times) if times else 0.0,
        p95_ms=quantiles(times, n=20)[-1] if len(times) > 1 else 0.0,
        refusals=_refusals(
            [_first_score(collection, question, legs) for question in answerable],
            [_first_score(collection, question, legs) for question in unanswerable],
        ),
        kinds=tuple(
            KindReport(kind, len(of_kind), _mean(of_kind))
            for kind in dict.fromkeys(question.kind for question in questions)
            for of_kind in [[is_right for other, is_right in right if other == kind]]
        ),
    )


@dataclass(frozen=True, slots=True)
class _Gains:
    """For each rank whether a gold span was found there for the first time, and how many there are."""

    found: tuple[bool, ...]
    possible: int


def _ask(collection: Collection, question: Question, legs: Legs, times: list[float]) -> list[Hit]:
    # The threshold is that of both legs together; one alone is ranked only.
    min_score = None if legs == "both" else 0.0
    start = time.perf_counter()
    hits = collection.search(
        question.question, top_k=_DEPTH, min_score=min_score, legs=legs, history=question.history
    )
    times.append((time.perf_counter() - start) * 1000)
    return hits


def _first_score(collection: Collection, question: Question, legs: Legs) -> float:
    """That of the first hit, however low."""
    hits = collection.search(question.question, top_k=1, min_score=0.0, legs=legs, history=question.history)
    return hits[0].score if hits else 0.0


def _refusals(answerable: Sequence[float], unanswerable: Sequence[float]) -> tuple[Refusals, ...]:
    scores = sorted(answerable) or [0.0]
    lowest = [scores[int(lost * len(scores))] for lost in _LOSSES]
    return tuple(
        Refusals(lost, _mean([score < threshold for score in unanswerable]))
        for lost, threshold in zip(_LOSSES, lowest, strict=True)
    )


def _gains(question: Question, spans: Sequence[tuple[Hit, Span]]) -> _Gains:
    left = set(question.gold)
    found = []
    for hit, span in spans:
        new = {gold for gold in left if gold.filename == hit.source.filename and holds(span, gold.span)}
        found.append(bool(new))
        left -= new
    return _Gains(tuple(found), len(question.gold))


def holds(span: Span, gold: Span) -> bool:
    """Whether `span` is right for `gold`: it holds at least half of it."""
    return _overlap(span, gold) >= _HELD_SHARE * (gold.end - gold.start)


def _overlap(a: Span, b: Span) -> int:
    return max(0, min(a.end, b.end) - max(a.start, b.start))


def _level(gains: Sequence[_Gains]) -> Level:
    return Level(
        hit_at_1=_mean([any(g.found[:1]) for g in gains]),
        hit_at_3=_mean([any(g.found[:3]) for g in gains]),
        hit_at_10=_mean([any(g.found) for g in gains]),
        mrr=_mean(
            [next((1 / rank for rank, is_found in enumerate(g.found, 1) if is_found), 0.0) for g in gains]
        ),
        ndcg_at_10=_mean([_ndcg(g) for g in gains]),
    )


def _ndcg(gains: _Gains) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank, is_found in enumerate(gains.found, 1) if is_found)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(gains.possible, _DEPTH) + 1))
    return gain / ideal


def _answer_share(hit: Hit, question: Question) -> float:
    """Of alternatives that overlap each other no character counts twice."""
    spans = [gold.span for gold in question.gold if gold.filename == hit.source.filename]
    if not any(holds(hit.quote_span, span) for span in spans):
        return 0.0
    held = (range(max(span.start, hit.quote_span.start), min(span.end, hit.quote_span.end)) for span in spans)
    return len(set(chain.from_iterable(held))) / len(hit.quote)


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0
