"""Words that mean much the same: what people say, and what official documents say."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "synonyms.txt"


@dataclass(frozen=True, slots=True)
class Synonyms:
    """`pattern` finds the known words in a folded text, the longest first; `others` has the synonyms of each."""

    pattern: re.Pattern[str]
    others: dict[str, tuple[str, ...]]


@cache
def load_synonyms() -> Synonyms:
    others: dict[str, dict[str, None]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        group = line.split()
        for word in group:
            others.setdefault(word, {}).update(dict.fromkeys(other for other in group if other != word))
    longest_first = sorted(others, key=len, reverse=True)
    return Synonyms(
        re.compile("|".join(longest_first)), {word: tuple(known) for word, known in others.items()}
    )
