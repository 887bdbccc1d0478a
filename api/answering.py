"""Hits to an answer made of their quotes. Knows no HTTP.

Every character of an answer that is not one of the fixed phrases here is an exact slice of a document.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from embeddings import Hit

NO_ANSWER = "在文库中没有找到能回答这个问题的内容。"
_MAX_QUOTES = 5
# A quote scored much lower than the first is about something else more often than it adds to the answer.
_MIN_SCORE_SHARE = 0.7
# Releases of one sentence share nearly all of their character pairs, sentences on one topic far fewer.
_SAME_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Answer:
    """`cited[n - 1]` is the hit that [n] stands for in `text`."""

    text: str
    cited: tuple[Hit, ...]


def answer_with_quotes(hits: Sequence[Hit]) -> Answer:
    """The best quotes in rank order, one a line; quotes that say the same are given once."""
    cited: list[Hit] = []
    for hit in hits:
        if hit.score < _MIN_SCORE_SHARE * hits[0].score or len(cited) == _MAX_QUOTES:
            break
        if not any(_say_the_same(hit.quote, other.quote) for other in cited):
            cited.append(hit)
    lines = [f"「{hit.quote}」[{n}]（{hit.source.title}）" for n, hit in enumerate(cited, start=1)]
    return Answer("\n".join(lines) or NO_ANSWER, tuple(cited))


def _say_the_same(one: str, other: str) -> bool:
    pairs, others = _character_pairs(one), _character_pairs(other)
    return len(pairs & others) >= _SAME_SHARE * max(len(pairs), len(others))


def _character_pairs(text: str) -> set[str]:
    characters = [character for character in text if character.isalnum()]
    return {"".join(pair) for pair in zip(characters, characters[1:] or [""], strict=False)}
