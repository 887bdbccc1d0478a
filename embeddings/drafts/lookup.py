"""What rules read in the library: segments that hold given words, documents of a given name, less the excluded."""

import re
from collections.abc import Collection

from embeddings.storage import DocumentHead, Snapshot, StoredSegment
from embeddings.terms import extract_terms, fold

_TITLE_DEPTH = 60
_MAX_TERMS = 24
_VERSION = re.compile(r"[（(\[〔][^）)\]〕]*(?:修正|修订|试行|暂行|\d{4}|版)[^）)\]〕]*[）)\]〕]|\s")
_INNER_MARKS = str.maketrans("〈〉", "《》")
_FILED_DATE = re.compile(r"(\d{4})[-年.](\d{1,2})(?:[-月.](\d{1,2}))?")
_YEAR = re.compile(r"(19|20)\d{2}")


class Lookup:
    def __init__(self, snapshot: Snapshot, excluded: Collection[str]) -> None:
        self.snapshot = snapshot
        self._excluded = excluded
        self._versions: dict[str, list[DocumentHead]] = {}

    def segments(self, words: str, k: int) -> list[StoredSegment]:
        """Those that have most of the character pairs of `words`, best first."""
        pairs = [term for term in dict.fromkeys(extract_terms(words)) if len(term) > 1][:_MAX_TERMS]
        found = self.snapshot.segments([one.segment_id for one in self.snapshot.matching(pairs, k)])
        return [segment for segment in found if segment.document_id not in self._excluded]

    def versions(self, title: str) -> list[DocumentHead]:
        """The documents whose title is `title`, whatever tells their versions apart."""
        base = base_title(title)
        if base not in self._versions:
            ids = dict.fromkeys(segment.document_id for segment in self.segments(base, _TITLE_DEPTH))
            heads = self.snapshot.heads(list(ids))
            self._versions[base] = [head for head in heads if base_title(head.title) == base]
        return self._versions[base]

    def newest(self, title: str) -> DocumentHead | None:
        return max(self.versions(title), key=version_date, default=None)


def base_title(title: str) -> str:
    """`title` without what tells one version from another."""
    plain = _VERSION.sub("", plain_title(title)).strip("《》")
    return plain.removeprefix("中华人民共和国")


def plain_title(title: str) -> str:
    """`title` folded, with one kind of title marks, which take as many characters."""
    return fold(title).translate(_INNER_MARKS)


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
