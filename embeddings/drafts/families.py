"""Which documents are versions of one another: amended laws, reprints. They count as one."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embeddings.seeds import SeedIndex

# Of the 64 least hashes of each, two versions share at least so many: about 0.3 of all runs of either.
_MIN_SHARED = 20
# A hash that more documents have tells nothing of any two.
_MAX_HOLDERS = 40
_NO_HASH = 0xFFFFFFFF


def find_families(index: SeedIndex, documents: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each of `documents` (counted over all parts, ascending) a number that its versions share."""
    sketches = np.concatenate([part.sketches for part in index.parts])[documents]
    rows = np.repeat(np.arange(len(documents)), sketches.shape[1])
    hashes = sketches.reshape(-1)
    order = np.lexsort((rows, hashes))
    order = order[hashes[order] != _NO_HASH]
    hashes, rows = hashes[order], rows[order]
    starts = (
        np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])) if len(hashes) else np.empty(0, np.int64)
    )
    sizes = np.diff(np.append(starts, len(hashes)))
    # The rows of one hash in a table, shorter ones filled up with -1.
    pairs = [
        _pairs(rows[starts[sizes == size][:, None] + np.arange(size)], len(documents))
        for size in range(2, min(_MAX_HOLDERS, int(sizes.max(initial=0))) + 1)
        if (sizes == size).any()
    ]
    shared, counts = np.unique(np.concatenate(pairs or [np.empty(0, np.int64)]), return_counts=True)
    return _joined(
        len(documents), [divmod(int(pair), len(documents)) for pair in shared[counts >= _MIN_SHARED]]
    )


def _pairs(holders: npt.NDArray[np.int64], base: int) -> npt.NDArray[np.int64]:
    first, second = np.triu_indices(holders.shape[1], 1)
    return (holders[:, first] * base + holders[:, second]).reshape(-1)


def _joined(count: int, pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.int64]:
    heads = list(range(count))

    def head(row: int) -> int:
        while heads[row] != row:
            heads[row] = heads[heads[row]]
            row = heads[row]
        return row

    for one, other in pairs:
        heads[head(other)] = head(one)
    return np.array([head(row) for row in range(count)], np.int64)
