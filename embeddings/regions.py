"""The provinces and cities that questions and documents name."""

from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("regions.txt")


def find_regions(text: str) -> set[str]:
    """The provinces and cities that `text` (folded) names, from left to right, the longest where several begin."""
    begun = _by_beginning()
    found: set[str] = set()
    start = 0
    while start < len(text):
        step = 1
        for name in begun.get(text[start : start + 2], ()):
            if text.startswith(name, start):
                found.add(name)
                step = len(name)
                break
        start += step
    return found


def overlap(one: set[str], others: set[str]) -> bool:
    """Whether a region of `one` is one of `others`, lies in one of them or holds one."""
    provinces = _provinces()
    return any(a == b or provinces[a] == b or provinces[b] == a for a in one for b in others)


@cache
def _provinces() -> dict[str, str]:
    """The province that each region lies in, itself for a province. A city whose name is a word or often a part of others
    is known only as a city: 「日照市」."""
    lines = (line.split() for line in _FILE.read_text(encoding="utf-8").splitlines())
    return {region: province for province, *cities in lines for region in (province, *cities)}


@cache
def _by_beginning() -> dict[str, list[str]]:
    """The regions whose names begin with two characters, the longest first."""
    begun: dict[str, list[str]] = {}
    for name in sorted(_provinces(), key=len, reverse=True):
        begun.setdefault(name[:2], []).append(name)
    return begun
