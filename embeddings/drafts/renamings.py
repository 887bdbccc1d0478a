"""Old names of departments, meetings and places in a draft, where the library says what they became."""

import re
from collections.abc import Iterable, Iterator

from embeddings.drafts.lookup import Lookup
from embeddings.drafts.sources import SourceBook
from embeddings.drafts.types import Superseded
from embeddings.storage import StoredSegment
from embeddings.types import Span

_NAME = r"[\u4e00-\u9fff]{2,20}"
_RENAMINGS = (
    re.compile(
        rf"(?:将|原)?(?P<old>{_NAME}?)(?:正式)?(?:更名|改名|改称|重新组建)为[“「]?(?P<new>{_NAME}?)(?=[”」，。；、（\s]|$)"
    ),
    re.compile(
        rf"组建(?P<new>{_NAME}?)(?:，[^。；]{{0,60}})?[，。；]\s*不再保留(?P<old>{_NAME}(?:、{_NAME})*)"
    ),
    re.compile(rf"(?P<new>{_NAME})[（(]原(?P<old>{_NAME})[）)]"),
    re.compile(rf"(?P<old>{_NAME})[（(]现(?:为|更名为)?(?P<new>{_NAME})[）)]"),
)
_RENAMING_WORDS = ("更名为", "改名为", "改称为", "重新组建为", "不再保留")
_RENAMINGS_READ = 100
# What an old name is a name of: without that, any two words beside 更名 would be taken for one.
_IS_NAME = re.compile(
    r"(?:部|委|局|办|厅|署|院|会|会议|处|中心|组|省|市|县|区|镇|乡|街道|公司|学校|大学|条例|办法|法)$"
)
_BEFORE_NAME = re.compile(r"^(?:国务院|将|把|由|于|自|原|的|和|与|及|在)")
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
        yield Superseded(place, f"“{old}”：文库中写明现为“{new}”", where, source)


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
    bare = [_bare(name) for name in names.split("、")]
    return [name for name in bare if len(name) >= 3 and _IS_NAME.search(name)]


def _bare(name: str) -> str:
    return _BEFORE_NAME.sub("", name)
