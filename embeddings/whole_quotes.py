"""What says nothing alone is told with what it belongs to: what opens a list (「并提供下列材料：」) with its items, a heading with
what stands under it, and an item beside what opens its list."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from embeddings.answer_types import read_wanted
from embeddings.provisions import Provisions
from embeddings.queries import read_query
from embeddings.storage import Snapshot
from embeddings.terms import fold, fold_all
from embeddings.types import Hit, Span

# Lists tell answers of these types by their items.
_OF_ITEMS = {"list", "papers", "condition", "procedure"}
_ASKS_LIST = re.compile("哪些|哪几")
_OPENING = (":", "：")
# Its group is what there is a list of, by its last two letters.
_ANNOUNCES = re.compile(r"(?:下列|以下)[^，,。；;]{0,4}(\w\w)[:：]$")
_LINE = re.compile(r"\S[^\n]*")
_ITEM = re.compile(r"[（(]?[一二三四五六七八九十百\d]{1,4}[)）、.．]")
_MAX_HEADING_CHARS = 60
_SAYS = re.compile(r"[。；;！？!?：:，,]$")
_AMONG = 10
# Headings that come later are hardly meant.
_HEADINGS_AMONG = 3
# A quote that covers this much of a question says all of it.
_ALL = 0.9
_MAX_PASSAGE_CHARS = 600


def put_announced_first(folded: str, hits: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """`hits`, before the first, and as likely, the one that announces a list of what `folded` ends with, if it says all of
    that: 「生产经营单位的主要负责人负有下列职责：」 of 「生产经营单位主要负责人的职责」."""
    announced = {
        place: noun
        for place, hit in enumerate(hits[:_AMONG])
        for noun in fold_all(_ANNOUNCES.findall(hit.quote))
        if noun in folded
    }
    if not any(announced):
        return list(hits)
    query = read_query(folded, snapshot)
    coverage = query.coverage(query.presence(fold_all([hits[place].quote for place in announced])))
    for (place, noun), covered in zip(announced.items(), coverage, strict=True):
        if covered >= _ALL and query.content.endswith(noun):
            first = replace(hits[place], score=hits[0].score)
            return [first, *hits[:place], *hits[place + 1 :]]
    return list(hits)


def quote_whole(folded: str, hits: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """`hits`, those whose quotes open a list with its items, unless the opening tells what `folded` asks for, and those
    that are headings with what stands under them. One hit a passage: what is quoted is no hit of its own after it, and
    what was found before is not quoted again, nor what it is only the heading of."""
    opens = any(hit.quote.endswith(_OPENING) for hit in hits[:_AMONG])
    if not opens and not any(map(_may_head, hits[:_HEADINGS_AMONG])):
        return list(hits)
    wanted = read_wanted(folded)
    types = set(wanted.types) - _OF_ITEMS
    is_asked = bool(_OF_ITEMS.intersection(wanted.types)) or _ASKS_LIST.search(folded) is not None
    document_of = cache(lambda document_id: Provisions(snapshot, document_id))
    told: list[Hit] = []
    for place, hit in enumerate(hits):
        if any(_has(other, hit) for other in told):
            continue
        whole, is_opening = hit, hit.quote.endswith(_OPENING)
        says_nothing = is_opening and (not types or types.intersection(wanted.untold(fold(hit.quote))))
        if (place < _AMONG and says_nothing) or (place < _HEADINGS_AMONG and _may_head(hit)):
            document = document_of(hit.source.document_id)
            within = document.with_items if is_opening else document.under_heading
            whole = _quoting(hit, document.text, within(hit.quote_span))
        inside = [other for other in told if _has(whole, other)]
        if not inside:
            told.append(whole)
        elif inside == told and is_opening and is_asked:
            told = [replace(whole, score=inside[0].score)]
        elif is_opening:
            told.append(hit)
    return told


def show_openings(hits: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """`hits`, the passages of those that are items of lists from what opens these, unless they would be too long."""
    text_of = cache(snapshot.text)
    return [
        _from_opening(hit, text_of(hit.source.document_id)) if _ITEM.match(hit.passage) else hit
        for hit in hits
    ]


def _from_opening(hit: Hit, text: str) -> Hit:
    """Before an item stand others, or what opens their list, which may be an item itself."""
    opening, end = hit.passage_span
    low = max(0, end - _MAX_PASSAGE_CHARS)
    for line in reversed([*_LINE.finditer(text, low, opening)]):
        if line.start() == low > 0:
            break
        if line[0].rstrip().endswith(_OPENING):
            opening = line.start()
        if not _ITEM.match(line[0]):
            break
    passage = Span(opening, end)
    return replace(hit, passage=passage.of(text), passage_span=passage)


def _may_head(hit: Hit) -> bool:
    is_short = len(hit.quote) <= _MAX_HEADING_CHARS
    return is_short and hit.quote_span == hit.passage_span and not _SAYS.search(hit.quote)


def _has(hit: Hit, other: Hit) -> bool:
    start, end = hit.passage_span
    return hit.source.document_id == other.source.document_id and start <= other.passage_span.start < end


def _quoting(hit: Hit, text: str, quote: Span | None) -> Hit:
    if quote is None:
        return hit
    passage = Span(hit.passage_span.start, max(hit.passage_span.end, quote.end))
    return replace(
        hit, quote=quote.of(text), quote_span=quote, passage=passage.of(text), passage_span=passage
    )
