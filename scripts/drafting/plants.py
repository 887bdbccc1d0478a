"""Drafts with slices of the library planted in them, as they are or changed."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_PLANTS_PER_DRAFT = 12
_PUNCTUATION = "，。；：、！？"


@dataclass(frozen=True)
class Planted:
    """A draft, and of each plant: where it stands, and the text that it was made from."""

    draft: str
    plants: tuple[tuple[int, int, str], ...]
    excluded: tuple[str, ...]


def plant(
    base: str,
    sources: Sequence[str],
    draw: random.Random,
    change: Callable[[str, random.Random], str],
    excluded: Sequence[str] = (),
) -> Planted:
    """`base` with slices of `sources` put in, each changed, each between two sentences."""
    places = sorted(draw.sample([m.end() for m in re.finditer("[。！？]", base)], _PLANTS_PER_DRAFT))
    parts, plants, length, before = [], [], 0, 0
    for place in places:
        parts.append(base[before:place])
        length += place - before
        source = _slice(draw.choice(sources), draw)
        changed = change(source, draw)
        parts.append(changed)
        plants.append((length, length + len(changed), source))
        length += len(changed)
        before = place
    parts.append(base[before:])
    return Planted("".join(parts), tuple(plants), tuple(excluded))


def _slice(text: str, draw: random.Random) -> str:
    """20 to 200 characters of one paragraph."""
    paragraphs = [line.strip() for line in text.split("\n") if len(line.strip()) >= 40]
    paragraph = draw.choice(paragraphs)
    length = min(len(paragraph), draw.randint(20, 200))
    start = draw.randint(0, len(paragraph) - length)
    return paragraph[start : start + length]


def unchanged(text: str, _: random.Random) -> str:
    return text


def other_punctuation(text: str, draw: random.Random) -> str:
    changed = (draw.choice(["", " ", "\n", *_PUNCTUATION]) if c in _PUNCTUATION else c for c in text)
    return "".join(changed)


def other_numbers(text: str, draw: random.Random) -> str:
    return re.sub(
        r"[0-9一二三四五六七八九]",
        lambda m: draw.choice("123456789" if m[0].isdigit() and m[0].isascii() else "一二三四五六七八九"),
        text,
    )


def other_characters(text: str, draw: random.Random) -> str:
    """A tenth of the characters replaced, left out or doubled by others."""
    changed = list(text)
    for place in draw.sample(range(len(text)), round(len(text) / 10)):
        other = chr(draw.randint(0x4E00, 0x9000))
        changed[place] = draw.choice([other, other, "", changed[place] + other])
    return "".join(changed)


def other_order(text: str, draw: random.Random) -> str:
    """Two neighbouring clauses changed about; without clauses, the two halves."""
    clauses = re.findall(r"[^，、；。]+[，、；。]?", text)
    if len(clauses) < 2:
        return text[len(text) // 2 :] + text[: len(text) // 2]
    place = draw.randrange(len(clauses) - 1)
    clauses[place], clauses[place + 1] = clauses[place + 1], clauses[place]
    return "".join(clauses)


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "punctuation": other_punctuation,
    "numbers": other_numbers,
    "10 % of characters": other_characters,
    "word order": other_order,
}
