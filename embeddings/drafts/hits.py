"""Seeds: the runs of letters that a draft shares with the library, and the diagonals that they lie on."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embeddings.letters import Letters
from embeddings.seeds import RUN, Part, SeedIndex, sample

# What bounds the time: of a draft's runs the commonest are left out until no more places than this remain.
_MAX_HITS = 800_000
_HITS_PER_LETTER = 8
# Seeds on one diagonal with no more than this between them are one group.
_MAX_GAP = 12

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PartHits:
    """Seeds in one part: where in the draft, where in the part, and the row of the document there."""

    part: Part
    first_document: int
    draft: Numbers
    places: Numbers
    slots: Numbers

    def documents(self) -> Numbers:
        """The documents of the seeds, counted over all parts."""
        return self.slots + self.first_document


@dataclass(frozen=True, slots=True)
class Seeds:
    """`common` are the places in the draft of runs that stand too often to be followed, and in how many places."""

    parts: tuple[PartHits, ...]
    common: Numbers
    common_counts: Numbers


@dataclass(frozen=True, slots=True)
class Groups:
    """Seeds that follow one another on one diagonal, n of them: `first` to `end` in the draft, `shift` from there
    to the place in the part, and the document's row."""

    hits: PartHits
    first: Numbers
    end: Numbers
    shift: Numbers
    slots: Numbers


def find_seeds(draft: Letters, index: SeedIndex, excluded: Collection[str] = ()) -> Seeds:
    hashes, places = sample(draft.codes)
    ranges = [
        (np.searchsorted(part.hashes, hashes), np.searchsorted(part.hashes, hashes, side="right"))
        for part in index.parts
    ]
    counts = np.zeros(len(hashes), np.int64)
    for start, end in ranges:
        counts += end - start
    is_rare = counts <= _cap(counts, _MAX_HITS + _HITS_PER_LETTER * len(draft))
    parts, first_document = [], 0
    for part, (start, end) in zip(index.parts, ranges, strict=True):
        parts.append(_look_up(part, first_document, places, start, np.where(is_rare, end, start), excluded))
        first_document += len(part.ids)
    return Seeds(tuple(parts), places[~is_rare], counts[~is_rare])


def group_seeds(hits: PartHits) -> Groups:
    shifts = hits.places - hits.draft
    order = np.lexsort((hits.draft, shifts))
    draft, shifts, slots = hits.draft[order], shifts[order], hits.slots[order]
    is_first = np.ones(len(draft), np.bool_)
    is_first[1:] = (np.diff(shifts) != 0) | (np.diff(slots) != 0) | (np.diff(draft) > RUN + _MAX_GAP)
    is_last = np.append(is_first[1:], True)[: len(draft)]
    first, last = np.flatnonzero(is_first), np.flatnonzero(is_last)
    return Groups(hits, draft[first], draft[last] + RUN, shifts[first], slots[first])


def _cap(counts: Numbers, budget: int) -> int:
    """The count that a run may have, so that all that have no more come to `budget` at most."""
    ordered = np.sort(counts)
    within = np.flatnonzero(np.cumsum(ordered) <= budget)
    return (
        int(ordered[within[-1]]) if len(within) and len(within) < len(counts) else int(counts.max(initial=0))
    )


def _look_up(
    part: Part,
    first_document: int,
    draft: Numbers,
    start: npt.NDArray[np.intp],
    end: npt.NDArray[np.intp],
    excluded: Collection[str],
) -> PartHits:
    counts = end - start
    total = int(counts.sum())
    rows = np.repeat(start - np.cumsum(counts) + counts, counts) + np.arange(total)
    places = part.places[rows].astype(np.int64)
    slots = part.slots(places)
    wanted = part.alive.copy()
    if excluded:
        wanted &= np.array([id not in excluded for id in part.ids], np.bool_)
    kept = wanted[slots]
    return PartHits(part, first_document, np.repeat(draft, counts)[kept], places[kept], slots[kept])
