"""A text as the draft check compares it: its letters alone, folded, each with its place in the text.

Punctuation, white space and line breaks are left out, so that they cannot hide a copy.
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from embeddings.terms import fold
from embeddings.types import Span

# Halves of surrogate pairs, which nothing can fold.
_HALF = re.compile("[\ud800-\udfff]")
_BMP = 0x10000
_FIRST_ASTRAL_HAN = 0x20000


@dataclass(frozen=True, slots=True)
class Letters:
    """`codes` (n,) uint16 are folded code points (of rare ones their lower half); `places` (n,) is where each
    stands in the text."""

    codes: npt.NDArray[np.uint16]
    places: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    def span(self, first: int, end: int) -> Span:
        """The span in the text of the letters `first` to `end`, not empty."""
        return Span(int(self.places[first]), int(self.places[end - 1]) + 1)

    def string(self, first: int, end: int) -> str:
        """The letters `first` to `end`, for a library that aligns strings."""
        return self.codes[first:end].tobytes().decode("utf-16-le", "surrogatepass")

    def range_of(self, span: Span) -> tuple[int, int]:
        """The letters that lie in `span`, from and to."""
        first, end = np.searchsorted(self.places, span)
        return int(first), int(end)


def read_letters(text: str) -> Letters:
    points = np.frombuffer(fold(_HALF.sub("\ufffd", text)).encode("utf-32-le"), np.uint32)
    is_letter = np.where(
        points < _BMP, _letter_table()[np.minimum(points, _BMP - 1)], points >= _FIRST_ASTRAL_HAN
    )
    places = np.flatnonzero(is_letter)
    return Letters(points[places].astype(np.uint16), places)


@cache
def _letter_table() -> npt.NDArray[np.bool_]:
    return np.array([chr(point).isalnum() for point in range(_BMP)], np.bool_)
