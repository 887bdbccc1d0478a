"""What a draft has copied: the best stretches, aligned letter by letter, and what each of them is."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from embeddings.drafts.alignment import Block, Side, agreeing, align, list_changes, widened
from embeddings.drafts.boilerplate import SetPhrase
from embeddings.drafts.hits import Seeds, group_seeds
from embeddings.drafts.stretches import MIN_SCORE, Stretch, find_stretches
from embeddings.drafts.types import Change, MatchKind
from embeddings.letters import read_letters
from embeddings.storage import Snapshot

# Fewer letters say nothing of where they were taken from. Of a rewritten copy, each that differs takes away what 1.5
# that agree bring, and those of set phrases bring less.
_MIN_EXACT, _MIN_EVIDENCE, _AGAINST = 17, 12, 1.5
_PHRASE_WEIGHT = 0.75
# Beyond a change near its end, a copy goes on for so many letters at least, if it is exact otherwise or not.
_EXACT_END, _CHANGED_END = 3, 2
_PHRASE_SHARE = 0.75
_MIN_SIMILARITY = 0.7
# A stretch is one more source of a place in the draft only if that much of it is not yet told of often enough.
_MIN_NEW_SHARE = 0.4
_BLOCK = 4


@dataclass(frozen=True, slots=True)
class Copy:
    """A stretch of a draft beside its source. `blocks` are in letters, of the draft and of the source, and in order
    of the draft; of a reordered copy not in order of the source."""

    document_id: str
    kind: MatchKind
    score: float
    blocks: tuple[Block, ...]
    is_reordered: bool

    @property
    def first(self) -> int:
        return self.blocks[0].first

    @property
    def end(self) -> int:
        return self.blocks[-1].end


class Sources:
    """The texts of the library's documents, read once each."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._sides: dict[str, Side] = {}

    def side(self, document_id: str) -> Side:
        if document_id not in self._sides:
            text = self._snapshot.text(document_id)
            self._sides[document_id] = Side(text, read_letters(text))
        return self._sides[document_id]


def find_copies(
    draft: Side, seeds: Seeds, phrases: Sequence[SetPhrase], sources: Sources, *, top_k: int
) -> list[Copy]:
    """The best copies, at most about `top_k` for any place of the draft, in order of the draft."""
    phrase_at = np.full(len(draft.letters), -1)
    for number, phrase in enumerate(phrases):
        phrase_at[phrase.first : phrase.end] = number
    stretches = [
        stretch for part in seeds.parts for stretch in find_stretches(draft.letters, group_seeds(part))
    ]
    chosen = _choose(stretches, len(draft.letters), top_k)
    copies = [
        copy for stretch in chosen for copy in _copies(draft, stretch, sources.side(stretch.id), phrase_at)
    ]
    return sorted(copies, key=lambda copy: (copy.first, copy.end))


def changes_of(draft: Side, source: Side, copy: Copy, blocks: Sequence[Block]) -> tuple[Change, ...]:
    """What differs in `blocks` of `copy`."""
    if copy.is_reordered and blocks:
        here = draft.span(blocks[0].first, blocks[-1].end)
        there = source.span(*source_range(blocks))
        return (Change("order", here, there, here.of(draft.text), there.of(source.text)),)
    return list_changes(draft, source, list(blocks))


def source_range(blocks: Sequence[Block]) -> tuple[int, int]:
    """From where to where `blocks` reach in the source."""
    return min(block.source_first for block in blocks), max(block.source_end for block in blocks)


def _choose(stretches: Sequence[Stretch], length: int, top_k: int) -> list[Stretch]:
    told = np.zeros(length, np.int64)
    chosen: list[Stretch] = []
    held: set[tuple[int, int]] = set()
    for stretch in sorted(stretches, key=lambda stretch: (-stretch.score, stretch.document, stretch.first)):
        blocks = [
            (stretch.document, block) for block in range(stretch.first // _BLOCK, stretch.end // _BLOCK + 1)
        ]
        is_known = 2 * sum(block in held for block in blocks) > len(blocks)
        if is_known or (told[stretch.first : stretch.end] < top_k).mean() < _MIN_NEW_SHARE:
            continue
        told[stretch.first : stretch.end] += 1
        held.update(blocks)
        chosen.append(stretch)
    return chosen


def _copies(draft: Side, stretch: Stretch, source: Side, phrase_at: npt.NDArray[np.int64]) -> Iterator[Copy]:
    """The stretch as one copy; where it does not hold together, those of its pieces that stand alone."""
    if copy := _copy(draft, stretch, source, phrase_at):
        yield copy
    elif len(stretch.pieces) > 1:
        for piece in stretch.pieces:
            alone = replace(stretch, score=piece.score, pieces=(piece,))
            if piece.score >= MIN_SCORE and (copy := _copy(draft, alone, source, phrase_at)):
                yield copy


def _copy(draft: Side, stretch: Stretch, source: Side, phrase_at: npt.NDArray[np.int64]) -> Copy | None:
    region = Block(False, stretch.first, stretch.end, stretch.source_first, stretch.source_end)
    run = _EXACT_END if stretch.score == region.end - region.first else _CHANGED_END
    wide = widened(draft.letters, source.letters, region, run=run)
    blocks, pieces = align(draft.letters, source.letters, wide), list(_blocks_of_pieces(draft, stretch))
    similarity, in_pieces = agreeing(blocks) / _longer(wide), min(1.0, agreeing(pieces) / _longer(region))
    is_reordered = in_pieces > similarity + 0.1
    score, longer = (in_pieces, _longer(region)) if is_reordered else (similarity, _longer(wide))
    in_phrases = phrase_at[stretch.first : stretch.end] >= 0
    if score < _MIN_SIMILARITY or not _is_enough(score, longer, float(in_phrases.mean())):
        return None
    kind: MatchKind = "verbatim" if similarity == 1 else "rewritten"
    if _is_set_phrase(phrase_at[stretch.first : stretch.end]):
        kind = "boilerplate"
    return Copy(stretch.id, kind, score, tuple(pieces if is_reordered else blocks), is_reordered)


def _blocks_of_pieces(draft: Side, stretch: Stretch) -> Iterator[Block]:
    """What agrees and what differs within each piece, in order of the draft, no letter of that twice."""
    told = 0
    for piece in stretch.pieces:
        first = max(piece.first, told)
        told = max(told, piece.end)
        here = draft.letters.codes[first : piece.end]
        agrees = here == stretch.part.codes[first + piece.shift : piece.end + piece.shift]
        bounds = [0, *(np.flatnonzero(np.diff(agrees)) + 1).tolist(), len(agrees)]
        shift = piece.shift - stretch.start
        for low, high in pairwise(bounds):
            if low < high:
                yield Block(
                    bool(agrees[low]), first + low, first + high, first + low + shift, first + high + shift
                )


def _longer(region: Block) -> int:
    return max(region.end - region.first, region.source_end - region.source_first)


def _is_enough(score: float, letters: int, phrase_share: float) -> bool:
    """Whether so many letters, of which the share `score` agree, are too many to be chance."""
    if score == 1:
        return letters >= _MIN_EXACT
    weight = 1 - (1 - _PHRASE_WEIGHT) * phrase_share
    return letters * (score * weight - _AGAINST * (1 - score)) >= _MIN_EVIDENCE


def _is_set_phrase(phrases: npt.NDArray[np.int64]) -> bool:
    """Whether letters, each with the number of its set phrase or -1, are hardly more than one of these."""
    largest = int(np.bincount(phrases + 1)[1:].max(initial=0))
    return largest >= _PHRASE_SHARE * len(phrases)


def copied_letters(copies: Collection[Copy], length: int) -> npt.NDArray[np.bool_]:
    """Which letters of a draft of `length` letters lie in verbatim or rewritten copies."""
    copied = np.zeros(length, np.bool_)
    for copy in copies:
        if copy.kind != "boilerplate":
            copied[copy.first : copy.end] = True
    return copied
