"""Old names of departments, meetings and places in a draft, where the library says what they became."""

import re
from collections.abc import Iterable, Iterator

from embeddings.drafts.lookup import Lookup
from embeddings.drafts.types import Superseded
from embeddings.sources import SourceBook
from embeddings.storage import StoredSegment
from embeddings.types import Span

_NAME = r"[\u4e00-\u9fff]{2,24}"
_LIST = rf"{_NAME}(?:、{_NAME})*"
_BECOMES = "(?:(?:更名|改名|改称|改组|改|调整|升格|重新组建|合并)为|改称)"
_END = r"(?=[”」，。；、（(\s]|$)"
_RENAMINGS = (
    re.compile(rf"(?P<old>{_LIST}?)(?:正式|合并|升格|整体)?{_BECOMES}[“「]?(?P<new>{_NAME}?){_END}"),
    re.compile(rf"组建(?P<new>{_NAME}?)(?:，[^。；]{{0,60}})?[，。；]\s*不再保留(?P<old>{_LIST})"),
    re.compile(rf"(?P<old>{_LIST})合并组建(?P<new>{_NAME}?){_END}"),
    re.compile(rf"撤销(?P<old>{_NAME}?)，[^。；，]{{0,10}}设立(?:地级|县级)?(?P<new>{_NAME}?){_END}"),
    re.compile(rf"(?P<new>{_NAME})[（(]原(?P<old>{_NAME})[）)]"),
    re.compile(rf"(?P<old>{_NAME})[（(]现(?:为|更名为)?(?P<new>{_NAME})[）)]"),
)
_RENAMING_WORDS = (
    "更名为",
    "改名为",
    "改称",
    "改组为",
    "改为",
    "调整为",
    "升格为",
    "重新组建为",
    "合并为",
    "合并组建",
    "不再保留",
    "撤销设立",
)
_RENAMINGS_READ = 100
# What names end in: without that, any two words beside 改为 would be taken for one.
_IS_NAME = re.compile(
    r"(?:部|委|局|办|厅|署|院|委员会|领导小组|会议|处|中心|办公室|[省市县区镇乡]|街道|公司|集团|学校|学院|大学|医院|条例|办法)$"
)
_BEFORE_NAME = re.compile(
    r"^(?:.*的)?(?:(?:国务院|省政府|市政府|县政府)?(?:决定|同意)?(?:将|把|由)|国务院|于|自|原|的|和|与|及|在)?"
)
_BETWEEN_NAMES = re.compile(r"、|(?<=[局部委厅办会院署])[和与]")
_FORMERLY = "原"


def find_old_names(draft: str, lookup: Lookup, book: SourceBook) -> Iterator[Superseded]:
    told: set[str] = set()
    for old, new, where, segment in _renamings(lookup):
        if old in told or old in new:
            continue
        place = _first_use(draft, old, new)
        if place is None:
            continue
        told.add(old)
        source = book.source(
            segment.document_id, where.start, segment.paragraph, segment.page, segment.places
        )
        start = segment.passage_span.start
        words = segment.passage_text[where.start - start : where.end - start]
        yield Superseded(place, f"“{old}”：文库中写明现为“{new}”", where, words, source)


def _first_use(draft: str, old: str, new: str) -> Span | None:
    """Where `draft` uses a name as if it were still the name."""
    start = draft.find(old)
    while start >= 0:
        end = start + len(old)
        around = draft[max(0, start - 12) : end + 12]
        is_told = draft[max(0, start - 1) : start] == _FORMERLY or re.search(
            "更名|改名|改称|不再保留", around
        )
        if not is_told and not draft.startswith(new, start):
            return Span(start, end)
        start = draft.find(old, end)
    return None


def _renamings(lookup: Lookup) -> Iterator[tuple[str, str, Span, StoredSegment]]:
    """What the library says was renamed: the old name, the new one, where it says so."""
    segments: dict[int, StoredSegment] = {}
    for words in _RENAMING_WORDS:
        segments |= {segment.passage_id: segment for segment in lookup.segments(words, _RENAMINGS_READ)}
    for segment in segments.values():
        for pattern in _RENAMINGS:
            for match in pattern.finditer(segment.passage_text):
                start = segment.passage_span.start
                where = Span(start + match.start(), start + match.end())
                for old in _names(match["old"]):
                    new = _bare(match["new"])
                    if _IS_NAME.search(new) and old != new:
                        yield old, new, where, segment


def _names(names: str) -> Iterable[str]:
    bare = [_bare(name) for name in _BETWEEN_NAMES.split(names)]
    return [name for name in bare if len(name) >= 3 and _IS_NAME.search(name)]


def _bare(name: str) -> str:
    return _BEFORE_NAME.sub("", name)
