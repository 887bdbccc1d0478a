"""Which documents of a library share text, and its set phrases: what the whole index says, without a draft."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embeddings.drafts.families import find_families
from embeddings.seeds import RUN, SeedIndex

# Of a large library one run in so many is looked at: enough to see what two documents share.
_ONE_IN, _LARGE_LETTERS = 8, 2_000_000
# A run that more documents have is a set phrase.
_MAX_HOLDERS = 6
_LETTERS_A_RUN = 2
_MIN_RUNS = 3
_MAX_PHRASES_LOOKED_AT = 4_000
_LONGEST_PHRASE = 60


@dataclass(frozen=True, slots=True)
class SharedText:
    """Two documents, and about how many letters they have in common."""

    one: str
    other: str
    characters: int


@dataclass(frozen=True, slots=True)
class LibraryPhrase:
    """Letters, without punctuation and folded, and in how many unrelated documents they stand in one run."""

    letters: str
    documents: int


def find_shared_text(index: SeedIndex, *, limit: int) -> list[SharedText]:
    """The pairs of documents that share most, first."""
    hashes, documents, _ = _postings(index)
    one_in = _ONE_IN if index.letter_count > _LARGE_LETTERS else 1
    few = hashes % one_in == 0
    both = np.unique(np.stack([hashes[few].astype(np.int64), documents[few]]), axis=1)
    starts = np.flatnonzero(np.diff(both[0], prepend=-1))
    sizes = np.diff(np.append(starts, both.shape[1]))
    counts: Counter[tuple[int, int]] = Counter()
    for size in range(2, _MAX_HOLDERS + 1):
        holders = both[1][starts[sizes == size][:, None] + np.arange(size)]
        for first in range(size):
            for second in range(first + 1, size):
                counts.update(zip(holders[:, first].tolist(), holders[:, second].tolist(), strict=True))
    ids = [id for part in index.parts for id in part.ids]
    return [
        SharedText(ids[one], ids[other], count * one_in * _LETTERS_A_RUN)
        for (one, other), count in counts.most_common(limit)
        if count >= _MIN_RUNS
    ]


def find_library_phrases(index: SeedIndex, *, min_documents: int, limit: int) -> list[LibraryPhrase]:
    """The runs that most unrelated documents have, as long as `min_documents` of them have all of it."""
    hashes, documents, places = _postings(index)
    if not len(hashes):
        return []
    codes = np.concatenate([part.codes for part in index.parts])
    held, rows = np.unique(documents, return_inverse=True)
    families = find_families(index, held)[rows]
    order = np.argsort(hashes, kind="stable")
    hashes, families, places = hashes[order], families[order], places[order]
    both = np.unique(np.stack([hashes.astype(np.int64), families]), axis=1)
    values, counts = np.unique(both[0], return_counts=True)
    common = np.flatnonzero(counts >= min_documents)
    common = common[np.argsort(-counts[common], kind="stable")][:_MAX_PHRASES_LOOKED_AT]
    found: dict[str, int] = {}
    for value in values[common].tolist():
        low, high = np.searchsorted(hashes, value), np.searchsorted(hashes, value, side="right")
        letters, count = _grown(codes, places[low:high], families[low:high], min_documents)
        if not any(letters in known for known in found):
            found[letters] = count
        if len(found) >= limit:
            break
    return [
        LibraryPhrase(letters, count) for letters, count in sorted(found.items(), key=lambda one: -one[1])
    ]


def _grown(
    codes: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    families: npt.NDArray[np.int64],
    needed: int,
) -> tuple[str, int]:
    """The longest run around `places` that `needed` families agree on, at each step with most of them."""
    first, end = 0, RUN
    for step in (1, -1):
        while end - first < _LONGEST_PHRASE:
            beside = places + (end if step > 0 else first - 1)
            inside = (beside >= 0) & (beside < len(codes))
            letters = codes[np.clip(beside, 0, len(codes) - 1)]
            most = np.bincount(letters[inside]).argmax() if inside.any() else 0
            agreeing = inside & (letters == most)
            count = len(np.unique(families[agreeing]))
            if count < needed or 2 * count < len(np.unique(families)):
                break
            places, families = places[agreeing], families[agreeing]
            first, end = (first, end + 1) if step > 0 else (first - 1, end)
    start = int(places[0]) + first
    text = codes[start : start + end - first].tobytes().decode("utf-16-le", "replace")
    return text, len(np.unique(families))


def _postings(
    index: SeedIndex,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Of every run of a living document its hash, its document and its place, counted over all parts."""
    columns: tuple[list[npt.NDArray[np.uint32]], list[npt.NDArray[np.int64]], list[npt.NDArray[np.int64]]]
    columns = [], [], []
    first_document = first_letter = 0
    for part in index.parts:
        places = part.places.astype(np.int64)
        slots = part.slots(places)
        lives = part.alive[slots]
        columns[0].append(part.hashes[lives])
        columns[1].append(slots[lives] + first_document)
        columns[2].append(places[lives] + first_letter)
        first_document += len(part.ids)
        first_letter += len(part.codes)
    hashes = np.concatenate(columns[0]) if columns[0] else np.empty(0, np.uint32)
    documents, places = (np.concatenate(c) if c else np.empty(0, np.int64) for c in columns[1:])
    return hashes, documents, places
