"""What a question wants word for word: the number of a document, a title in 《》, a quotation, a code like 1+2+N.

Where the words stand their passages come first; a number or a quotation that stands nowhere has no answer, whatever is
like it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from embeddings.definitions import defining, says_what_it_is
from embeddings.filters import Condition, spell
from embeddings.queries import blank_asking
from embeddings.splitting import split_sentences
from embeddings.storage import Scope, Snapshot, StoredSegment
from embeddings.terms import extract_terms, fold, fold_all
from embeddings.types import Hit, Span

_HAN = r"[\u4e00-\u9fff]"
_NUMBER = re.compile(
    rf"(?P<issuer>(?:{_HAN}\s*){{1,12}})[\[(〔【{{<]?\s*(?P<year>(?:19|20)\d\s*\d)\s*年?\s*[\])〕】}}>]?\s*第?\s*(?P<number>\d{{1,5}})\s*号"
)
_BEFORE_ISSUER = re.compile("^.*(?:关于|根据|按照|依据|查找?|文件|文号|看看|找|的|是|请|在|有|文)(?=.{2})")
# An issuer's name begins where no other character could belong to it.
_ISSUER_START = rf"(?:(?<!{_HAN})|(?<=[据照到见以和及与由了文的按将对发布《]))"
_QUOTED = re.compile(
    '(?P<title>《[^《》]{2,80}》)|“([^“”]{2,80})”|「([^「」]{2,80})」|『([^『』]{2,80})』|"([^"]{2,80})"'
)
_CODE = re.compile(r"[a-z0-9]+(?:[+·&][a-z0-9]+)+")
_NO_LETTER = re.compile(r"[^\w+]|_")
_GAP = r"[\s“”‘’\"'「」『』《》、·,—-]{0,3}"
_TELLS_NOTHING = re.compile(
    "原文|原话|出处|出自|来自|文号|文件|通知|全文|内容|规定|哪里|哪儿|提到|讲到|说到|这句话|一句|有没有|讲|说|在|的|是|里|中|吗|了"
)
_MAX_CHARS = 150
_LOOKED_AT = 200
# A definition is mostly among the first of them.
_FIRST_LOOKED_AT = 32
_MAX_DOCUMENTS = 50
_EXACT_SCORE = 0.9


@dataclass(frozen=True, slots=True)
class Literal:
    """`pattern` finds it in a folded text, `words` search for it; `own` holds of the documents that it names."""

    pattern: re.Pattern[str]
    words: str
    own: Condition | None
    is_required: bool


@dataclass(frozen=True, slots=True)
class Literals:
    """`is_all` says that a question holds nothing else that tells; `rest` is the question without them."""

    found: tuple[Literal, ...]
    is_all: bool
    question: str
    rest: str

    def stand_in(self, folded: str) -> bool:
        return all(literal.pattern.search(folded) for literal in self.found)


def read_literals(folded: str) -> Literals | None:
    """Those of a question, None where it has none; a pasted paragraph is not one."""
    if len(folded) > _MAX_CHARS:
        return None
    numbers = list(_NUMBER.finditer(blank_asking(folded)))
    quotations = list(_QUOTED.finditer(folded))
    codes = list(_CODE.finditer(folded))
    rest = folded
    for match in (*numbers, *quotations, *codes):
        rest = rest[: match.start()] + " " * len(match[0]) + rest[match.end() :]
    is_all = not _NO_LETTER.sub("", _TELLS_NOTHING.sub("", blank_asking(rest)))
    found = [_number(match) for match in numbers]
    found += [literal for match in quotations for literal in _quotation(match, is_all)]
    found += [Literal(_spaced(match[0]), match[0], None, False) for match in codes]
    return Literals(tuple(found), is_all, folded, rest) if found else None


def put_literals_first(
    literals: Literals, hits: Sequence[Hit], snapshot: Snapshot, scope: Scope | None, rank: "RankWithin"
) -> list[Hit]:
    """`hits` with those first that hold the literals, or are of the document they name; what else holds them is
    found too. None where they must stand and do not."""
    own = _own(literals, snapshot, scope)
    if own is not None and not literals.is_all and (told := rank(literals.rest, own, None)):
        return told
    holding = [hit for hit in hits if literals.stand_in(fold(hit.passage))]
    if not holding and (within := _holding(literals, snapshot, scope)) is not None:
        holding = [
            hit for hit in rank(literals.question, within, 0.0) if literals.stand_in(fold(hit.passage))
        ]
    if not holding:
        is_lacking = any(literal.is_required for literal in literals.found)
        return [] if is_lacking else list(hits)
    owners = _document_ids(own, snapshot)
    holding.sort(key=lambda hit: hit.source.document_id not in owners)
    exact = [_quoting(literals.found[0].pattern, hit) for hit in holding]
    if literals.is_all:
        return [replace(hit, score=max(hit.score, _EXACT_SCORE - 0.001 * i)) for i, hit in enumerate(exact)]
    return _before(exact, hits, 0.0)


def put_definitions_first(
    term: str,
    hits: Sequence[Hit],
    snapshot: Snapshot,
    scope: Scope | None,
    rank: Callable[[str, Scope], list[Hit]],
    *,
    is_asked: bool,
) -> list[Hit]:
    """`hits` with those before them that define `term`; none where nothing does. Where that is not asked, but only the
    term named, what says plainly what it is comes first, as likely as the first of `hits`."""
    pattern, asked = defining(term) if is_asked else says_what_it_is(term), f"{term}是指"
    terms = [each for each in extract_terms(term) if len(each) > 1] + ["是指", "所称"]
    for looked_at in (_FIRST_LOOKED_AT, _LOOKED_AT)[: 1 + is_asked]:
        found = snapshot.matching(terms, looked_at, scope)
        segments = snapshot.segments([candidate.segment_id for candidate in found])
        texts = fold_all([_text(segment) for segment in segments])
        holding = [one for one, text in zip(segments, texts, strict=True) if pattern.search(text)]
        if holding:
            told = [_quoting(pattern, hit) for hit in rank(asked, _only(holding, snapshot))]
            if not is_asked:
                return _before([replace(hit, score=hits[0].score) for hit in told[:1]], hits, hits[0].score)
            told.sort(key=lambda hit: _is_only_called(pattern, hit))
            is_told = bool(told) and not _is_only_called(pattern, told[0])
            return _before(told, hits, _EXACT_SCORE if is_told else 0.0)
    return []


def _text(segment: StoredSegment) -> str:
    start, end = (position - segment.passage_span.start for position in segment.span)
    return segment.passage_text[start:end]


def _is_only_called(pattern: re.Pattern[str], hit: Hit) -> bool:
    return all(match["called"] for match in pattern.finditer(fold(hit.passage)))


def _before(first: Sequence[Hit], hits: Sequence[Hit], score: float) -> list[Hit]:
    """`hits` and before them the best of `first`, which has `score` at least; the others of `first` where they belong."""
    spans = {(hit.source.document_id, hit.passage_span) for hit in first}
    rest = [hit for hit in hits if (hit.source.document_id, hit.passage_span) not in spans]
    best = max([score, *(hit.score for hit in (*first, *rest))])
    return [
        *(replace(hit, score=best) for hit in first[:1]),
        *sorted([*first[1:], *rest], key=lambda hit: -hit.score),
    ]


RankWithin = Callable[[str, Scope, float | None], list[Hit]]
"""Ranks a question in a scope; with a score that hits need, or what is usual."""


def _number(match: re.Match[str]) -> Literal:
    issuer = _BEFORE_ISSUER.sub("", "".join(match["issuer"].split()))
    year, number = "".join(match["year"].split()), match["number"]
    pattern = re.compile(
        rf"{_ISSUER_START}{_spaced(issuer).pattern}\s*[^\w\s]?\s*{_spaced(year).pattern}\s*年?\s*[^\w\s]?\s*第?\s*{number}\s*号"
    )
    own = Condition("doc_number", "in", (spell("doc_number", f"{issuer}〔{year}〕{number}号"),))
    return Literal(pattern, f"{issuer} {year} {number} 号", own, is_required=True)


def _quotation(match: re.Match[str], is_all: bool) -> Iterator[Literal]:
    quoted = match["title"] or next(group for group in match.groups()[1:] if group)
    if _NO_LETTER.sub("", quoted):
        own = Condition("title", "contains", (spell("title", quoted[1:-1]),)) if match["title"] else None
        yield Literal(_spaced(quoted), quoted, own, is_required=is_all)


def _spaced(quoted: str) -> re.Pattern[str]:
    """The letters of `quoted` in a row: whatever is no letter may stand between them where something does there, else
    blanks, quotation marks and the like, but no end of a sentence or of the number of an item."""
    words = _NO_LETTER.sub(" ", quoted).split()
    return re.compile(r"[^\w+]{0,3}".join(_GAP.join(map(re.escape, word)) for word in words))


def _own(literals: Literals, snapshot: Snapshot, scope: Scope | None) -> Scope | None:
    """The documents that the first literal names, if there are any."""
    condition = literals.found[0].own
    own = _within(snapshot.select(condition), scope) if condition else None
    return own if own is not None and own.segment_count() else None


def _holding(literals: Literals, snapshot: Snapshot, scope: Scope | None) -> Scope | None:
    """The documents with a passage that holds them, as far as the words find it."""
    terms = [term for literal in literals.found for term in extract_terms(literal.words)]
    found = snapshot.matching(terms, _LOOKED_AT, scope)
    segments = snapshot.segments([candidate.segment_id for candidate in found])
    ids = [segment.document_id for segment in segments if literals.stand_in(fold(segment.passage_text))]
    if not ids:
        return None
    of = tuple(list(dict.fromkeys(ids))[:_MAX_DOCUMENTS])
    return _within(snapshot.select(Condition("document_id", "in", of)), scope)


def _within(found: Scope, scope: Scope | None) -> Scope:
    if scope is None:
        return found
    kept = np.isin(found.positions, scope.positions)
    return Scope(found.positions[kept], found.first_segments[kept], found.segments[kept])


def _document_ids(scope: Scope | None, snapshot: Snapshot) -> set[str]:
    if scope is None:
        return set()
    first = scope.first_segments[scope.segments > 0][:_MAX_DOCUMENTS]
    return {segment.document_id for segment in snapshot.segments(first.tolist())}


def _only(segments: Sequence[StoredSegment], snapshot: Snapshot) -> Scope:
    """What has these vectors only."""
    of = snapshot.select(Condition("document_id", "in", tuple({one.document_id for one in segments})))
    ids = np.array(sorted(segment.id for segment in segments))
    order = np.argsort(of.first_segments)
    documents = order[np.searchsorted(of.first_segments[order], ids, side="right") - 1]
    return Scope(of.positions[documents], ids, np.ones_like(ids))


def _quoting(pattern: re.Pattern[str], hit: Hit) -> Hit:
    """`hit` with a quote in which `pattern` is found: the one chosen, or else the sentences it is in."""
    found = pattern.search(fold(hit.passage))
    if found is None or pattern.search(fold(hit.quote)):
        return hit
    sentences = split_sentences(hit.passage, Span(0, len(hit.passage)))
    held = [one for one in sentences if one.start < found.end() and one.end > found.start()]
    start, end = held[0].start, held[-1].end
    span = Span(hit.passage_span.start + start, hit.passage_span.start + end)
    return replace(hit, quote=hit.passage[start:end], quote_span=span)
