"""套话: runs of letters that stand in several unrelated documents of the library, learned from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.drafts.families import find_families
from embeddings.drafts.hits import Numbers, Seeds
from embeddings.letters import Letters, read_letters
from embeddings.seeds import RUN, SeedIndex

# In so many unrelated documents a run of so many letters at most is boilerplate: the longer it is, the more likely
# a few have copied it.
_NEEDED = ((3, 20), (5, 40), (8, 1_000_000))
MIN_DOCUMENTS = 3
_MIN_LETTERS = 7
_MAX_GROWTH = 4


@dataclass(frozen=True, slots=True)
class SetPhrase:
    """The letters `first` to `end` of a draft, and in how many unrelated documents they stand in one run."""

    first: int
    end: int
    documents: int


def find_set_phrases(
    draft: Letters, seeds: Seeds, index: SeedIndex, added: Sequence[str] = ()
) -> list[SetPhrase]:
    """In order; none overlaps another. `added` are set phrases that the caller knows of."""
    learner = _Learner(draft, seeds, index)
    learned = [
        phrase
        for needed, longest in _NEEDED
        for phrase in learner.phrases(needed)
        if phrase.end - phrase.first <= longest
    ]
    return _disjoint(learned + _too_common(seeds) + _given(draft, added))


class _Learner:
    """Follows the draft from seed to seed for as long as enough documents hold all of it in one run."""

    def __init__(self, draft: Letters, seeds: Seeds, index: SeedIndex) -> None:
        self._draft = draft
        places = _concatenated([part.draft for part in seeds.parts])
        documents = _concatenated([part.documents() for part in seeds.parts])
        shifts = _concatenated([part.places - part.draft for part in seeds.parts])
        held, rows = np.unique(documents, return_inverse=True)
        families = find_families(index, held)[rows] if len(held) else rows
        kept = np.isin(places, _in_many(places, families))
        order = np.lexsort((shifts, documents, places))
        order = order[kept[order]]
        self._places, self._documents = places[order], documents[order]
        self._shifts, self._families = shifts[order], families[order]
        self._keys = (self._documents << 34) + self._shifts
        self._codes = [part.part.codes for part in seeds.parts]
        self._part_of = np.repeat(np.arange(len(seeds.parts)), [len(part.part.ids) for part in seeds.parts])

    def phrases(self, needed: int) -> list[SetPhrase]:
        """Runs that stand in `needed` unrelated documents or more, as long as each can be."""
        found: list[SetPhrase] = []
        starts = np.flatnonzero(np.diff(self._places, prepend=-1))
        ends = np.append(starts, len(self._places))[1:]
        following = list(zip(starts.tolist(), ends.tolist(), strict=True))
        position = 0
        while position < len(following):
            held = np.arange(*following[position])
            first = last = int(self._places[held[0]])
            position += 1
            if self._count(held) < needed:
                continue
            while position < len(following):
                here = np.arange(*following[position])
                place = int(self._places[here[0]])
                going_on = self._going_on(held, here) if place <= last + RUN else held[:0]
                if self._count(going_on) < needed:
                    break
                held, last = going_on, place
                position += 1
            found.append(self._grown(held, first, last + RUN, needed))
        return [phrase for phrase in found if phrase.end - phrase.first >= _MIN_LETTERS]

    def _going_on(self, held: Numbers, here: Numbers) -> Numbers:
        """Those of the rows `here` that lie on a diagonal of `held`."""
        return here[np.isin(self._keys[here], self._keys[held])]

    def _count(self, held: Numbers) -> int:
        return len(np.unique(self._families[held]))

    def _grown(self, held: Numbers, first: int, end: int, needed: int) -> SetPhrase:
        """By the letters beside it that enough of its documents have too: seeds are a sample."""
        count = self._count(held)
        for step in (-1, 1):
            for _ in range(_MAX_GROWTH):
                place = first - 1 if step < 0 else end
                agreeing = self._agreeing(held, place)
                if self._count(agreeing) < needed or len(agreeing) < len(held) / 2:
                    break
                held, count = agreeing, self._count(agreeing)
                first, end = (place, end) if step < 0 else (first, place + 1)
        return SetPhrase(first, end, count)

    def _agreeing(self, held: Numbers, place: int) -> Numbers:
        if not 0 <= place < len(self._draft):
            return held[:0]
        kept = []
        for row in held.tolist():
            codes = self._codes[self._part_of[self._documents[row]]]
            at = place + int(self._shifts[row])
            kept.append(0 <= at < len(codes) and codes[at] == self._draft.codes[place])
        return held[np.array(kept, np.bool_)]


def _in_many(places: Numbers, families: Numbers) -> Numbers:
    """The places whose seeds are in enough families."""
    if not len(places):
        return places
    both = np.unique(places * (int(families.max()) + 1) + families)
    held, counts = np.unique(both // (int(families.max()) + 1), return_counts=True)
    return held[counts >= MIN_DOCUMENTS]


def _too_common(seeds: Seeds) -> list[SetPhrase]:
    """Runs that stand in too many places to be followed; how many documents that is, is not known exactly."""
    return [
        SetPhrase(place, place + RUN, count)
        for place, count in zip(seeds.common.tolist(), seeds.common_counts.tolist(), strict=True)
    ]


def _given(draft: Letters, added: Sequence[str]) -> list[SetPhrase]:
    text = draft.string(0, len(draft))
    phrases = []
    for phrase in added:
        letters = read_letters(phrase)
        wanted = letters.string(0, len(letters))
        start = text.find(wanted) if wanted else -1
        while start >= 0:
            phrases.append(SetPhrase(start, start + len(wanted), 0))
            start = text.find(wanted, start + len(wanted))
    return phrases


def _disjoint(phrases: list[SetPhrase]) -> list[SetPhrase]:
    """In order; what an earlier one reaches into begins where that ends."""
    found: list[SetPhrase] = []
    for phrase in sorted(phrases, key=lambda phrase: (phrase.first, -phrase.end)):
        first = max(phrase.first, found[-1].end) if found else phrase.first
        if first == phrase.first or phrase.end - first >= _MIN_LETTERS:
            found.append(SetPhrase(first, phrase.end, phrase.documents))
    return [phrase for phrase in found if phrase.end > phrase.first]


def _concatenated(arrays: Sequence[Numbers]) -> Numbers:
    return np.concatenate(arrays) if arrays else np.empty(0, np.int64)
