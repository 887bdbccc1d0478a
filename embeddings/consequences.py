"""What follows from what a provision says comes before it, where a question asks that: 「遮挡消火栓罚多少」."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from embeddings.answer_types import read_wanted
from embeddings.provisions import Provisions
from embeddings.sources import SourceBook
from embeddings.storage import Snapshot
from embeddings.terms import fold
from embeddings.types import Copy, Hit, Span, Why
from embeddings.weights import Confidence, absence_share

_LONGEST_QUESTION = 150
_TYPES = {"money", "penalty"}
_ASKS = re.compile("罚|处分|后果|法律责任|吊销|坐牢|判刑|追究")
_TELLS = re.compile(
    "罚款|(?:给予|予以|依法|规定).{0,8}处罚|责令|处分|吊销|追究|没收|拘留|暂扣|取缔|警告|赔偿责任"
    "|不予处罚|滞纳金|加收|撤销|取消|终止|中断|信用"
)
_TELLS_SUM = re.compile("罚款|[百千万]元|倍")
# A hit that says nothing of what follows, nor does what hangs together with it, is less likely an answer by so much (in
# log odds): of 176 such on 31 small libraries 2 were right, where the scores said 20.
_UNTOLD = 2.75


def asks_consequence(folded: str) -> bool:
    """Whether a question asks what follows from what somebody does; a pasted paragraph is not one."""
    is_short = len(folded) <= _LONGEST_QUESTION
    return is_short and bool(_ASKS.search(folded) and _TYPES.intersection(read_wanted(folded).types))


def put_consequence_first(
    folded: str, hits: Sequence[Hit], snapshot: Snapshot, confidence: Confidence
) -> list[Hit]:
    """`hits`, and before the first, if it does not say what follows, as `folded` asks, what does; if it does, behind it
    what it cites as broken. The two together are as likely an answer as the first would be if it told the types of
    answer that the other tells; where nothing says what follows, none of `hits` is as likely as it seemed."""
    if not hits:
        return []
    wanted = read_wanted(folded)
    tells = _TELLS_SUM if "money" in wanted.types else _TELLS
    cause, *others = hits
    if tells.search(cause.quote):
        return _with_cause(folded, hits, snapshot)
    places = [Copy(cause.quote_span, cause.source), *cause.also_in]
    for place in places:
        document = Provisions(snapshot, place.source.document_id)
        if spans := _find_consequence(place.quote_span, folded, document, tells):
            break
    else:
        untold = 0.0 if _TELLS.search(cause.passage) else _UNTOLD * absence_share(snapshot.segment_count())
        return [replace(hit, score=_without(hit.score, untold)) for hit in hits]
    # What opens its list the score knows already.
    alone = fold(f"{cause.quote}\n{document.lead(place.quote_span)}")
    together = f"{alone}\n{fold(''.join(span.of(document.text) for span in spans))}"
    told = set(wanted.untold(alone)) - set(wanted.untold(together))
    score = _without(cause.score, confidence.of_types(told, snapshot.segment_count()))
    book = SourceBook(snapshot)

    def hit_at(span: Span, why: Why) -> Hit:
        return book.hit(document.document_id, document.text, span, score, why)

    # The one of its copies that has it beside it.
    also_in = tuple(other for other in places if other is not place)
    cause = replace(
        hit_at(place.quote_span, cause.why),
        similarity=cause.similarity,
        also_in=also_in,
        places=cause.places,
    )
    if spans[0].start >= cause.passage_span.start and spans[0].end <= cause.passage_span.end:
        return [replace(cause, quote=spans[0].of(document.text), quote_span=spans[0]), *others]
    first = [hit_at(span, Why(None, None, (), is_consequence=True)) for span in spans]
    known = {(hit.source.document_id, hit.passage_span) for hit in first}
    rest = [hit for hit in others if (hit.source.document_id, hit.passage_span) not in known]
    return [*first, cause, *rest]


def _with_cause(folded: str, hits: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """`hits`, and behind the first what it cites as broken: of several places the one likest to the question."""
    first, *others = hits
    document = Provisions(snapshot, first.source.document_id)
    cited = document.cited(first.quote_span)
    if not cited:
        return list(hits)
    broken = max(cited, key=lambda span: _likeness(folded, span.of(document.text)))
    found = SourceBook(snapshot).hit(
        document.document_id, document.text, broken, first.score, Why(None, None, ())
    )
    where = (document.document_id, found.passage_span)
    known = [hit for hit in others if (hit.source.document_id, hit.passage_span) == where]
    cause = replace(known[0], score=first.score) if known else found
    first = replace(first, why=replace(first.why, is_consequence=True))
    return [first, cause, *(hit for hit in others if hit not in known)]


def _likeness(folded: str, text: str) -> int:
    """How many pairs of characters of a question stand in `text`."""
    said = fold(text)
    return sum(pair in said for pair in {folded[i : i + 2] for i in range(len(folded) - 1)})


def _without(score: float, logit: float) -> float:
    """`score` without what `logit` added to it."""
    return score / (score + (1 - score) * math.exp(logit))


def _find_consequence(of: Span, folded: str, document: Provisions, tells: re.Pattern[str]) -> list[Span]:
    """What `tells` what follows from what `of` says, if anything does: `of` with the sentences behind it, another span, or
    what opens a list and the item of it that cites. Of several that cite it the one likest to the question."""

    def telling(spans: Iterator[Span]) -> Iterator[Span]:
        return (span for span in spans if tells.search(span.of(document.text)))

    near = chain([document.sentences_from(of.start)], document.openings(of))
    if beside := next(telling(near), None):
        return [beside]
    found = []
    for citing in document.citing(of):
        if tells.search(citing.of(document.text)):
            found.append([citing])
        elif opening := next(telling(document.openings(citing)), None):
            found.append([opening] if opening.end == citing.end else [opening, citing])
    return max(found, key=lambda spans: _likeness(folded, spans[-1].of(document.text)), default=[])
