"""How common terms are in Chinese official texts and questions at large, whatever a collection holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.terms import hash_term

_FILE = Path(__file__).parent / "models" / "terms.npz"
# What is not in the table stands in fewer than five of some 140,000 segments.
_UNSEEN_SHARE = 2e-5


@dataclass(frozen=True, slots=True)
class Commonness:
    """`hashes` are sorted; `shares` tell in which part of all segments each term stands."""

    hashes: npt.NDArray[np.uint32]
    shares: npt.NDArray[np.float64]

    def of(self, terms: Sequence[str]) -> npt.NDArray[np.float64]:
        """(len(terms),): in which part of all segments each term stands."""
        wanted = np.array([hash_term(term) for term in terms], dtype=np.uint32)
        places = self.hashes.searchsorted(wanted)
        is_known = self.hashes.take(places, mode="clip") == wanted
        return np.where(is_known, self.shares.take(places, mode="clip"), _UNSEEN_SHARE)


@cache
def load_commonness() -> Commonness:
    """What scripts/count_terms.py wrote."""
    with np.load(_FILE) as table:
        return Commonness(table["hashes"], 1 / np.expm1(table["weights"].astype(np.float64)))
