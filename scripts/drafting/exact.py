"""What drafts and a library have in common, letter by letter, found without the check: every run is looked up."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embeddings.letters import read_letters

_BASE = np.uint64(0x9E3779B97F4A7C15)


class Runs:
    """All runs of `length` letters of some texts, by a hash of 64 bits."""

    def __init__(self, texts: Sequence[str], length: int) -> None:
        self._length = length
        self._known = np.unique(np.concatenate([self._hashes(text) for text in texts]))

    def shared(self, text: str) -> npt.NDArray[np.bool_]:
        """Which letters of `text` lie in a run that is known."""
        hashes = self._hashes(text)
        shared = np.zeros(
            len(hashes) + self._length - 1 if len(hashes) else len(read_letters(text)), np.bool_
        )
        # The known are sorted: a look-up each, where isin would sort them again every time.
        nearest = np.minimum(np.searchsorted(self._known, hashes), len(self._known) - 1)
        for place in np.flatnonzero(self._known[nearest] == hashes).tolist():
            shared[place : place + self._length] = True
        return shared

    def _hashes(self, text: str) -> npt.NDArray[np.uint64]:
        codes = read_letters(text).codes.astype(np.uint64) + np.uint64(1)
        hashes = np.zeros(max(0, len(codes) - self._length + 1), np.uint64)
        for offset in range(self._length):
            hashes = hashes * _BASE + codes[offset : offset + len(hashes)]
        return hashes


def without_shared(text: str, runs: Runs) -> str:
    """The sentences of `text` that hold none of `runs`."""
    sentences = re.findall(r"[^。！？\n]+[。！？]", text)
    return "".join(sentence for sentence in sentences if not runs.shared(sentence).any())
