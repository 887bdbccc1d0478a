"""Extend: from seeds to stretches of a draft that stand, wholly or nearly, in one place of one document.

A group of seeds is extended without gaps as long as it pays (Altschul and others 1990); what then lies close
together on both sides, in whatever order, is one stretch.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embeddings.drafts.hits import Groups, Numbers
from embeddings.letters import Letters
from embeddings.seeds import Part

# A letter that differs costs as much as this many that agree bring.
_MISMATCH = 2
# An extension is given up when it has lost this much.
_DROP = 7
_MIN_PIECE = 6
# How far apart, in the draft and in the source, two pieces of one stretch may be, and what each join costs.
_DRAFT_GAP, _SOURCE_GAP, _JOIN_COST, _GAP_PER_COST = 24, 60, 1, 4
# How far a piece may reach into what it is joined to.
_OVERLAP = 12
_MIN_DENSITY = 0.6
MIN_SCORE = 10


@dataclass(frozen=True, slots=True)
class Piece:
    """`first` to `end` in the draft; `shift` leads to the same letters in the part's."""

    first: int
    end: int
    shift: int
    score: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Pieces of one document, in order of the draft. `document` counts over all parts."""

    part: Part
    slot: int
    document: int
    score: int
    pieces: tuple[Piece, ...]

    @property
    def id(self) -> str:
        return self.part.ids[self.slot]

    @property
    def first(self) -> int:
        return self.pieces[0].first

    @property
    def end(self) -> int:
        return max(piece.end for piece in self.pieces)

    @property
    def start(self) -> int:
        """Where the document begins in the part."""
        return int(self.part.starts[self.slot])

    @property
    def source_first(self) -> int:
        """In the document's own letters, as `source_end`."""
        return min(piece.first + piece.shift for piece in self.pieces) - self.start

    @property
    def source_end(self) -> int:
        return max(piece.end + piece.shift for piece in self.pieces) - self.start


def find_stretches(draft: Letters, groups: Groups) -> list[Stretch]:
    """Every stretch that scores `MIN_SCORE` or more."""
    part = groups.hits.part
    first, end, score = _extended(draft.codes, part, groups)
    # The same piece is found from every group of seeds in it.
    keys = np.stack([groups.slots, groups.shift, first, end])
    kept = np.flatnonzero(score >= _MIN_PIECE)
    kept = kept[np.unique(keys[:, kept], axis=1, return_index=True)[1]] if len(kept) else kept
    kept = kept[_has_company(groups.slots[kept], groups.shift[kept], first[kept], end[kept], score[kept])]
    order = kept[np.lexsort((first[kept], groups.slots[kept]))]
    columns = (groups.slots, first, end, groups.shift, score)
    rows = zip(*(column[order].tolist() for column in columns), strict=True)
    found = []
    for slot, pieces in _by_slot(rows):
        document = slot + groups.hits.first_document
        for chain in _chains(pieces):
            if chain.score >= MIN_SCORE:
                in_order = tuple(sorted(chain.pieces, key=lambda piece: piece.first))
                found.append(Stretch(part, slot, document, chain.score, in_order))
    return found


def _extended(codes: npt.NDArray[np.uint16], part: Part, groups: Groups) -> tuple[Numbers, Numbers, Numbers]:
    """Where each group begins and ends once extended, and its score."""
    inner = _inner_scores(codes, part, groups)
    limits = part.starts[groups.slots], part.starts[groups.slots + 1]
    left, more_left = _extend(codes, part, groups.first - 1, groups.shift, -1, limits)
    right, more_right = _extend(codes, part, groups.end, groups.shift, 1, limits)
    return groups.first - left, groups.end + right, inner + more_left + more_right


def _inner_scores(codes: npt.NDArray[np.uint16], part: Part, groups: Groups) -> Numbers:
    lengths = groups.end - groups.first
    if not len(lengths):
        return lengths
    starts = np.cumsum(lengths) - lengths
    draft = np.arange(int(lengths.sum())) + np.repeat(groups.first - starts, lengths)
    differs = codes[draft] != part.codes[draft + np.repeat(groups.shift, lengths)]
    wrong: Numbers = np.add.reduceat(differs, starts, dtype=np.int64)
    return lengths - (_MISMATCH + 1) * wrong


def _extend(
    codes: npt.NDArray[np.uint16],
    part: Part,
    origin: Numbers,
    shift: Numbers,
    step: int,
    limits: tuple[Numbers, Numbers],
) -> tuple[Numbers, Numbers]:
    """From `origin` on in the direction of `step`: how many letters it pays to take, and what they bring."""
    best, taken = np.zeros(len(origin), np.int64), np.zeros(len(origin), np.int64)
    active = np.arange(len(origin))
    running = np.zeros(len(origin), np.int64)
    draft, source = origin.copy(), origin + shift
    low, high = limits
    length = 0
    while len(active):
        is_inside = (draft >= 0) & (draft < len(codes)) & (source >= low) & (source < high)
        goes_on = is_inside & (running > best[active] - _DROP)
        active, running, draft, source = active[goes_on], running[goes_on], draft[goes_on], source[goes_on]
        low, high = low[goes_on], high[goes_on]
        if not len(active):
            break
        length += 1
        running = running + np.where(codes[draft] == part.codes[source], 1, -_MISMATCH)
        is_better = running > best[active]
        best[active[is_better]] = running[is_better]
        taken[active[is_better]] = length
        draft, source = draft + step, source + step
    return taken, best


def _has_company(
    slots: Numbers, shifts: Numbers, first: Numbers, end: Numbers, scores: Numbers
) -> npt.NDArray[np.bool_]:
    """Whether a piece is enough by itself, or has another of its document nearby on both sides."""
    enough = scores >= MIN_SCORE
    order = np.lexsort((first, shifts // _SOURCE_GAP, slots))
    near = np.zeros(len(slots), np.bool_)
    # Neighbours in order of the draft within a band of diagonals, and in bands laid half over those.
    for offset in (0, _SOURCE_GAP // 2):
        band = (shifts + offset) // _SOURCE_GAP
        order = np.lexsort((first, band, slots))
        close = (
            (np.diff(slots[order]) == 0)
            & (np.diff(band[order]) == 0)
            & (first[order][1:] - end[order][:-1] <= _DRAFT_GAP)
        )
        near[order[1:][close]] = True
        near[order[:-1][close]] = True
    return enough | near


def _by_slot(rows: Iterable[tuple[int, int, int, int, int]]) -> Iterator[tuple[int, list[Piece]]]:
    current: int | None = None
    pieces: list[Piece] = []
    for slot, first, end, shift, score in rows:
        if slot != current:
            if current is not None:
                yield current, pieces
            current, pieces = slot, []
        pieces.append(Piece(first, end, shift, score))
    if current is not None:
        yield current, pieces


def _chains(pieces: list[Piece]) -> Iterator["_Chain"]:
    """Pieces of one document in chains of neighbours on both sides; the best pieces draw the others to them."""
    by_first = sorted(range(len(pieces)), key=lambda row: pieces[row].first)
    by_end = sorted(range(len(pieces)), key=lambda row: pieces[row].end)
    firsts = [pieces[row].first for row in by_first]
    ends = [pieces[row].end for row in by_end]
    is_free = [True] * len(pieces)
    for row in sorted(range(len(pieces)), key=lambda row: -pieces[row].score):
        if not is_free[row]:
            continue
        is_free[row] = False
        chain = _Chain(pieces[row])
        while True:
            after = bisect_left(firsts, chain.end - _OVERLAP), bisect_right(firsts, chain.end + _DRAFT_GAP)
            before = bisect_left(ends, chain.first - _DRAFT_GAP), bisect_right(ends, chain.first + _OVERLAP)
            near = [*by_first[slice(*after)], *by_end[slice(*before)]]
            joining = [row for row in near if is_free[row] and chain.fits(pieces[row])]
            if not joining:
                break
            best = max(joining, key=lambda row: pieces[row].score - chain.cost(pieces[row]))
            is_free[best] = False
            chain.take(pieces[best])
        for row in by_first[bisect_left(firsts, chain.first) : bisect_right(firsts, chain.end)]:
            if is_free[row] and chain.fits(pieces[row]):
                is_free[row] = False
                chain.take(pieces[row])
        yield chain


class _Chain:
    def __init__(self, piece: Piece) -> None:
        self.pieces = [piece]
        self.first, self.end = piece.first, piece.end
        self.source_first, self.source_end = piece.first + piece.shift, piece.end + piece.shift
        self.score = piece.score
        self._letters = piece.end - piece.first

    def fits(self, piece: Piece) -> bool:
        """Whether joining a piece brings more than it costs, and the piece is mostly new in the draft and in the
        source (a phrase that the draft repeats is one phrase in the source), and not too much lies between."""
        reach = _GAP_PER_COST * min(piece.score, self.score)
        place = piece.first + piece.shift
        if place > self.source_end + reach or place + piece.end - piece.first < self.source_first - reach:
            return False
        return (
            self.cost(piece) < min(piece.score, self.score)
            and self._density(piece) >= _MIN_DENSITY
            and not any(_is_taken(piece, other) for other in self.pieces)
        )

    def cost(self, piece: Piece) -> int:
        gap = max(0, piece.first - self.end, self.first - piece.end)
        source_first, source_end = piece.first + piece.shift, piece.end + piece.shift
        source_gap = max(0, source_first - self.source_end, self.source_first - source_end)
        return _JOIN_COST + max(gap // 3, source_gap // _GAP_PER_COST)

    def take(self, piece: Piece) -> None:
        self.score += piece.score - self.cost(piece)
        self.pieces.append(piece)
        self._letters += piece.end - piece.first
        self.first, self.end = min(self.first, piece.first), max(self.end, piece.end)
        self.source_first = min(self.source_first, piece.first + piece.shift)
        self.source_end = max(self.source_end, piece.end + piece.shift)

    def _density(self, piece: Piece) -> float:
        """The share of the longer side that the pieces would hold."""
        here = max(self.end, piece.end) - min(self.first, piece.first)
        there = max(self.source_end, piece.end + piece.shift) - min(
            self.source_first, piece.first + piece.shift
        )
        return (self._letters + piece.end - piece.first) / max(here, there)


def _is_taken(piece: Piece, other: Piece) -> bool:
    shift = piece.shift - other.shift
    in_draft = min(piece.end, other.end) - max(piece.first, other.first)
    in_source = min(piece.end + shift, other.end) - max(piece.first + shift, other.first)
    return 2 * max(in_draft, in_source) > min(piece.end - piece.first, other.end - other.first)
