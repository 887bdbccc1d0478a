"""How often the terms of a query stand in texts, all of them counted in one go."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embeddings.terms import is_han, term_runs


class TermCounter:
    """Counts what `extract_terms` finds: Han characters, pairs of them, and whole runs of letters and digits."""

    def __init__(self, terms: Sequence[str]) -> None:
        self._terms = terms
        han = np.array([is_han(term[0]) for term in terms], dtype=np.bool_)
        self._words = np.flatnonzero(~han).tolist()
        # 「人人」 overlaps itself in 「人人人」, and stands there once.
        self._doubled = [place for place, term in enumerate(terms) if len(term) == 2 and term[0] == term[1]]
        places = np.flatnonzero(han)
        # Each Han term as two characters; one alone is followed by NUL, which is none.
        padded = "".join([terms[place].ljust(2, "\0") for place in places.tolist()])
        characters, numbers = np.unique(_codes("\0" + padded), return_inverse=True)
        # Code point -> number of the character, 0 for those of no term; the last entry is for all above.
        self._numbers = np.zeros(int(characters[-1]) + 2, np.int16)
        self._numbers[characters] = np.arange(len(characters))
        # Number of a character -> place of the term that it is; numbers of one and the next -> place of their pair. Where
        # that is no term, the place behind all terms.
        self._alone = np.full(len(characters), len(terms))
        self._pairs = np.full((len(characters), len(characters)), len(terms))
        first, second = numbers[1:].reshape(-1, 2).T
        self._pairs[first, second] = places
        self._alone[:], self._pairs[:, 0] = self._pairs[:, 0], len(terms)

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """(texts, terms): how often each term stands in each of `texts` (folded)."""
        whole = "\n".join([*texts, ""])
        numbers = self._numbers.take(_codes(whole), mode="clip")
        known = np.flatnonzero(numbers)
        rows = np.repeat(np.arange(len(texts)), [len(text) + 1 for text in texts]).take(known)
        first, second = numbers.take(known).astype(np.int64), numbers.take(known + 1)
        places = (self._alone.take(first), self._pairs.take(first * len(self._pairs) + second))
        columns = len(self._terms) + 1
        cells = np.concatenate([rows * columns + place for place in places])
        counted = np.bincount(cells, minlength=len(texts) * columns).astype(np.float64)
        counts = counted.reshape(len(texts), columns)[:, :-1]
        for place in self._doubled:
            counts[:, place] = [text.count(self._terms[place]) for text in texts]
        if self._words:
            runs = [term_runs(text) for text in texts]
            for place in self._words:
                counts[:, place] = [of_text.count(self._terms[place]) for of_text in runs]
        return counts


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
