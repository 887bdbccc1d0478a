"""Wording that the library shows to be out of date: older versions, repealed documents, old names.

Everything here is read from what the library says, so it warns where the library knows and is silent elsewhere.
"""

from collections.abc import Collection, Iterator, Sequence

from embeddings.drafts.lookup import Lookup, version_date
from embeddings.drafts.renamings import find_old_names
from embeddings.drafts.repeals import find_repealed
from embeddings.drafts.types import Match, Superseded
from embeddings.letters import read_letters
from embeddings.sources import SourceBook
from embeddings.storage import DocumentHead, Snapshot
from embeddings.types import Span

_DEPTH = 60
_EQUAL = 1e-9


def find_superseded(
    draft: str, matches: Sequence[Match], snapshot: Snapshot, book: SourceBook, excluded: Collection[str]
) -> tuple[Superseded, ...]:
    """In order of the draft."""
    lookup = Lookup(snapshot, excluded)
    found = [
        *_Quotations(draft, matches, lookup, book).outdated(),
        *find_repealed(draft, lookup, book),
        *find_old_names(draft, lookup, book),
    ]
    unique = {(one.draft_span, one.reason): one for one in found}
    return tuple(sorted(unique.values(), key=lambda one: one.draft_span))


class _Quotations:
    """What a draft has copied, and which of it no document that is in force says as well."""

    def __init__(self, draft: str, matches: Sequence[Match], lookup: Lookup, book: SourceBook) -> None:
        self._draft, self._lookup, self._book = draft, lookup, book
        self._copies = [match for match in matches if match.kind in ("verbatim", "rewritten")]
        self._letters: dict[str, str] = {}

    def outdated(self) -> Iterator[Superseded]:
        newer = {match.source.document_id: self._newer(match) for match in self._copies}
        current = [match for match in self._copies if newer[match.source.document_id] is None]
        for match in self._copies:
            newest = newer[match.source.document_id]
            if newest is None:
                continue
            mine = _agreeing(match, match.draft_span)
            others = [
                other for other in self._copies if other.draft_span != match.draft_span or other is match
            ]
            is_best = all(_agreeing(other, match.draft_span) <= mine + _EQUAL for other in others)
            is_said = any(_agreeing(other, match.draft_span) >= mine - _EQUAL for other in current)
            if is_best and not is_said and self._plain(match.source_text) not in self._text(newest.id):
                yield self._warning(match, newest)

    def _newer(self, match: Match) -> DocumentHead | None:
        """The newest version of a match's document, if that is another."""
        head = self._book.head(match.source.document_id)
        newest = self._lookup.newest(head.title)
        return newest if newest and version_date(newest) > version_date(head) > "" else None

    def _warning(self, match: Match, newest: DocumentHead) -> Superseded:
        head = self._book.head(match.source.document_id)
        there = self._place(match, newest.id)
        (source,) = self._book.sources(newest.id, [there.start])
        reason = f"引用的是《{head.title}》{version_date(head)}的文字；文库中有{version_date(newest)}的新版，表述不同"
        words = there.of(self._lookup.snapshot.text(newest.id))
        return Superseded(match.draft_span, reason, there, words, source)

    def _place(self, match: Match, newest: str) -> Span:
        """Where the newest version speaks of what was quoted."""
        beside = [other for other in self._copies if other.source.document_id == newest]
        best = max(beside, key=lambda other: _agreeing(other, match.draft_span), default=None)
        if best and _agreeing(best, match.draft_span) > 0:
            return best.source_span
        for segment in self._lookup.segments(match.draft_span.of(self._draft), _DEPTH):
            if segment.document_id == newest:
                return segment.span
        (passage,) = self._lookup.snapshot.passages_at(newest, [0])
        return passage.span

    def _text(self, document_id: str) -> str:
        if document_id not in self._letters:
            self._letters[document_id] = self._plain(self._lookup.snapshot.text(document_id))
        return self._letters[document_id]

    @staticmethod
    def _plain(text: str) -> str:
        letters = read_letters(text)
        return letters.string(0, len(letters))


def _agreeing(match: Match, span: Span) -> float:
    """About how many characters of `span` of the draft a match's source says too."""
    shared = min(match.draft_span.end, span.end) - max(match.draft_span.start, span.start)
    return match.score * max(0, shared)
