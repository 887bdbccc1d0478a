"""How often the terms of a query stand in texts, all of them counted in one go."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embeddings.terms import is_han, term_runs


class TermCounter:
    """Counts what `extract_terms` finds: Han characters, pairs of them, and whole runs of letters and digits."""

    def __init__(self, terms: Sequence[str]) -> None:
        self._terms = terms
        self._words = [place for place, term in enumerate(terms) if not is_han(term[0])]
        # 「人人」 overlaps itself in 「人人人」, and stands there once.
        self._doubled = [place for place, term in enumerate(terms) if len(term) == 2 and term[0] == term[1]]
        han = [place for place, term in enumerate(terms) if is_han(term[0])]
        characters = sorted({ord(character) for place in han for character in terms[place]})
        number = {code: number for number, code in enumerate(characters, start=1)}
        # Code point -> number of the character, 0 for those of no term; the last entry is for all above.
        self._numbers = np.zeros(max(characters, default=0) + 2, np.int64)
        self._numbers[characters] = np.arange(1, len(characters) + 1)
        # Numbers of a character and the next -> place of their pair; of a character alone in the first column.
        self._places = np.full((len(characters) + 1, len(characters) + 1), -1)
        for place in han:
            first, *second = (number[ord(character)] for character in terms[place])
            self._places[first, second[0] if second else 0] = place

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """(texts, terms): how often each term stands in each of `texts` (folded)."""
        whole = "\n".join([*texts, ""])
        codes = np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), "<u4")
        numbers = self._numbers[np.minimum(codes, len(self._numbers) - 1)]
        known = np.flatnonzero(numbers)
        rows = np.repeat(np.arange(len(texts)), [len(text) + 1 for text in texts])[known]
        first, second = numbers[known], numbers[known + 1]
        places = np.concatenate([self._places[first, 0], np.where(second, self._places[first, second], -1)])
        cells = np.tile(rows * len(self._terms), 2) + places
        size = len(texts) * len(self._terms)
        counts = np.bincount(cells[places >= 0], minlength=size).astype(np.float64)
        counts = counts.reshape(len(texts), len(self._terms))
        for place in self._doubled:
            counts[:, place] = [text.count(self._terms[place]) for text in texts]
        if self._words:
            runs = [term_runs(text) for text in texts]
            for place in self._words:
                counts[:, place] = [of_text.count(self._terms[place]) for of_text in runs]
        return counts
