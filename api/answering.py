"""Hits to an answer made of their quotes. Knows no HTTP.

Every character of an answer that is not one of the fixed phrases here, or a document's own title, is an exact slice
of a document.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from api.questions import Kind, kind_of, narrow
from api.wording import inline, say_the_same
from embeddings import Collection, Hit, Span, asks_consequence, fold

NO_ANSWER = "在文库中没有找到能回答这个问题的内容。"
NO_QUESTION = "请用文字提出问题，或写一个主题。"
_LITERALLY = "文件的原话是："
_NEWEST_FIRST = "按日期由新到旧："
_ALSO = "，相近表述见"
_MAX_QUOTES = 6
_MAX_LITERAL_QUOTES = 2
_MAX_PLACES = 12
# A quote scored much lower than the first is about something else more often than it adds to the answer.
_MIN_SCORE_SHARE = {"topic": 0.3, "count": 0.9, "yes_no": 0.9, "fact": 1.0}
# A document whose best quote scores less of the best of all comes after those that have a better one, however new.
_NEARLY = 0.8
_ISO_DATE = re.compile(r"\d{4}(-\d{2}){0,2}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer. Where `n` is set it is the mark [n] of a citation, and nothing else is one."""

    text: str
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`cited[n - 1]` is the hit that [n] stands for."""

    pieces: tuple[Piece, ...]
    cited: tuple[Hit, ...]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def mark(n: int) -> Piece:
    return Piece(f"[{n}]", n)


def answer_with_quotes(question: str, hits: Sequence[Hit], collection: Collection) -> Answer:
    """What `hits` say to `question`: a digest by document, the one sentence, or the literal words."""
    if not hits:
        return Answer((Piece(_no_answer(collection)),), ())
    if hits[0].why.is_place:
        statements = _fold(hits, _MAX_PLACES)
        return _digest(statements) if len(statements) > 1 else _literal("fact", statements)
    if hits[0].why.is_consequence:
        return _literal("count", [_Statement(hit, ()) for hit in _with_cause(hits)])
    kind = kind_of(question)
    near = [hit for hit in hits if hit.score >= _MIN_SCORE_SHARE[kind] * hits[0].score]
    if kind == "topic":
        statements = _fold(near, _MAX_QUOTES)
        return _digest(statements) if len(statements) > 1 else _literal("fact", statements)
    # What follows is often told by more than one sentence: 「责令改正。拒不改正的，处八百元罚款。」
    narrowed = near if asks_consequence(fold(question)) else [narrow(hit, question, kind) for hit in near]
    return _literal(kind, _fold(narrowed, 1 if kind == "fact" else _MAX_LITERAL_QUOTES))


def _with_cause(hits: Sequence[Hit]) -> list[Hit]:
    """The first of `hits`, which say what follows, and what it follows from."""
    told = list(takewhile(lambda hit: hit.why.is_consequence, hits))
    cause = hits[len(told) : len(told) + 1]
    return told + [hit for hit in cause if hit.source.document_id == told[0].source.document_id]


def _no_answer(collection: Collection) -> str:
    _, total = collection.list_documents(limit=1)
    return f"{NO_ANSWER}已检索文库“{collection.name}”的 {total} 份文件。"


@dataclass(frozen=True, slots=True)
class _Statement:
    """A quote, and those of other places that say the same."""

    hit: Hit
    others: tuple[Hit, ...]


def _fold(hits: Sequence[Hit], limit: int) -> list[_Statement]:
    """The first `limit` of `hits` that say something of their own, each with those that repeat it."""
    groups: list[list[Hit]] = []
    for hit in hits:
        same = next((group for group in groups if say_the_same(group[0].quote, hit.quote)), None)
        if same is not None:
            same.append(hit)
        elif len(groups) < limit:
            groups.append([hit])
    return [_Statement(group[0], tuple(group[1:])) for group in groups]


def _literal(kind: Kind, statements: Sequence[_Statement]) -> Answer:
    numbers = _Numbers()
    pieces = [] if kind == "fact" else [Piece(_LITERALLY)]
    for statement in statements:
        if pieces:
            pieces.append(Piece("\n"))
        pieces.extend(_say(statement, numbers))
    return Answer(tuple(pieces), tuple(numbers.cited))


def _digest(statements: Sequence[_Statement]) -> Answer:
    """The statements by document, as they were ranked: dated documents newest first, then the others; last those that say
    nothing nearly as likely an answer as the best."""
    documents: dict[str, list[_Statement]] = {}
    for statement in statements:
        documents.setdefault(statement.hit.source.document_id, []).append(statement)
    best = max(statement.hit.score for statement in statements)
    newest_first = sorted(documents.values(), key=_age_key, reverse=True)
    ordered = sorted(newest_first, key=lambda group: group[0].hit.score < _NEARLY * best)
    dates = [_age_key(group) for group in ordered if _age_key(group)]
    numbers = _Numbers()
    pieces: list[Piece] = []
    if len(set(dates)) > 1 and dates == sorted(dates, reverse=True):
        pieces.append(Piece(f"{_NEWEST_FIRST}\n\n"))
    for position, group in enumerate(ordered):
        gap = "\n\n" if position else ""
        pieces.append(Piece(f"{gap}**{inline(group[0].hit.source.title)}**"))
        for statement in group:
            pieces.append(Piece("\n- "))
            pieces.extend(_say(statement, numbers))
    return Answer(tuple(pieces), tuple(numbers.cited))


def _age_key(group: Sequence[_Statement]) -> str:
    date = group[0].hit.source.date or ""
    return date if _ISO_DATE.fullmatch(date) else ""


class _Numbers:
    """Numbers hits in the order in which they are cited."""

    def __init__(self) -> None:
        self.cited: list[Hit] = []
        self._said: list[tuple[str, Span]] = []

    def cite(self, hit: Hit) -> Piece:
        self.cited.append(hit)
        self._said.append((hit.source.document_id, hit.quote_span))
        return mark(len(self.cited))

    def openings(self, hit: Hit) -> Iterator[str]:
        """What opens the lists that the quote of a hit is an item of, outermost first, where it was not said before."""
        id, end = hit.source.document_id, hit.passage_span.start
        for line in hit.passage[: hit.quote_span.start - end].splitlines(keepends=True):
            span = Span(end, end + len(line))
            end = span.end
            is_said = any(
                id == other and span.start < told.end and told.start < span.end for other, told in self._said
            )
            if line.rstrip().endswith((":", "：")) and not is_said:
                self._said.append((id, span))
                yield line.rstrip()


def _say(statement: _Statement, numbers: _Numbers) -> Iterator[Piece]:
    for said in (*numbers.openings(statement.hit), statement.hit.quote):
        yield Piece(f"「{inline(said)}」")
    yield numbers.cite(statement.hit)
    if statement.others:
        yield Piece(_ALSO)
        yield from [numbers.cite(hit) for hit in statement.others]
