"""How alike documents are as a whole: a sketch of each, small enough to be kept and looked up.

The sketch holds the smallest of the hashes of a text's shingles (runs of five letters); two texts share as large a
part of the smallest of both as they share of all (Broder 1997, "On the resemblance and containment of documents").
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embeddings.terms import term_runs

Sketch = npt.NDArray[np.int64]
"""Ascending, at most `SKETCH_HASHES` of them."""

SKETCH_HASHES = 96
# These of a sketch are looked up: of two texts that are nine tenths alike about fourteen are the same.
KEY_HASHES = 16
NEAR_DUPLICATE = 0.6
_SHINGLE = 5
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def sketch(folded: str) -> Sketch:
    """The sketch of a folded text; empty if there is no letter in it."""
    letters = "".join(term_runs(folded))
    codes = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    hashes = np.zeros(max(len(codes) - _SHINGLE + 1, min(len(codes), 1)), np.uint64)
    for offset in range(min(_SHINGLE, len(codes))):
        hashes = _mixed(hashes + codes[offset : offset + len(hashes)])
    distinct = np.unique(hashes >> np.uint64(1))
    return distinct[:SKETCH_HASHES].astype(np.int64)


def resemblance(one: Sketch, other: Sketch) -> float:
    """About the share of their shingles that two texts have in common, 0 to 1."""
    union = np.union1d(one, other)[:SKETCH_HASHES]
    if not len(union):
        return 0.0
    shared = np.isin(union, one, assume_unique=True) & np.isin(union, other, assume_unique=True)
    return float(shared.mean())


def digest(folded: str) -> int:
    """64 bits that tell a folded text from any other."""
    hashed = hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "little", signed=True)


def keys(of: Sketch) -> Sequence[int]:
    """What a sketch is looked up by."""
    found: list[int] = of[:KEY_HASHES].tolist()
    return found


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        values = values * _MULTIPLIER
        return values ^ (values >> np.uint64(29))
