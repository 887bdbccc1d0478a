"""What is measured of planted drafts, and the time that checks take."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from drafting.plants import Planted
from drafting.texts import Text, letters_of
from embeddings import Collection, read
from embeddings.drafts import DraftReport, Match

DRAFT_CHARS = 10_000
_ROUNDS = 4
_NEAR = 2


def copies_in(report: DraftReport) -> list[Match]:
    return [m for p in report.paragraphs for m in p.matches if m.kind in ("verbatim", "rewritten")]


def _is_of(match: Match, source: str) -> bool:
    """Whether a match's source says what the plant was made from: that text, or the same elsewhere."""
    one, other = letters_of(match.source_text), letters_of(source)
    shorter = min(len(one), len(other))
    return (
        shorter > 0 and 1 - Levenshtein.distance(one, other) / max(len(one), len(other)) >= 0.5
    ) or is_held(one, other)


def is_held(one: str, other: str) -> bool:
    return one in other or other in one


@dataclass
class Found:
    """Of the plants, those `found` and those with bounds within 2 characters; of the copies `reported`, those that
    are `right`: they lie in a plant, up to 2 characters."""

    planted: int = 0
    found: int = 0
    within_2: int = 0
    reported: int = 0
    right: int = 0
    as_boilerplate: int = 0


def measure_plants(collection: Collection, planted: Sequence[Planted]) -> Found:
    total = Found()
    for one in planted:
        report = collection.similar(one.draft, exclude_documents=one.excluded)
        _check_spans(collection, one.draft, report)
        matches = copies_in(report)
        common = [m for p in report.paragraphs for m in p.matches if m.kind == "boilerplate"]
        for start, end, source in one.plants:
            near = [m for m in matches if _shared(m, start, end) >= 0.5 * (end - start) and _is_of(m, source)]
            is_common = any(_shared(m, start, end) >= 0.5 * (end - start) for m in common)
            total.planted += 1
            total.found += bool(near)
            total.within_2 += any(_is_within(m, start, end) and _covers(m, start, end) for m in near)
            total.as_boilerplate += not near and is_common
        total.reported += len(matches)
        total.right += sum(any(_is_within(m, start, end) for start, end, _ in one.plants) for m in matches)
    return total


def _is_within(match: Match, start: int, end: int) -> bool:
    return match.draft_span.start >= start - _NEAR and match.draft_span.end <= end + _NEAR


def _covers(match: Match, start: int, end: int) -> bool:
    return start >= match.draft_span.start - _NEAR and end <= match.draft_span.end + _NEAR


def _shared(match: Match, start: int, end: int) -> int:
    return min(match.draft_span.end, end) - max(match.draft_span.start, start)


def _check_spans(collection: Collection, draft: str, report: DraftReport) -> None:
    for paragraph in report.paragraphs:
        for match in paragraph.matches:
            text = collection.document(match.source.document_id).text
            assert match.source_span.of(text) == match.source_text
            assert paragraph.span.start <= match.draft_span.start < match.draft_span.end <= paragraph.span.end
            if match.kind == "verbatim":
                assert letters_of(match.draft_span.of(draft)) == letters_of(match.source_text)


def measure_time(collection: Collection, drafts: Sequence[str], top_k: int) -> list[float]:
    taken = []
    for _ in range(_ROUNDS):
        for draft in drafts:
            started = time.perf_counter()
            collection.similar(draft[:DRAFT_CHARS], top_k=top_k)
            taken.append(time.perf_counter() - started)
    return taken


def measure_adding(collection: Collection, texts: Sequence[Text]) -> list[float]:
    taken = []
    for one in texts:
        document = read(f"{one.title}\n{one.text}".encode(), filename=f"{one.title[:40]}.txt")
        started = time.perf_counter()
        collection.add([document])
        taken.append(time.perf_counter() - started)
    return taken
