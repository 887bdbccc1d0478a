"""Words that mean much the same: what people say, and what official documents say."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

_FILE = Path(__file__).parent / "synonyms.txt"
# More synonyms of one word cost time and find nothing.
_MOST = 8


@dataclass(frozen=True, slots=True)
class Synonyms:
    """The synonyms of each known word, and how long the longest known word is."""

    others: dict[str, tuple[str, ...]]
    longest: int

    def find(self, text: str) -> Iterator[str]:
        """The known words in `text` (folded) from left to right, the longest where several begin."""
        start = 0
        while start < len(text):
            lengths = range(min(self.longest, len(text) - start), 1, -1)
            length = next((length for length in lengths if text[start : start + length] in self.others), 0)
            if length:
                yield text[start : start + length]
            start += max(1, length)


@cache
def load_synonyms() -> Synonyms:
    others: dict[str, dict[str, None]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        group = line.split()
        for word in group:
            others.setdefault(word, {}).update(dict.fromkeys(other for other in group if other != word))
    return Synonyms(
        {word: tuple(islice(known, _MOST)) for word, known in others.items()}, max(map(len, others))
    )
