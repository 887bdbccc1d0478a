"""Slips of typing in a question: 燃汽 for 燃气, 消仿 for 消防, 特种备 for 特种设备.

Corrects only what is neither in the collection nor known at large, where one character that sounds or looks like it,
two characters exchanged, or a character left out makes of it what stands in the collection.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from embeddings.commonness import load_commonness
from embeddings.queries import blank_asking
from embeddings.storage import Snapshot
from embeddings.terms import is_han

_FOLDER = Path(__file__).parent
_MAX_CHARS = 30
# In longer questions too many pairs are of two words for a character to be missed between them.
_MAX_CHARS_LEFT_OUT = 10
_MAX_WORD_CHARS = 3
_MAX_SLIPS = 3
_HAN_RUN = re.compile(r"[\u4e00-\u9fff]{2,}")
# Known at large is a pair that stands in more than so many of all segments (the share of one never seen).
_UNKNOWN_SHARE = 2.5e-5
# Of the collection's segments one in so many may hold the same slip.
_SLIPS_SHARE = 2e-6
# A word is a pair so common at large and in so many segments here, and so much commoner than its characters would
# meet by chance; 「的前」 is none.
_WORD_SHARE, _WORD_SEGMENTS, _WORD_LIFT = 1e-4, 2, 0.2
_LOOKED_AT = 20
# Words of one character that stand before what asks: 「事故罚多少」 means nothing else.
_ASKED_VERB = re.compile("[罚赔判补奖交缴收扣付退领花租涨降](?=多少|几|啥|什么)")
# Sounds that are taken for one another.
_ALIKE = ((re.compile("^([zcs])h"), r"\1"), (re.compile("ng$"), "n"), (re.compile("^l"), "n"))


@dataclass(frozen=True, slots=True)
class _Pair:
    """In how many segments it stands, in which part of all at large, and how much commoner than by chance that is."""

    segments: int
    share: float
    lift: float


class _Change(NamedTuple):
    """`text[start:end]` becomes `put`; `gain` is how much better known it is then, in log odds."""

    start: int
    end: int
    put: str
    gain: float


def correct(folded: str, snapshot: Snapshot) -> str | None:
    """The folded question without its slips; None where none is seen."""
    if len(folded) > _MAX_CHARS:
        return None
    corrected = folded
    pairs = _Pairs(snapshot)
    for _ in range(_MAX_SLIPS):
        changes = list(_changes(corrected, pairs))
        if not changes:
            break
        best = max(changes, key=lambda change: change.gain)
        corrected = corrected[: best.start] + best.put + corrected[best.end :]
    return corrected if corrected != folded else None


class _Pairs:
    """How known pairs of characters are, each looked up once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._total = snapshot.segment_count()
        self._known: dict[str, _Pair] = {}

    def look_up(self, pairs: Iterable[str]) -> None:
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if new:
            table = load_commonness()
            shares = table.of(new)
            by_chance = table.of([pair[0] for pair in new]) * table.of([pair[1] for pair in new])
            known = zip(
                self._snapshot.frequencies(new), shares.tolist(), (shares / by_chance).tolist(), strict=True
            )
            self._known.update((pair, _Pair(*facts)) for pair, facts in zip(new, known, strict=True))

    def known_at_large(self, characters: str, sides: Sequence[str]) -> list[str]:
        """Those of `characters` that make with one of `sides` a pair that is known; all of the pairs are looked up."""
        made = [side.format(character) for side in sides for character in characters]
        if not made:
            return []
        shares = load_commonness().of(made).reshape(len(sides), -1).max(axis=0)
        known = [
            character for character, share in zip(characters, shares, strict=True) if share > _UNKNOWN_SHARE
        ]
        self.look_up(side.format(character) for side in sides for character in known)
        return known

    def are_known(self, pairs: Sequence[str]) -> bool:
        """Whether none of `pairs` is unknown; quicker than to look each up."""
        segments = self._snapshot.frequencies(pairs)
        rare = [pair for pair, n in zip(pairs, segments, strict=True) if n <= self._total * _SLIPS_SHARE]
        return not rare or bool((load_commonness().of(rare) > _UNKNOWN_SHARE).all())

    def is_unknown(self, pair: str) -> bool:
        known = self._known[pair]
        return known.share <= _UNKNOWN_SHARE and known.segments <= self._total * _SLIPS_SHARE

    def is_here(self, pair: str) -> bool:
        return self._known[pair].segments > self._total * _SLIPS_SHARE

    def is_word(self, pair: str, segments: int = _WORD_SEGMENTS) -> bool:
        known = self._known[pair]
        return known.segments >= segments and known.share >= _WORD_SHARE and known.lift >= _WORD_LIFT

    def is_commoner(self, pair: str, other: str) -> bool:
        return self.is_here(pair) and self._known[pair].share >= self._known[other].share

    def weight(self, pair: str) -> float:
        known = self._known[pair]
        return math.log(known.share + known.segments / (self._total + 1) + 1e-6)

    def passages(self, around: str) -> list[str]:
        """Texts of the collection that have most in common with `around`."""
        terms = [around[i : i + 2] for i in range(len(around) - 1)]
        found = self._snapshot.matching(terms, _LOOKED_AT)
        return [s.passage_text for s in self._snapshot.segments([one.segment_id for one in found])]


def _changes(folded: str, pairs: _Pairs) -> Iterator[_Change]:
    for match in _HAN_RUN.finditer(folded):
        run, start = match[0], match.start()
        own = [run[i : i + 2] for i in range(len(run) - 1)]
        if pairs.are_known(own):
            continue
        blanked = blank_asking(_ASKED_VERB.sub(" ", folded))
        is_asking = [character == " " for character in blanked[start : match.end()]]
        pairs.look_up(own)
        unknown = [
            pairs.is_unknown(pair) and not (is_asking[i] and is_asking[i + 1]) for i, pair in enumerate(own)
        ]
        if not any(unknown):
            continue
        found = [*_replaced(run, unknown, pairs), *_exchanged(run, unknown, pairs)]
        if not found and len(folded) <= _MAX_CHARS_LEFT_OUT:
            found = list(_left_out(run, unknown, pairs))
        for change in found:
            if not any(is_asking[change.start : change.end]):
                yield change._replace(start=start + change.start, end=start + change.end)


def _replaced(run: str, unknown: Sequence[bool], pairs: _Pairs) -> Iterator[_Change]:
    """One character for one that sounds or looks like it."""
    for i, character in enumerate(run):
        sides = [(i - 1, run[i - 1] + "{}")] if i else []
        sides += [(i, "{}" + run[i + 1])] if i < len(run) - 1 else []
        if not any(unknown[at] for at, _ in sides):
            continue
        for other in pairs.known_at_large(_confusions().get(character, ""), [side for _, side in sides]):
            put = [(at, side.format(other)) for at, side in sides]
            if gain := _gain(run, put, unknown, pairs):
                yield _Change(i, i + 1, other, gain)


def _exchanged(run: str, unknown: Sequence[bool], pairs: _Pairs) -> Iterator[_Change]:
    """Two neighbours in the wrong order."""
    for i, is_unknown in enumerate(unknown):
        if not is_unknown or run[i] == run[i + 1]:
            continue
        put = [(i, run[i + 1] + run[i])]
        put += [(i - 1, run[i - 1] + run[i + 1])] if i else []
        put += [(i + 1, run[i] + run[i + 2])] if i + 2 < len(run) else []
        pairs.look_up(pair for _, pair in put)
        is_here = all(pairs.is_here(pair) for _, pair in put) and pairs.is_word(put[0][1])
        if is_here and (gain := _gain(run, put, unknown, pairs)):
            yield _Change(i, i + 2, put[0][1], gain)


def _gain(run: str, put: Sequence[tuple[int, str]], unknown: Sequence[bool], pairs: _Pairs) -> float:
    """By how much `put` is better known than the pairs that it replaces; 0 where it must not replace them."""
    mended = [pair for at, pair in put if unknown[at] and pairs.is_here(pair)]
    is_kept = all(pairs.is_commoner(pair, run[at : at + 2]) for at, pair in put if not unknown[at])
    if not mended or not is_kept:
        return 0.0
    # Two pairs mended at once tell more than one, and so does one that is nearly all of what was typed.
    segments = 1 if len(mended) > 1 or len(run) <= _MAX_WORD_CHARS else _WORD_SEGMENTS
    if not any(pairs.is_word(pair, segments) for pair in mended):
        return 0.0
    before = sum(pairs.weight(run[at : at + 2]) for at, _ in put)
    return max(0.0, sum(pairs.weight(pair) for _, pair in put) - before)


def _left_out(run: str, unknown: Sequence[bool], pairs: _Pairs) -> Iterator[_Change]:
    """A character left out, or one for another that is nothing like it, with three right ones around it that stand
    so in the collection."""
    if len(run) < 3:
        return
    texts = pairs.passages(run)
    for i, is_unknown in enumerate(unknown):
        if not is_unknown:
            continue
        windows = []
        if i >= 1:
            windows.append((i + 1, i + 1, run[i - 1 : i + 1], run[i + 1]))
        if i + 2 < len(run):
            windows.append((i + 1, i + 1, run[i], run[i + 1 : i + 3]))
        if i + 3 < len(run) and unknown[i + 1]:
            windows.append((i + 1, i + 2, run[i], run[i + 2 : i + 4]))
        if i >= 1 and i + 2 < len(run) and unknown[i + 1]:
            windows.append((i + 1, i + 2, run[i - 1 : i + 1], run[i + 2]))
        for start, end, before, after in windows:
            pattern = re.compile(f"{before}([\u4e00-\u9fff]){after}")
            found = [m[1] for text in texts for m in pattern.finditer(text)]
            if len(found) >= _WORD_SEGMENTS:
                put = max(set(found), key=found.count)
                pairs.look_up([before[-1] + put, put + after[0]])
                if pairs.is_word(before[-1] + put) and pairs.is_word(put + after[0]):
                    yield _Change(start, end, put, float(len(found)))


@cache
def _confusions() -> dict[str, str]:
    """For each character those that sound or look like it."""
    alike: dict[str, list[str]] = defaultdict(list)
    for line in (_FOLDER / "sounds.txt").read_text(encoding="utf-8").splitlines():
        sound, characters = line.split()
        for pattern, put in _ALIKE:
            sound = pattern.sub(put, sound)
        alike[sound] += characters
    groups = [*alike.values(), *(_FOLDER / "shapes.txt").read_text(encoding="utf-8").split()]
    others: dict[str, dict[str, None]] = defaultdict(dict)
    for group in groups:
        for character in group:
            others[character].update(dict.fromkeys(group))
    return {
        character: "".join(other for other in found if other != character and is_han(other))
        for character, found in others.items()
    }
