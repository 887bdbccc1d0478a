"""A question after the ones before it, answered: by the numbered place that it asks for, or by what is most alike."""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace

from embeddings.corrections import correct
from embeddings.dialogue import alone, complete_question, is_follow_up, join_question, own_words
from embeddings.embedder import Embedder
from embeddings.fusion import Legs
from embeddings.literals import put_literals_first, read_literals
from embeddings.place_matching import Focus
from embeddings.place_questions import read_place_question
from embeddings.places import PlaceFinder, Told
from embeddings.queries import MAX_QUERY_CHARS, read_query, validate_query
from embeddings.ranking import load_weights, rank
from embeddings.reranker import Reranking
from embeddings.storage import Scope, Snapshot
from embeddings.terms import fold, term_runs
from embeddings.types import Hit

# A question that is answered so surely is not looked at for slips of typing; a correction must make an answer so many
# times likelier.
_SURE, _BETTER = 0.9, 2.0
# What holds the very words is looked for among so many passages.
_MANY = 100
# A dialogue is followed so far back.
_MAX_TURNS = 20
_MAX_FOCUSES = 3
# By how much (in log odds) a follow-up is likelier answered in the document that the question before was.
_SAME_DOCUMENT = 2.0
# A question that could stand alone is taken for a follow-up if it is answered so nearly as well as one.
_JOINED_SHARE = 0.7
# So is a short one that is hardly answered alone.
L1,L2,S0,MAXS,FLOOR=8,8,25,60,0


@dataclass(frozen=True, slots=True)
class Search:
    """How questions are answered by what is most alike: the values are those of `rank`, and the re-ranker that is
    asked of what it finds."""

    snapshot: Snapshot
    embedder: Embedder
    _: KW_ONLY
    background: float
    top_k: int
    min_score: float | None
    legs: Legs
    scope: Scope | None
    newest_first: bool
    reranking: Reranking | None

    def answer(self, question: str) -> list[Hit]:
        """The hits for one question that stands alone: what it wants word for word first, slips of typing corrected
        where that makes an answer likelier."""
        folded = validate_query(question)
        hits = self._rank(question)
        if literals := read_literals(folded):
            return put_literals_first(literals, hits, self.snapshot, self.scope, self._rank_within)
        if hits and hits[0].score >= _SURE:
            return hits
        corrected = correct(folded, self.snapshot)
        better = self._rank(corrected) if corrected else []
        if not better or (hits and _odds(better[0].score) < _BETTER * _odds(hits[0].score)):
            return hits
        return [replace(hit, why=replace(hit.why, corrected_query=corrected)) for hit in better]

    def _rank_within(self, question: str, scope: Scope, min_score: float | None) -> list[Hit]:
        top_k = self.top_k if min_score is None else _MANY
        lowest = self.min_score if min_score is None else min_score
        return replace(self, scope=scope, top_k=top_k, min_score=lowest)._rank(question)

    def _rank(self, question: str) -> list[Hit]:
        reranking, lowest = self.reranking, self.min_score
        hits = rank(
            validate_query(question),
            self.snapshot,
            self.embedder,
            load_weights(),
            background=self.background,
            top_k=max(self.top_k, reranking.hits) if reranking else self.top_k,
            # A score that the re-ranker may still raise is no reason to leave a hit out.
            min_score=0.0 if reranking and lowest is not None else lowest,
            legs=self.legs,
            scope=self.scope,
            newest_first=self.newest_first,
        )
        if reranking is None:
            return hits
        again = reranking.apply(question, hits)
        return [hit for hit in again if lowest is None or hit.score >= lowest][: self.top_k]


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a question of a dialogue means, asked alone, and what answers it."""

    meaning: str
    told: Told


class Dialogue:
    """Answers questions by the places that they ask for, or by `search`."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._places = PlaceFinder(search.snapshot, search.scope)
        self._turns: dict[int, _Turn] = {}

    def ask(self, question: str, history: Sequence[str]) -> list[Hit]:
        """The hits, best first, numbered from 1."""
        earlier = [turn for turn in history[-_MAX_TURNS:] if _is_question(turn)]
        hits = self._turn(question, earlier).told.hits
        return [replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1)]

    def _turn(self, question: str, history: Sequence[str]) -> _Turn:
        """One turn; each is answered once."""
        if len(history) not in self._turns:
            self._turns[len(history)] = self._answer(question.strip(), history)
        return self._turns[len(history)]

    def _before(self, history: Sequence[str]) -> _Turn:
        return self._turn(history[-1], history[:-1]) if history else _Turn("", Told((), None))

    def _answer(self, question: str, history: Sequence[str]) -> _Turn:
        completed = question
        asked = read_place_question(fold(question))
        if asked is None and is_follow_up(question):
            completed = complete_question(question, [self._before(history).meaning])
            asked = read_place_question(fold(completed))
        if asked is not None:
            before = self._before(history).told
            for focus in _focuses(before) or [None]:
                if told := self._places.tell(asked, focus):
                    return _Turn(completed, told)
            if asked.kind == "more" and before.hits:
                return _Turn(completed, Told(before.hits[1:], before.focus))
            if asked.is_bare and history:
                return _Turn(completed, Told((), before.focus))
        return self._follow(question, completed, history) if history else self._standing(question)

    def _standing(self, question: str) -> _Turn:
        hits = self._search.answer(question)
        return _Turn(question, Told(tuple(hits), _focus(hits)))

    def _follow(self, question: str, completed: str, history: Sequence[str]) -> _Turn:
        """`question` as it stands or as it follows, whichever is answered better for how much it says itself."""
        rest = alone(question)
        if rest is None:
            return self._following(question, completed, history)
        said = self._said(question)
        if said > MAXS:
            return self._standing(question)
        joined = self._following(question, join_question(rest, self._before(history).meaning), history)
        standing = self._standing(rest)
        if not joined.told.hits:
            return standing
        b = _log_odds(joined.told.hits[0].score) + (S0 - said) / L2
        a = _log_odds(standing.told.hits[0].score) if standing.told.hits else -math.inf
        return joined if b > max(a, FLOOR) else standing

    def _following(self, question: str, meaning: str, history: Sequence[str]) -> _Turn:
        hits = self._judged(self._search.answer(meaning), question, history)
        return _Turn(meaning, Told(tuple(hits), _focus(hits)))

    def _said(self, question):
        return float(read_query(own_words(question), self._search.snapshot).positions.weights.sum())

    def _judged(self, hits: list[Hit], question: str, history: Sequence[str]) -> list[Hit]:
        """`hits`, those of the document that the dialogue is at likelier by what that tells."""
        if not hits:
            return hits
        focus = self._before(history).told.focus
        query = read_query(own_words(question), self._search.snapshot)
        said = float(query.positions.weights.sum())
        held = query.coverage(query.presence([fold(hit.quote) for hit in hits])) if said else [1.0]*len(hits)
        judged = []
        for hit, share in zip(hits, held, strict=True):
            more = _SAME_DOCUMENT if focus and hit.source.document_id == focus.document_id else 0.0
            judged.append(replace(hit, score=_moved(hit.score, more - said * (1 - share) / L1)))
        return judged if self._search.newest_first else sorted(judged, key=lambda hit: -hit.score)


def _is_question(turn: str) -> bool:
    return len(turn) <= MAX_QUERY_CHARS and bool(term_runs(fold(turn)))


def _odds(score: float) -> float:
    return score / max(1e-6, 1 - score)


def _log_odds(score):
    return math.log(max(1e-9, _odds(score)))


def _moved(score: float, by: float) -> float:
    odds = _odds(score) * math.exp(by)
    return odds / (1 + odds)


def _focuses(before: Told) -> list[Focus | None]:
    """What a dialogue may be at, likeliest first: the answer before, or other documents found with it."""
    focuses = [before.focus] if before.focus else []
    for hit in before.hits:
        if len(focuses) < _MAX_FOCUSES and all(hit.source.document_id != one.document_id for one in focuses):
            focuses.append(Focus(hit.source.document_id, hit.quote_span))
    return list(focuses)


def _focus(hits: Sequence[Hit]) -> Focus | None:
    return Focus(hits[0].source.document_id, hits[0].quote_span) if hits else None
