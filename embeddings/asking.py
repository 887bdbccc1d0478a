"""A question after the ones before it, answered: by the numbered place that it asks for, or by what is most alike."""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace

from embeddings.consequences import asks_consequence, put_consequence_first
from embeddings.corrections import correct
from embeddings.definitions import is_bare_term, read_defined
from embeddings.dialogue import (
    alone,
    ask_again,
    complete_question,
    is_follow_up,
    join_question,
    names_document,
    own_words,
)
from embeddings.filters import Condition
from embeddings.fusion import Legs
from embeddings.literals import put_definitions_first, put_literals_first, read_literals
from embeddings.place_matching import Focus
from embeddings.place_questions import read_place_question
from embeddings.places import PlaceFinder, Told
from embeddings.queries import MAX_QUERY_CHARS, Query, read_query, strip_asking, validate_query
from embeddings.ranking import least_score, rank
from embeddings.reranker import Reranking
from embeddings.retelling import tell_on
from embeddings.space import Space
from embeddings.storage import Scope, Snapshot
from embeddings.terms import fold, term_runs
from embeddings.types import Hit
from embeddings.weights import load_weights
from embeddings.whole_quotes import put_announced_first, quote_whole, show_openings

# A question that is answered so surely is not looked at for slips of typing; a correction must make an answer so many
# times likelier.
_SURE, _BETTER = 0.9, 2.0
# What holds the very words is looked for among so many passages.
_MANY = 100
# A dialogue is followed so far back.
_MAX_TURNS = 20
_MAX_FOCUSES = 3
# A follow-up is answered by one of so many hits, if the best few are asked for or not.
_CONSIDERED = 10
# By how much (in log odds) a follow-up is likelier answered in the document that the question before was.
_SAME_DOCUMENT = 2.0
# What a question says is weighed as `Query` does. An answer that lacks so much of it is less likely by 1 (in log odds),
# and by no more than so much: it may say it in other words.
_LACKING, _MOST = 8.0, 3.5
# A question that says so much is as likely to stand alone as not; one that says so much does.
_AS_MUCH, _TOO_MUCH = 11.0, 50.0


@dataclass(frozen=True, slots=True)
class Search:
    """How questions are answered by what is most alike: the values are those of `rank`, and the re-ranker that is
    asked of what it finds."""

    snapshot: Snapshot
    space: Space
    _: KW_ONLY
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
        hits = self._rank_told(folded)
        if defined := self._define(folded, hits):
            return defined
        if literals := read_literals(folded):
            return put_literals_first(literals, hits, self.snapshot, self.scope, self._rank_within)
        if hits and hits[0].score >= _SURE:
            return hits
        corrected = correct(folded, self.snapshot)
        better = self._rank_told(corrected) if corrected else []
        before = hits[0].score if hits else self.lowest()
        if not better or _odds(better[0].score) < _BETTER * _odds(before):
            return hits
        return [replace(hit, why=replace(hit.why, corrected_query=corrected)) for hit in better]

    def _define(self, folded: str, hits: Sequence[Hit]) -> list[Hit]:
        """`hits` and before them what defines the term that the question wants defined, or is; none where nothing does."""
        asked = read_defined(folded)
        if asked is None and (self.newest_first or not hits or not is_bare_term(folded)):
            return []

        def rank_of(asked: str, scope: Scope) -> list[Hit]:
            among = replace(
                self, scope=scope, legs="dense", min_score=0.0, newest_first=False, reranking=None
            )
            return among._rank(asked)

        return put_definitions_first(
            asked or folded, hits, self.snapshot, self.scope, rank_of, is_asked=asked is not None
        )

    def lowest(self) -> float:
        """The score that an answer needs."""
        return load_weights().threshold if self.min_score is None else self.min_score

    def _rank_told(self, folded: str) -> list[Hit]:
        """The hits, and what follows from the first where that is asked for: with it a hit may answer that alone does
        not."""
        if self.newest_first:
            return quote_whole(folded, self._rank(folded), self.snapshot)
        if not asks_consequence(folded):
            hits = put_announced_first(folded, self._rank(folded), self.snapshot)
            return quote_whole(folded, hits, self.snapshot)
        weights = load_weights()
        all_hits = self if self.reranking else replace(self, min_score=0.0)
        hits = put_consequence_first(folded, all_hits._rank(folded), self.snapshot, weights.confidence)
        least = least_score(hits[0].score if hits else 0.0, weights, self.min_score)
        return quote_whole(folded, [hit for hit in hits if hit.score >= least], self.snapshot)

    def _rank_within(self, question: str, scope: Scope, min_score: float | None) -> list[Hit]:
        top_k = self.top_k if min_score is None else _MANY
        lowest = self.min_score if min_score is None else min_score
        return replace(self, scope=scope, top_k=top_k, min_score=lowest)._rank(question)

    def _rank(self, question: str) -> list[Hit]:
        reranking, lowest = self.reranking, self.min_score
        hits = rank(
            validate_query(question),
            self.snapshot,
            self.space,
            load_weights(),
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

    def likelihood(self) -> float:
        """In log odds."""
        return math.log(max(1e-9, _odds(self.told.hits[0].score))) if self.told.hits else -math.inf

    def topic(self) -> str:
        """What a question after it may be about: the head of a place that was told, or what was asked."""
        focus = self.told.focus
        if not focus or focus.at < 0 or not self.told.hits:
            return self.meaning
        head = focus.headings[focus.at].span
        return self.told.hits[0].quote[: head.end - head.start]


class Dialogue:
    """Answers questions by the places that they ask for, or by `search`."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._places = PlaceFinder(search.snapshot, search.scope)
        self._turns: dict[int, _Turn] = {}

    def ask(self, question: str, history: Sequence[str]) -> list[Hit]:
        """The hits, best first, numbered from 1."""
        earlier = [turn for turn in history[-_MAX_TURNS:] if _is_question(turn)]
        hits = show_openings(self._turn(question, earlier).told.hits, self._search.snapshot)
        return [
            hit if hit.rank == rank else replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1)
        ]

    def _turn(self, question: str, history: Sequence[str]) -> _Turn:
        """One turn; each is answered once."""
        if len(history) not in self._turns:
            self._turns[len(history)] = self._answer(question.strip(), history)
        return self._turns[len(history)]

    def _before(self, history: Sequence[str]) -> _Turn:
        return self._turn(history[-1], history[:-1]) if history else _Turn("", Told((), None))

    def _answer(self, question: str, history: Sequence[str]) -> _Turn:
        if history:
            question = ask_again(question, self._before(history).meaning)
        meaning = question
        asked = read_place_question(fold(question))
        if asked is None and history and is_follow_up(question):
            before = self._before(history)
            previous = before.meaning if names_document(question) else before.topic()
            meaning = complete_question(question, [previous])
            asked = read_place_question(fold(meaning))
        if asked is not None:
            told = self._before(history).told
            for focus in _focuses(told) or [None]:
                if found := self._places.tell(asked, focus):
                    return _Turn(meaning, found)
            if asked.kind == "more" and told.hits:
                return _Turn(meaning, Told(told.hits[1:], told.focus))
            if asked.is_bare and history:
                return _Turn(meaning, Told((), told.focus))
        return self._follow(question, meaning, history) if history else self._standing(question)

    def _follow(self, question: str, meaning: str, history: Sequence[str]) -> _Turn:
        """`question` after others: by itself or with what they are about, whichever is answered better for how much
        it says itself."""
        by_itself = alone(question)
        own = read_query(own_words(question), self._search.snapshot)
        if by_itself is None:
            return self._following(meaning, own, history)
        if own.weight() >= _TOO_MUCH:
            return self._standing(by_itself)
        joined = self._following(
            join_question(by_itself, strip_asking(self._before(history).topic()).strip()), own, history
        )
        standing = self._standing(by_itself)
        likelihood = joined.likelihood() + (_AS_MUCH - own.weight()) / _LACKING
        return joined if likelihood > max(0.0, standing.likelihood()) else standing

    def _standing(self, question: str) -> _Turn:
        return _Turn(question, _told(self._search.answer(question)))

    def _following(self, meaning: str, own: Query, history: Sequence[str]) -> _Turn:
        """What answers `meaning` in the dialogue: likelier what is in the document that it is at, and less likely
        what lacks what the question says itself."""
        search = replace(self._search, top_k=max(self._search.top_k, _CONSIDERED))
        focus = self._before(history).told.focus
        hits = search.answer(meaning)
        if focus is not None:
            hits = _with_those_of(focus, hits, search, meaning)
            hits = [tell_on(hit, focus.quote, own) if focus.is_of(hit) else hit for hit in hits]
        lacking = own.weight() * (1 - own.coverage(own.presence([fold(hit.quote) for hit in hits])))
        judged: list[Hit] = []
        for hit, lacks in zip(hits, lacking.tolist(), strict=True):
            is_at_hand = focus is not None and focus.is_of(hit)
            by = _SAME_DOCUMENT * is_at_hand - min(_MOST, lacks / _LACKING)
            judged.append(replace(hit, score=_moved(hit.score, by)))
        if not self._search.newest_first:
            judged.sort(key=lambda hit: -hit.score)
        is_answered = any(hit.score >= self._search.lowest() for hit in judged)
        return _Turn(meaning, _told(judged if is_answered else []))


def _is_question(turn: str) -> bool:
    return len(turn) <= MAX_QUERY_CHARS and bool(term_runs(fold(turn)))


def _odds(score: float) -> float:
    return score / max(1e-6, 1 - score)


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


def _with_those_of(focus: Focus, hits: Sequence[Hit], search: Search, meaning: str) -> list[Hit]:
    """`hits`, and what the document at hand has beside them: in a large collection others crowd it out."""
    at_hand = search.snapshot.select(Condition("document_id", "in", (focus.document_id,)))
    found = {hit.passage_span for hit in hits if focus.is_of(hit)}
    more = replace(search, scope=at_hand).answer(meaning)
    return [*hits, *(hit for hit in more if hit.passage_span not in found)]


def _told(hits: Sequence[Hit]) -> Told:
    focus = Focus(hits[0].source.document_id, hits[0].quote_span) if hits else None
    return Told(tuple(hits), focus)
