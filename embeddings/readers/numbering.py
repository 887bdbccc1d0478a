"""The numbers that Word generates before paragraphs: 「一、」 may stand in a list style only, not in the text.

After ISO/IEC 29500-1, 17.9 (numbering) and 17.7.4.14 (styles linked to it).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from embeddings.readers.numerals import write_numeral
from embeddings.readers.xml import Element, attribute, child, local_name, value

_PLACE = re.compile(r"%([1-9])")
_MAX_LEVELS = 9
# After these a text goes on without a blank; after 「1.」 it may not.
_NEEDS_NO_BLANK = "、，。：:；）)】》〕"
_MAX_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Level:
    start: int = 1
    number_format: str = "decimal"
    text: str = ""
    suffix: str = "tab"
    style: str | None = None
    restarts_after: int | None = None
    is_legal: bool = False


@dataclass(frozen=True, slots=True)
class _List:
    """One w:num: the abstract list that it counts in, its levels, and where it starts anew."""

    abstract: str
    levels: Mapping[int, Level]
    start_overrides: Mapping[int, int]


@dataclass(slots=True)
class _Counters:
    numbers: dict[int, int] = field(default_factory=dict)
    begun_lists: set[str] = field(default_factory=set)


class Numbering:
    """The lists of one document, counted while its paragraphs are walked in order."""

    def __init__(self, numbering: Element | None, styles: Element | None) -> None:
        self._styles = _read_styles(styles)
        self._lists = _read_lists(numbering, self._styles)
        self._counters: dict[str, _Counters] = {}

    def label(self, properties: Element | None) -> str:
        """What Word writes before the paragraph with these w:pPr, blank after it included; "" if nothing."""
        found = self._find(properties)
        if found is None:
            return ""
        number, depth = found
        of = self._lists[number]
        counters = self._counters.setdefault(of.abstract, _Counters())
        self._count(counters, number, of, depth)
        return _write(of, counters, depth)

    def _find(self, properties: Element | None) -> tuple[str, int] | None:
        """The list and the level of a paragraph: its own, or those of its style or the styles that is based on."""
        own = child(properties, "numPr")
        number, depth = value(own, "numId"), value(own, "ilvl")
        style = value(properties, "pStyle") or self._styles.default
        if number is None:
            number, styled_depth, style = self._styles.numbered(style)
            depth = depth or styled_depth
        if number is None or number not in self._lists:
            return None
        if depth is None:
            depth = next(
                (str(at) for at, level in self._lists[number].levels.items() if level.style == style), "0"
            )
        return (
            (number, int(depth)) if depth.isdecimal() and int(depth) in self._lists[number].levels else None
        )

    @staticmethod
    def _count(counters: _Counters, number: str, of: _List, depth: int) -> None:
        if number not in counters.begun_lists:
            counters.begun_lists.add(number)
            for at in of.start_overrides:
                counters.numbers.pop(at, None)
        start = of.start_overrides.get(depth, of.levels[depth].start)
        counters.numbers[depth] = counters.numbers[depth] + 1 if depth in counters.numbers else start
        for deeper in [at for at in counters.numbers if at > depth]:
            level = of.levels.get(deeper, Level())
            if level.restarts_after is None or 0 < depth + 1 <= level.restarts_after:
                del counters.numbers[deeper]


def _write(of: _List, counters: _Counters, depth: int) -> str:
    level = of.levels[depth]
    if level.number_format == "bullet":
        return ""

    def number(place: re.Match[str]) -> str:
        at = int(place[1]) - 1
        shown = of.levels.get(at, Level())
        count = counters.numbers.get(at, of.start_overrides.get(at, shown.start))
        is_legal = level.is_legal and at != depth
        return write_numeral(count, "decimal" if is_legal else shown.number_format)

    label = _PLACE.sub(number, level.text).strip()
    needs_blank = bool(label) and level.suffix != "nothing" and label[-1] not in _NEEDS_NO_BLANK
    return label + " " if needs_blank else label


@dataclass(frozen=True, slots=True)
class _Styles:
    properties: Mapping[str, Element]
    based_on: Mapping[str, str | None]
    default: str | None

    def numbered(self, style: str | None) -> tuple[str | None, str | None, str | None]:
        """numId and ilvl that a style brings, and the style that they stand in."""
        for _ in range(_MAX_CHAIN):
            if style is None:
                break
            own = child(self.properties.get(style), "numPr")
            if (number := value(own, "numId")) is not None:
                return number, value(own, "ilvl"), style
            style = self.based_on.get(style)
        return None, None, None


def _read_styles(root: Element | None) -> _Styles:
    properties: dict[str, Element] = {}
    based_on: dict[str, str | None] = {}
    default = None
    for style in root if root is not None else ():
        name = attribute(style, "styleId")
        if local_name(style) != "style" or name is None:
            continue
        based_on[name] = value(style, "basedOn")
        if (found := child(style, "pPr")) is not None:
            properties[name] = found
        if attribute(style, "type") == "paragraph" and attribute(style, "default") in ("1", "true", "on"):
            default = name
    return _Styles(properties, based_on, default)


def _read_lists(root: Element | None, styles: _Styles) -> dict[str, _List]:
    if root is None:
        return {}
    abstracts = {
        attribute(one, "abstractNumId") or "": one for one in root if local_name(one) == "abstractNum"
    }
    numbers = {attribute(one, "numId") or "": one for one in root if local_name(one) == "num"}
    return {
        name: _read_list(one, abstracts, numbers, styles)
        for name, one in numbers.items()
        # 0 is how a paragraph says that it has no number though its style has one.
        if name != "0"
    }


def _read_list(
    number: Element, abstracts: Mapping[str, Element], numbers: Mapping[str, Element], styles: _Styles
) -> _List:
    name = value(number, "abstractNumId") or ""
    abstract = abstracts.get(name)
    for _ in range(_MAX_CHAIN):
        # A list style keeps its levels in another list, which the style names.
        linked = numbers.get(styles.numbered(value(abstract, "numStyleLink"))[0] or "")
        if linked is None or linked is number:
            break
        name = value(linked, "abstractNumId") or ""
        abstract = abstracts.get(name)
    levels = _read_levels(abstract)
    starts: dict[int, int] = {}
    for override in number:
        depth = _depth(override)
        if local_name(override) != "lvlOverride" or depth is None:
            continue
        if (level := child(override, "lvl")) is not None:
            levels[depth] = _read_level(level)
        if (start := value(override, "startOverride")) is not None:
            starts[depth] = _whole(start, 1)
    return _List(name, levels, starts)


def _read_levels(abstract: Element | None) -> dict[int, Level]:
    levels: dict[int, Level] = {}
    for element in abstract if abstract is not None else ():
        depth = _depth(element)
        if local_name(element) == "lvl" and depth is not None:
            levels[depth] = _read_level(element)
    return levels


def _read_level(element: Element) -> Level:
    restart, legal = value(element, "lvlRestart"), child(element, "isLgl")
    level = Level(
        start=_whole(value(element, "start"), 0),
        number_format=_read_format(element),
        text=value(element, "lvlText") or "",
        suffix=value(element, "suff") or "tab",
        style=value(element, "pStyle"),
        restarts_after=None if restart is None else _whole(restart, 0),
    )
    return replace(level, is_legal=legal is not None and attribute(legal, "val") not in ("0", "false", "off"))


def _read_format(level: Element) -> str:
    if (plain := value(level, "numFmt")) is not None:
        return plain
    # Word keeps a custom format (「001, 002, …」) beside a plain one, for programs that do not know it.
    fallback = child(child(level, "AlternateContent"), "Fallback")
    return value(fallback, "numFmt") or "decimal"


def _depth(element: Element) -> int | None:
    depth = attribute(element, "ilvl") or ""
    return int(depth) if depth.isdecimal() and len(depth) == 1 and int(depth) < _MAX_LEVELS else None


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 8 else default
