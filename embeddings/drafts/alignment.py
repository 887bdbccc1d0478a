"""Two texts side by side: how alike they are, and what was changed. The only home of rapidfuzz."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from embeddings.drafts.types import Change, ChangeKind
from embeddings.letters import Letters
from embeddings.types import Span

_NUMERAL = "0-9０-９.．%％‰〇零○一二三四五六七八九十百千万亿两"
_NUMBER = re.compile(f"[{_NUMERAL}]+")
_DIGITS = re.compile("[0-9０-９.．]")
_DATE_UNITS = "年月日"
_PLACE = re.compile(r"(?:[省市县区州镇乡村]|街道|[局部委厅办院署]|公司|集团|委员会|管委会)$")
_AFTER_NAME = re.compile(r"(?:省|市|县|区|州|镇|乡|同志|书记|市长|县长|区长|省长|主任|局长|部长|主席|总理)")
_MAX_NAME = 8
# How far beyond its ends a region is widened, and what each change costs there.
_REACH, _EDIT = 10, 1.5
_SURROGATES = (0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Block:
    """Letters `first` to `end` of the draft beside `source_first` to `source_end` of the source."""

    is_equal: bool
    first: int
    end: int
    source_first: int
    source_end: int


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two texts, and its letters."""

    text: str
    letters: Letters

    def span(self, first: int, end: int) -> Span:
        """The text of the letters `first` to `end`; if there are none, the place before the first."""
        if first < end:
            return self.letters.span(first, end)
        place = int(self.letters.places[first]) if first < len(self.letters) else len(self.text)
        return Span(place, place)


def align(draft: Letters, source: Letters, region: Block) -> list[Block]:
    """The blocks of `region`, in order, equal and different ones in turn."""
    one = _string(draft.codes[region.first : region.end])
    other = _string(source.codes[region.source_first : region.source_end])
    return [
        Block(
            code.tag == "equal",
            region.first + code.src_start,
            region.first + code.src_end,
            region.source_first + code.dest_start,
            region.source_first + code.dest_end,
        )
        for code in Levenshtein.opcodes(one, other)
    ]


def widened(draft: Letters, source: Letters, region: Block, *, run: int) -> Block:
    """`region` with what it pays to take on either side, letters left out or put in allowed, as long as the last
    `run` letters taken agree."""
    before = _worth_taking(
        draft.codes[max(0, region.first - _REACH) : region.first][::-1].tolist(),
        source.codes[max(0, region.source_first - _REACH) : region.source_first][::-1].tolist(),
        run,
    )
    after = _worth_taking(
        draft.codes[region.end : region.end + _REACH].tolist(),
        source.codes[region.source_end : region.source_end + _REACH].tolist(),
        run,
    )
    return Block(
        False,
        region.first - before[0],
        region.end + after[0],
        region.source_first - before[1],
        region.source_end + after[1],
    )


def _worth_taking(one: Sequence[int], other: Sequence[int], run: int) -> tuple[int, int]:
    """How many letters of both, from their beginnings, align best (Smith and Waterman 1981), if any do well."""
    above = [-_EDIT * column for column in range(len(other) + 1)]
    runs = [0] * (len(other) + 1)
    best, taken = 0.0, (0, 0)
    for row, letter in enumerate(one, start=1):
        scores, agreeing_runs = [-_EDIT * row], [0]
        for column, there in enumerate(other, start=1):
            is_equal = letter == there
            diagonal = above[column - 1] + (1 if is_equal else -_EDIT)
            scores.append(max(diagonal, above[column] - _EDIT, scores[-1] - _EDIT))
            agreeing_runs.append(runs[column - 1] + 1 if is_equal else 0)
            if agreeing_runs[-1] >= run and scores[-1] > best:
                best, taken = scores[-1], (row, column)
        above, runs = scores, agreeing_runs
    return taken


def agreeing(blocks: Sequence[Block]) -> int:
    return sum(block.end - block.first for block in blocks if block.is_equal)


def list_changes(draft: Side, source: Side, blocks: list[Block]) -> tuple[Change, ...]:
    """What differs in `blocks`, whole numbers at a time."""
    found = []
    for block in _joined(blocks):
        block = _widened(draft.letters, source.letters, block, blocks)
        here, there = draft.span(block.first, block.end), source.span(block.source_first, block.source_end)
        found.append(
            Change(
                _kind(draft.text, here, source.text, there),
                here,
                there,
                here.of(draft.text),
                there.of(source.text),
            )
        )
    return tuple(dict.fromkeys(found))


def _joined(blocks: list[Block]) -> Iterator[Block]:
    """The different blocks; those with a single letter between them as one."""
    pending: Block | None = None
    for block in blocks:
        if block.is_equal:
            continue
        if pending and block.first - pending.end <= 1 and block.source_first - pending.source_end <= 1:
            pending = Block(False, pending.first, block.end, pending.source_first, block.source_end)
            continue
        if pending:
            yield pending
        pending = block
    if pending:
        yield pending


def _widened(draft: Letters, source: Letters, block: Block, blocks: list[Block]) -> Block:
    """By the digits beside a block, where a number was changed: of 6.5 and 6.1 all, not only the last digit."""
    first, end, source_first, source_end = block.first, block.end, block.source_first, block.source_end
    if not (_touches_digit(draft, first, end) or _touches_digit(source, source_first, source_end)):
        return block
    low, high = blocks[0], blocks[-1]
    while (
        first > low.first
        and source_first > low.source_first
        and _is_digit(draft, first - 1)
        and _is_digit(source, source_first - 1)
    ):
        first, source_first = first - 1, source_first - 1
    while (
        end < high.end
        and source_end < high.source_end
        and _is_digit(draft, end)
        and _is_digit(source, source_end)
    ):
        end, source_end = end + 1, source_end + 1
    return Block(False, first, end, source_first, source_end)


def _touches_digit(letters: Letters, first: int, end: int) -> bool:
    return any(_is_digit(letters, place) for place in range(first, end))


def _is_digit(letters: Letters, place: int) -> bool:
    return 0 <= place < len(letters) and 0x30 <= int(letters.codes[place]) <= 0x39


def _kind(draft: str, here: Span, source: str, there: Span) -> ChangeKind:
    one, other = here.of(draft), there.of(source)
    if not one or not other:
        return "left_out" if not one else "added"
    if _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        is_date = draft[here.end : here.end + 1] in _DATE_UNITS and draft[here.end : here.end + 1]
        return "date" if is_date else "number"
    if re.fullmatch(rf"[{_NUMERAL}年月日至到]+", one + other) and _DIGITS.search(one + other):
        return "date" if any(unit in one + other for unit in _DATE_UNITS) else "number"
    is_short = max(len(one), len(other)) <= _MAX_NAME
    is_place = _PLACE.search(one) and _PLACE.search(other)
    is_before_title = _AFTER_NAME.match(draft, here.end) and _AFTER_NAME.match(source, there.end)
    return "name" if is_short and (is_place or is_before_title) else "wording"


def _string(codes: npt.NDArray[np.uint16]) -> str:
    """One character a letter: halves of surrogate pairs, which rare letters are kept as, moved out of the way."""
    points = codes.astype("<u4")
    is_half = (points >= _SURROGATES[0]) & (points < _SURROGATES[1])
    return np.where(is_half, points + 0x20000, points).astype("<u4").tobytes().decode("utf-32-le")
