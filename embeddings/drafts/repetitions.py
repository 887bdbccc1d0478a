"""What a draft says twice."""

import numpy as np

from embeddings.drafts.types import Repetition
from embeddings.letters import Letters
from embeddings.seeds import RUN, sample

_MIN_LETTERS = 16
# Of a run that comes again and again, only each next time is looked at; and no more pairs than this.
_MAX_PAIRS = 200_000


def find_repetitions(draft: Letters) -> tuple[Repetition, ...]:
    """Runs of `_MIN_LETTERS` letters or more that come again, each with the last time before."""
    hashes, places = sample(draft.codes)
    order = np.argsort(hashes, kind="stable")[:_MAX_PAIRS]
    same = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]])
    first, again = places[order[same]], places[order[same + 1]]
    ordered = np.lexsort((again, again - first))
    found: list[tuple[int, int, int]] = []
    for start, second in zip(first[ordered].tolist(), again[ordered].tolist(), strict=True):
        if found and second - start == found[-1][1] - found[-1][0] and second < found[-1][1] + found[-1][2]:
            continue
        run = _grown(draft, start, second)
        if run[2] >= _MIN_LETTERS:
            found.append(run)
    return _without_inner(draft, found)


def _grown(draft: Letters, first: int, again: int) -> tuple[int, int, int]:
    """Both beginnings and the length, as far as the letters agree and the two do not overlap."""
    codes = draft.codes
    longest = again - first
    length = _agreeing(codes[first : first + longest], codes[again : again + longest])
    before = min(first, longest - length)
    back = _agreeing(codes[first - before : first][::-1], codes[again - before : again][::-1])
    return first - back, again - back, length + back


def _agreeing(
    one: "np.ndarray[tuple[int], np.dtype[np.uint16]]", other: "np.ndarray[tuple[int], np.dtype[np.uint16]]"
) -> int:
    length = min(len(one), len(other))
    differing = np.flatnonzero(one[:length] != other[:length])
    return int(differing[0]) if len(differing) else length


def _without_inner(draft: Letters, runs: list[tuple[int, int, int]]) -> tuple[Repetition, ...]:
    """In order of the second time, less what lies inside a longer one."""
    kept: list[tuple[int, int, int]] = []
    told = np.zeros(len(draft), np.bool_)
    for first, again, length in sorted(runs, key=lambda run: -run[2]):
        if length >= RUN and told[again : again + length].mean() < 0.5:
            told[again : again + length] = True
            kept.append((first, again, length))
    return tuple(
        Repetition(draft.span(first, first + length), draft.span(again, again + length))
        for first, again, length in sorted(kept, key=lambda run: run[1])
    )
