"""A list is told whole: what opens it (「并提供下列材料：」) says nothing without its items."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from embeddings.answer_types import read_wanted
from embeddings.provisions import Provisions
from embeddings.storage import Snapshot
from embeddings.terms import fold
from embeddings.types import Hit, Span

# Lists tell answers of these types by their items.
_OF_ITEMS = {"list", "papers", "condition", "procedure"}
_ASKS_LIST = re.compile("哪些|哪几")
_OPENING = (":", "：")
_AMONG = 10


def quote_whole_lists(folded: str, hits: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """`hits`, those whose quotes open a list with its items, unless the opening tells what `folded` asks for. One hit a
    passage: what is quoted is no hit of its own after it, and what was found before is not quoted again."""
    if not any(hit.quote.endswith(_OPENING) for hit in hits[:_AMONG]):
        return list(hits)
    wanted = read_wanted(folded)
    types = set(wanted.types) - _OF_ITEMS
    is_asked = bool(_OF_ITEMS.intersection(wanted.types)) or _ASKS_LIST.search(folded) is not None
    document_of = cache(lambda document_id: Provisions(snapshot, document_id))
    told: list[Hit] = []
    for place, hit in enumerate(hits):
        if any(_has(other, hit) for other in told):
            continue
        is_open = place < _AMONG and hit.quote.endswith(_OPENING)
        if is_open and (not types or types.intersection(wanted.untold(fold(hit.quote)))):
            whole = _with_items(hit, document_of(hit.source.document_id))
            inside = [other for other in told if _has(whole, other)]
            if inside and inside == told and is_asked:
                told = [replace(whole, score=inside[0].score)]
            else:
                told.append(hit if inside else whole)
        else:
            told.append(hit)
    return told


def _has(hit: Hit, other: Hit) -> bool:
    start, end = hit.passage_span
    return hit.source.document_id == other.source.document_id and start <= other.passage_span.start < end


def _with_items(hit: Hit, document: Provisions) -> Hit:
    quote = document.with_items(hit.quote_span)
    if quote is None:
        return hit
    passage = Span(hit.passage_span.start, max(hit.passage_span.end, quote.end))
    text = document.text
    return replace(
        hit, quote=quote.of(text), quote_span=quote, passage=passage.of(text), passage_span=passage
    )
