"""Documents that a draft cites and the library says to be repealed, or holds in a later version."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from embeddings.drafts.lookup import Lookup, base_title, plain_title, version_date
from embeddings.drafts.types import Superseded
from embeddings.sources import SourceBook
from embeddings.storage import DocumentHead, StoredSegment
from embeddings.types import Span

_TITLE = re.compile(
    r"《((?:[^《》\n]|[《〈][^《》〈〉\n]{2,40}[》〉]){3,60})》(?:[（(][^）)\n]{0,4}(\d{4})年?[^）)\n]{0,6}[）)])?"
)
_MAX_TITLES = 60
_DEPTH = 40
_ENDED = r"(?:废止|失效|停止执行|停止施行)"
_NOTE = r"(?:[（(][^（）()\n]{0,40}[）)])?"
_OTHER = rf"(?:[、，,]|和|及|以及|与)[^《》。；;\n]{{0,50}}《[^《》\n]{{2,60}}》{_NOTE}"
_HOW = (
    r"(?:即行|同时|即|相应|均|一并|一律|随之|自[^，。；《》\n]{0,20}起|已经?|已?被|予以|宣布|现|[，,]){0,4}"
)
# A power to repeal is no repeal: 可以修改或者废止.
_BEFORE_LIST = r"(?<!或者)(?<!和)(?<!、)废止了?(?:下列|以下|原)?[^《》。；;，,：:\n]{0,30}"
_SAID = re.compile(rf"^[^。；\n]{{0,14}}{_ENDED}")
_TRIAL = re.compile("试行|暂行")


@dataclass(frozen=True, slots=True)
class _Citation:
    span: Span
    title: str
    year: str | None


def find_repealed(draft: str, lookup: Lookup, book: SourceBook) -> Iterator[Superseded]:
    for citation in _citations(draft):
        yield from _repeals(citation, lookup, book)
        if citation.year:
            yield from _later_version(citation, lookup, book)


def _citations(draft: str) -> list[_Citation]:
    """Where each title is cited first, without those of which the draft itself says that they have ended."""
    found: dict[tuple[str, str | None], _Citation] = {}
    for match in _TITLE.finditer(draft):
        if not _SAID.match(draft[match.end() : match.end() + 20]):
            citation = _Citation(Span(*match.span()), match[1], match[2])
            found.setdefault((citation.title, citation.year), citation)
    return list(found.values())[:_MAX_TITLES]


def _repeals(citation: _Citation, lookup: Lookup, book: SourceBook) -> Iterator[Superseded]:
    words = re.escape(plain_title(citation.title))
    repeal = re.compile(
        rf"《{words}》{_NOTE}(?:{_OTHER}){{0,8}}{_HOW}{_ENDED}|{_BEFORE_LIST}(?:《[^《》\n]{{2,60}}》{_NOTE}[、，,和及与]*){{0,8}}《{words}》"
    )
    for segment in lookup.segments(f"{citation.title}同时废止", _DEPTH):
        text = plain_title(segment.passage_text)
        head = book.head(segment.document_id)
        where = repeal.search(text) or _listed(text, words, head)
        if where is None or _means_the_new_one(citation, head) or _came_back(citation, head, lookup):
            continue
        yield _warning(citation, segment, Span(*where.span()), head, book)
        return


def _listed(text: str, words: str, head: DocumentHead) -> re.Match[str] | None:
    """The title in a list of what a decision repeals."""
    is_decision = "废止" in head.title and "修改" not in head.title
    return re.match(rf"[^《》\n]{{0,12}}《{words}》", text) if is_decision else None


def _means_the_new_one(citation: _Citation, head: DocumentHead) -> bool:
    """A new version ends the old one of its own name: who cites the name means the new one, unless they say
    that it is on trial."""
    is_on_trial = bool(_TRIAL.search(citation.title)) and not _TRIAL.search(head.title)
    return base_title(head.title) == base_title(citation.title) and not is_on_trial


def _came_back(citation: _Citation, head: DocumentHead, lookup: Lookup) -> bool:
    """Whether the library holds a document of the title that is later than its repeal."""
    newest = lookup.newest(citation.title)
    return newest is not None and version_date(newest) > version_date(head) > ""


def _warning(
    citation: _Citation, segment: StoredSegment, where: Span, head: DocumentHead, book: SourceBook
) -> Superseded:
    start = segment.passage_span.start
    span = Span(start + where.start, start + where.end)
    source = book.source(segment.document_id, span.start, segment.paragraph, segment.page, segment.places)
    reason = f"《{citation.title}》：《{head.title}》说它已经废止"
    return Superseded(citation.span, reason, span, where.of(segment.passage_text), source)


def _later_version(citation: _Citation, lookup: Lookup, book: SourceBook) -> Iterator[Superseded]:
    """A version cited by its year, where the library holds a later one."""
    newest = lookup.newest(citation.title)
    if newest and citation.year and version_date(newest)[:4] > citation.year:
        (source,) = book.sources(newest.id, [0])
        reason = f"引用的是{citation.year}年的《{citation.title}》；文库中有{version_date(newest)}的新版"
        (passage,) = lookup.snapshot.passages_at(newest.id, [0])
        words = passage.span.of(lookup.snapshot.text(newest.id))
        yield Superseded(citation.span, reason, passage.span, words, source)
