"""Which FAISS index holds how many vectors: exact in half precision while they are few, an inverted file above.

Up to 50,000 vectors an exact search takes about 1.3 ms. Above, the vectors are kept in 8 bits a dimension in lists
around centres; a search looks into the nearest lists. The centres are trained on what is there and again when that
has grown fourfold.
"""

from collections.abc import Iterator, Sequence
from math import isqrt
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

_MAX_EXACT = 50_000
_GROWTH = 4
# Centres per square root of the vectors: finer lists, and more of them looked into, find as much in less time.
_CENTRES = 4
# Vectors per centre that the training takes, and its rounds: more makes hardly better centres.
_TRAINED_ON, _ROUNDS = 20, 5
# A search looks into so many lists, or this share of them.
_PROBED, _PROBED_SHARE = 72, 1 / 24
# Where a filter leaves less than this share, every list is looked into: the nearest may hold none of it.
_SMALL_SHARE = 0.1
_BLOCK = 4096

_Index = Any
_faiss: Any = faiss
"""What is patched in at import has other signatures than are declared."""
Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def make_base(dim: int, known: _Index | None, more: Sequence[_Index] = ()) -> _Index:
    """A new index of all the vectors in `known` and `more`, whose ids ascend from one to the next."""
    total = sum(index.ntotal for index in more) + (known.ntotal if known is not None else 0)
    if known is not None and _fits(known, total):
        made = faiss.clone_index(known)
        added = more
    else:
        made = _empty(dim, total, [index for index in (known, *more) if index is not None])
        added = [index for index in (known, *more) if index is not None]
    for index in added:
        _pour(index, made)
    return made


def is_inverted(index: _Index) -> bool:
    return isinstance(index, faiss.IndexIVF)


def search_parameters(index: _Index, allowed: Any, share: float) -> Any:
    """How to search: among the ids that the selector `allowed` lets pass, which are `share` of all."""
    if not is_inverted(index):
        return None if allowed is None else _faiss.SearchParameters(sel=allowed)
    probed = min(index.nlist, max(_PROBED, int(_PROBED_SHARE * index.nlist)))
    nprobe = index.nlist if share < _SMALL_SHARE else probed
    return _faiss.SearchParametersIVF(sel=allowed, nprobe=nprobe)


def _fits(index: _Index, total: int) -> bool:
    """Whether the kind of `index` is the one for `total` vectors."""
    if not is_inverted(index):
        return total <= _MAX_EXACT
    trained_on: int = (index.nlist // _CENTRES) ** 2
    return total <= _GROWTH * trained_on


def _empty(dim: int, total: int, samples: Sequence[_Index]) -> _Index:
    """An empty index for `total` vectors, trained on some of `samples`."""
    if total <= _MAX_EXACT:
        kept = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        return faiss.IndexIDMap(kept)
    centres = _CENTRES * isqrt(total)
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim),
        dim,
        centres,
        faiss.ScalarQuantizer.QT_8bit_uniform,
        faiss.METRIC_INNER_PRODUCT,
    )
    index.cp.min_points_per_centroid, index.cp.niter = 1, _ROUNDS
    index.train(_sample(samples, min(1.0, _TRAINED_ON * centres / total)))
    return index


def _sample(indexes: Sequence[_Index], share: float) -> Floats:
    """A random share of the vectors in `indexes`."""
    random = np.random.default_rng(0)
    chosen = [
        vectors[random.random(len(vectors)) < share] for index in indexes for _, vectors in _blocks(index)
    ]
    return np.concatenate(chosen)


def _pour(index: _Index, into: _Index) -> None:
    if not index.ntotal:
        return
    if not is_inverted(index) and not is_inverted(into):
        into.merge_from(faiss.clone_index(index))
        return
    for ids, vectors in _blocks(index):
        into.add_with_ids(vectors, ids)


def _blocks(index: _Index) -> Iterator[tuple[Ids, Floats]]:
    if is_inverted(index):
        yield from (_list(index, number) for number in range(index.nlist))
        return
    ids = faiss.vector_to_array(index.id_map)
    for start in range(0, index.ntotal, _BLOCK):
        count = min(_BLOCK, index.ntotal - start)
        yield ids[start : start + count], index.index.reconstruct_n(start, count)


def _list(index: _Index, number: int) -> tuple[Ids, Floats]:
    lists = index.invlists
    size = lists.list_size(number)
    if not size:
        return np.empty(0, np.int64), np.empty((0, index.d), np.float32)
    vectors = np.empty((size, index.d), np.float32)
    numbers = np.full(size, number, np.int64)
    index.decode_vectors(size, lists.get_codes(number), faiss.swig_ptr(numbers), faiss.swig_ptr(vectors))
    return faiss.rev_swig_ptr(lists.get_ids(number), size).copy(), vectors
