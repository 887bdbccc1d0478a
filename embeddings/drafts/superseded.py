"""Wording that the library shows to be out of date: older versions, repealed documents, old names.

Everything here is read from what the library says, so it warns where the library knows and is silent elsewhere.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from embeddings.drafts.sources import SourceBook
from embeddings.drafts.types import Match, Superseded
from embeddings.storage import DocumentHead, Snapshot, StoredSegment
from embeddings.terms import extract_terms, fold
from embeddings.types import Span

_TITLE = re.compile(r"《([^《》\n]{3,60})》(?:[（(][^）)\n]{0,4}(\d{4})年?[^）)\n]{0,6}[）)])?")
_MAX_TITLES = 60
_FOUND = 12
_MAX_TERMS = 24
# What ends a document's force, before or after its title in one sentence.
_REPEALED = r"(?:废止|失效|停止执行|停止施行)"
_VERSION = re.compile(r"[（(\[〔][^）)\]〕]*(?:修正|修订|试行|暂行|\d{4}|版)[^）)\]〕]*[）)\]〕]|\s")
_FILED_DATE = re.compile(r"(\d{4})[-年.](\d{1,2})(?:[-月.](\d{1,2}))?")
_YEAR = re.compile(r"(19|20)\d{2}")
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
_MIN_LESS = 0.03


def find_superseded(
    draft: str, matches: Sequence[Match], snapshot: Snapshot, book: SourceBook
) -> tuple[Superseded, ...]:
    """In order of the draft."""
    found = [
        *_older_versions(draft, matches, snapshot, book),
        *_repealed(draft, snapshot, book),
        *_old_names(draft, snapshot, book),
    ]
    unique = {(one.draft_span, one.reason): one for one in found}
    return tuple(sorted(unique.values(), key=lambda one: one.draft_span))


def base_title(title: str) -> str:
    """`title` without what tells one version from another."""
    plain = _VERSION.sub("", title).removeprefix("中华人民共和国")
    return fold(plain.strip("《》"))


def version_date(head: DocumentHead) -> str:
    """What orders the versions of a document, as far as it is known: ISO 8601, perhaps only the year."""
    dates = [
        "-".join(part.zfill(2) for part in match.groups() if part)
        for match in _FILED_DATE.finditer(head.filename)
    ]
    if head.metadata.date:
        dates.append(head.metadata.date.value)
    if not dates and (year := _YEAR.search(head.title)):
        dates.append(year[0])
    return max(dates, default="")


def _older_versions(
    draft: str, matches: Sequence[Match], snapshot: Snapshot, book: SourceBook
) -> Iterator[Superseded]:
    """Copies from a document of which the library holds a newer version that says it otherwise."""
    versions: dict[str, list[DocumentHead]] = {}
    for match in matches:
        if match.kind not in ("verbatim", "rewritten"):
            continue
        head = book.head(match.source.document_id)
        title = base_title(head.title)
        if title not in versions:
            versions[title] = [h for h in _heads_titled(title, snapshot) if base_title(h.title) == title]
        newest = max(versions[title], key=version_date, default=head)
        if version_date(newest) <= version_date(head) or not version_date(head):
            continue
        agreeing = [
            other
            for other in matches
            if other.source.document_id == newest.id and _reaches(other.draft_span, match.draft_span)
        ]
        best = max(agreeing, key=lambda other: other.score, default=None)
        if best and best.score > match.score - _MIN_LESS:
            continue
        there = best.source_span if best else _nearest(match.draft_span.of(draft), newest.id, snapshot)
        (source,) = book.sources(newest.id, [there.start])
        reason = f"引用的是《{head.title}》{version_date(head)}的文字；文库中有{version_date(newest)}的新版，表述不同"
        yield Superseded(match.draft_span, reason, there, source)


def _heads_titled(title: str, snapshot: Snapshot) -> list[DocumentHead]:
    """Documents that may well have this title: those whose segments are found by it."""
    ids = dict.fromkeys(segment.document_id for segment in _search(title, snapshot, 60))
    return snapshot.heads(list(ids))


def _nearest(words: str, document_id: str, snapshot: Snapshot) -> Span:
    for segment in _search(words, snapshot, 60):
        if segment.document_id == document_id:
            return segment.span
    (passage,) = snapshot.passages_at(document_id, [0])
    return passage.span


def _reaches(span: Span, other: Span) -> bool:
    return min(span.end, other.end) - max(span.start, other.start) > (other.end - other.start) / 2


@dataclass(frozen=True, slots=True)
class _Citation:
    span: Span
    title: str
    year: str | None


def _repealed(draft: str, snapshot: Snapshot, book: SourceBook) -> Iterator[Superseded]:
    for citation in _citations(draft):
        words = re.escape(fold(citation.title))
        repealed = re.compile(
            rf"《{words}》[^。；;\n]{{0,60}}{_REPEALED}|{_REPEALED}[^。；;\n]{{0,80}}《{words}》|{_REPEALED}《{words}》"
        )
        for segment in _search(f"{citation.title}废止", snapshot, _FOUND):
            where = repealed.search(fold(segment.passage_text))
            head = book.head(segment.document_id)
            if where is None or base_title(head.title) == base_title(citation.title):
                # A new version ends the old one of its own name: who cites the name means the new one.
                continue
            start = segment.passage_span.start
            span = Span(start + where.start(), start + where.end())
            source = book.source(
                segment.document_id, span.start, segment.paragraph, segment.page, segment.places
            )
            yield Superseded(
                citation.span, f"《{citation.title}》：《{head.title}》说它已经废止", span, source
            )
            break
        if citation.year:
            yield from _cited_old(citation, snapshot, book)


def _cited_old(citation: _Citation, snapshot: Snapshot, book: SourceBook) -> Iterator[Superseded]:
    """A version cited by its year, where the library holds a later one."""
    title = base_title(citation.title)
    versions = [head for head in _heads_titled(title, snapshot) if base_title(head.title) == title]
    newest = max(versions, key=version_date, default=None)
    if newest and citation.year and version_date(newest)[:4] > citation.year:
        (source,) = book.sources(newest.id, [0])
        reason = f"引用的是{citation.year}年的《{citation.title}》；文库中有{version_date(newest)}的新版"
        (passage,) = snapshot.passages_at(newest.id, [0])
        yield Superseded(citation.span, reason, passage.span, source)


def _citations(draft: str) -> list[_Citation]:
    """Where each title is cited first."""
    found: dict[tuple[str, str | None], _Citation] = {}
    for match in _TITLE.finditer(draft):
        citation = _Citation(Span(*match.span()), match[1], match[2])
        found.setdefault((citation.title, citation.year), citation)
    return list(found.values())[:_MAX_TITLES]


def _old_names(draft: str, snapshot: Snapshot, book: SourceBook) -> Iterator[Superseded]:
    told: set[str] = set()
    for old, new, where, segment in _renamings(snapshot):
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


def _renamings(snapshot: Snapshot) -> Iterator[tuple[str, str, Span, StoredSegment]]:
    """What the library says was renamed: the old name, the new one, where it says so."""
    segments: dict[int, StoredSegment] = {}
    for words in _RENAMING_WORDS:
        segments |= {segment.passage_id: segment for segment in _search(words, snapshot, _RENAMINGS_READ)}
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


def _search(words: str, snapshot: Snapshot, k: int) -> list[StoredSegment]:
    pairs = [term for term in dict.fromkeys(extract_terms(words)) if len(term) > 1][:_MAX_TERMS]
    return snapshot.segments([found.segment_id for found in snapshot.matching(pairs, k)])
