"""The draft check, from the draft to its report."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embeddings.drafts.alignment import Block, Side, agreeing
from embeddings.drafts.boilerplate import SetPhrase, find_set_phrases
from embeddings.drafts.copies import Copy, Sources, changes_of, copied_letters, find_copies, source_range
from embeddings.drafts.hits import find_seeds
from embeddings.drafts.paragraphs import split_paragraphs
from embeddings.drafts.placeholders import find_placeholders
from embeddings.drafts.related import Related, find_related
from embeddings.drafts.repetitions import find_repetitions
from embeddings.drafts.superseded import find_superseded
from embeddings.drafts.types import Boilerplate, DocumentShare, DraftParagraph, DraftReport, Match, MatchKind
from embeddings.errors import EmptyText, TooLarge
from embeddings.letters import read_letters
from embeddings.sources import SourceBook
from embeddings.space import Space
from embeddings.storage import Snapshot
from embeddings.types import Span

MAX_DRAFT_CHARS = 100_000
# For what is nearly all copied, nothing is looked up by its meaning; and of a long draft only its longest
# paragraphs are.
_KNOWN_SHARE = 0.6
_MAX_LOOKED_UP = 400
_MIN_PART_LETTERS = 8
_MAX_PUNCTUATION = 2
_OPENING, _CLOSING = "“‘「『《〈（(【[〔", "”’」』》〉）)】]〕。，、；：！？,.;:!?"


@dataclass(frozen=True, slots=True)
class Options:
    """`top_k` sources at most for any place; `phrases` are boilerplate besides what the library shows."""

    top_k: int = 3
    excluded: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()


def check_draft(draft: str, snapshot: Snapshot, space: Space, options: Options) -> DraftReport:
    """Where each paragraph of `draft` was said before, and what else its writer should know.

    Raises:
        EmptyText: it has no letter, digit or Han character.
        TooLarge: it is longer than `MAX_DRAFT_CHARS`.
    """
    if len(draft) > MAX_DRAFT_CHARS:
        raise TooLarge(
            f"The draft is {len(draft):,} characters; at most {MAX_DRAFT_CHARS:,} are checked. Check it in parts."
        )
    side = Side(draft, read_letters(draft))
    if not len(side.letters):
        raise EmptyText("The draft has no letter, digit or Han character. Check one that has text.")
    seeds = find_seeds(side.letters, snapshot.seeds(), options.excluded)
    phrases = find_set_phrases(side.letters, seeds, snapshot.seeds(), options.phrases)
    sources, book = Sources(snapshot), SourceBook(snapshot)
    copies = find_copies(side, seeds, phrases, sources, top_k=options.top_k)
    paragraphs = split_paragraphs(draft)
    copied = copied_letters(copies, len(side.letters))
    matches = _copied_matches(side, copies, paragraphs, sources, book)
    related = find_related(
        draft,
        _to_look_up(side, paragraphs, copied),
        snapshot,
        space,
        top_k=options.top_k,
        excluded=options.excluded,
    )
    told = [
        DraftParagraph(paragraph, _ranked(matches[i], related.get(paragraph, ()), book, options.top_k))
        for i, paragraph in enumerate(paragraphs)
    ]
    copied &= ~_in_phrases(phrases, len(side.letters))
    return DraftReport(
        draft=draft,
        characters=len(side.letters),
        originality=1 - float(copied.mean()),
        paragraphs=tuple(told),
        boilerplate=tuple(Boilerplate(side.letters.span(p.first, p.end), p.documents) for p in phrases),
        placeholders=find_placeholders(draft),
        superseded=find_superseded(
            draft, [m for one in matches for m in one], snapshot, book, options.excluded
        ),
        repetitions=find_repetitions(side.letters),
        documents=_shares(copies, copied, book),
    )


def _in_phrases(phrases: Sequence[SetPhrase], length: int) -> npt.NDArray[np.bool_]:
    inside = np.zeros(length, np.bool_)
    for phrase in phrases:
        inside[phrase.first : phrase.end] = True
    return inside


def _to_look_up(side: Side, paragraphs: Sequence[Span], copied: npt.NDArray[np.bool_]) -> list[Span]:
    wanted = []
    for paragraph in paragraphs:
        first, end = side.letters.range_of(paragraph)
        if first < end and copied[first:end].mean() < _KNOWN_SHARE:
            wanted.append(paragraph)
    longest = sorted(wanted, key=lambda span: span.start - span.end)[:_MAX_LOOKED_UP]
    return sorted(longest)


def _copied_matches(
    side: Side, copies: Sequence[Copy], paragraphs: Sequence[Span], sources: Sources, book: SourceBook
) -> list[list[Match]]:
    """The matches of each paragraph, copies that run over several cut where the paragraphs end."""
    matches: list[list[Match]] = [[] for _ in paragraphs]
    ranges = [side.letters.range_of(paragraph) for paragraph in paragraphs]
    ends = [end for _, end in ranges]
    for copy in copies:
        source = sources.side(copy.document_id)
        number = int(np.searchsorted(ends, copy.first, side="right"))
        while number < len(ranges) and ranges[number][0] < copy.end:
            if part := _cut(copy.blocks, *ranges[number]):
                matches[number].append(_match(side, source, copy, part, paragraphs[number], book))
            number += 1
    return matches


def _cut(blocks: Sequence[Block], first: int, end: int) -> list[Block]:
    """The part of `blocks` within the letters `first` to `end` of the draft, from one equal block to another."""
    part = [cut for block in blocks if (cut := _cut_block(block, first, end))]
    while part and not part[0].is_equal:
        part.pop(0)
    while part and not part[-1].is_equal:
        part.pop()
    is_enough = part and part[-1].end - part[0].first >= min(_MIN_PART_LETTERS, end - first)
    return part if is_enough else []


def _cut_block(block: Block, first: int, end: int) -> Block | None:
    low, high = max(block.first, first), min(block.end, end)
    if block.is_equal:
        shift = block.source_first - block.first
        return Block(True, low, high, low + shift, high + shift) if low < high else None
    is_inside = first <= block.first < end or (block.first == block.end == end)
    return Block(False, low, high, block.source_first, block.source_end) if is_inside else None


def _match(
    side: Side, source: Side, copy: Copy, part: list[Block], paragraph: Span, book: SourceBook
) -> Match:
    here = side.letters.span(part[0].first, part[-1].end)
    there = source.letters.span(*source_range(part))
    here, there = _with_punctuation(side.text, here, paragraph, source.text, there)
    (told,) = book.sources(copy.document_id, [there.start])
    is_equal = len(part) == 1
    kind: MatchKind = "verbatim" if copy.kind == "rewritten" and is_equal else copy.kind
    return Match(
        kind=kind,
        score=copy.score if copy.is_reordered else _score(part),
        draft_span=here,
        source_span=there,
        source_text=there.of(source.text),
        changes=() if is_equal else changes_of(side, source, copy, part),
        source=told,
    )


def _score(part: Sequence[Block]) -> float:
    first, last = part[0], part[-1]
    return agreeing(part) / max(last.end - first.first, last.source_end - first.source_first)


def _with_punctuation(draft: str, here: Span, limits: Span, source: str, there: Span) -> tuple[Span, Span]:
    """Both spans with the same signs that stand beside both of them."""
    for _ in range(_MAX_PUNCTUATION):
        if (
            here.end < limits.end
            and draft[here.end] in _CLOSING
            and source[there.end : there.end + 1] == draft[here.end]
        ):
            here, there = Span(here.start, here.end + 1), Span(there.start, there.end + 1)
        if (
            here.start > limits.start
            and there.start > 0
            and draft[here.start - 1] in _OPENING
            and source[there.start - 1] == draft[here.start - 1]
        ):
            here, there = Span(here.start - 1, here.end), Span(there.start - 1, there.end)
    return here, there


def _ranked(
    copied: Sequence[Match], related: Collection[Related], book: SourceBook, top_k: int
) -> tuple[Match, ...]:
    """Copies, what they have copied most first; then what is related; then boilerplate."""
    ordered = sorted(copied, key=lambda match: -match.score * (match.draft_span.end - match.draft_span.start))
    real = [match for match in ordered if match.kind != "boilerplate"]
    common = [match for match in ordered if match.kind == "boilerplate"]
    new = [
        match
        for match in (_related_match(one, book) for one in related)
        if not any(_is_inside(other, match) for other in real)
    ]
    return (*real, *new[:top_k], *common)


def _is_inside(copy: Match, related: Match) -> bool:
    return (
        copy.source.document_id == related.source.document_id
        and related.source_span.start <= copy.source_span.start < related.source_span.end
    )


def _related_match(related: Related, book: SourceBook) -> Match:
    segment = related.segment
    place = segment.passage_span
    return Match(
        kind="related",
        score=related.score,
        draft_span=related.span,
        source_span=place,
        source_text=segment.passage_text,
        changes=(),
        source=book.source(segment.document_id, place.start, segment.paragraph, segment.page, segment.places),
    )


def _shares(
    copies: Sequence[Copy], counted: npt.NDArray[np.bool_], book: SourceBook
) -> tuple[DocumentShare, ...]:
    """The documents that most letters were copied from, first."""
    held: dict[str, npt.NDArray[np.bool_]] = {}
    for copy in copies:
        if copy.kind != "boilerplate":
            mine = held.setdefault(copy.document_id, np.zeros(len(counted), np.bool_))
            mine[copy.first : copy.end] = True
    counts = {document_id: int((mine & counted).sum()) for document_id, mine in held.items()}
    return tuple(
        DocumentShare(document_id, book.head(document_id).title, count, count / len(counted))
        for document_id, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        if count
    )
