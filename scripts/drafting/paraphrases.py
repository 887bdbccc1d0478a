"""Paragraphs of the data said in other words by a person who knew nothing of the check.

`paraphrases.jsonl` holds the paraphrase and where its passage stands: the title, how the passage begins, its length
and its SHA-256.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from embeddings import Collection
from embeddings.letters import read_letters

_FILE = Path(__file__).parent / "paraphrases.jsonl"
_FIRST = 3
_MIN_ALIKE = 0.5


@dataclass(frozen=True)
class Paraphrase:
    source: str
    title: str
    passage: str
    words: str


def read_paraphrases(texts: Sequence[tuple[str, str]]) -> list[Paraphrase]:
    """Those whose passage stands in `texts`, pairs of a title and a text."""
    found = []
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        passage = next(
            filter(None, (_passage(text, record) for title, text in texts if title == record["title"])), None
        )
        if passage:
            found.append(Paraphrase(record["source"], record["title"], passage, record["paraphrase"]))
    return found


def _passage(text: str, record: dict[str, str]) -> str | None:
    start = text.find(record["begins"])
    while start >= 0:
        passage = text[start : start + int(record["length"])]
        if hashlib.sha256(passage.encode()).hexdigest() == record["sha256"]:
            return passage
        start = text.find(record["begins"], start + 1)
    return None


def measure_paraphrases(collection: Collection, paraphrases: Sequence[Paraphrase]) -> dict[str, object]:
    """Of each kind of source how many of how many have their passage among the first three matches."""
    figures: dict[str, list[int]] = {}
    for one in paraphrases:
        report = collection.similar(one.words)
        first = [match for paragraph in report.paragraphs for match in paragraph.matches[:_FIRST]]
        figure = figures.setdefault(one.source, [0, 0])
        figure[0] += any(_is_passage(match.source_text, one.passage) for match in first)
        figure[1] += 1
    return dict(figures)


def _is_passage(found: str, passage: str) -> bool:
    one, other = _letters(found), _letters(passage)
    return one in other or other in one or Levenshtein.normalized_similarity(one, other) >= _MIN_ALIKE


def _letters(text: str) -> str:
    letters = read_letters(text)
    return letters.string(0, len(letters))
