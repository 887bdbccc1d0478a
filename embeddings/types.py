"""The nouns of the library, as frozen values. Depends on nothing.

Every span is a half-open range of code points of one document's stored text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""(n, dim) float32, rows of unit length."""


class Span(NamedTuple):
    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Mark:
    """A range that is not content: kept, shown, never indexed."""

    span: Span
    reason: str


@dataclass(frozen=True, slots=True)
class Heading:
    """One numbered place of the outline: 「三、…」, or 「一是…」 inside a paragraph.

    `span` is what is shown of it; `extent` reaches to where the next heading of its level or above
    begins. `parent` is the position of the heading above in `Document.outline`.
    """

    span: Span
    extent: Span
    level: int
    number: int
    parent: int | None


@dataclass(frozen=True, slots=True)
class Segment:
    """The slice of a passage that gets one vector. `topic` is the lead-in that it stands under: 「燃气领域」, or what
    opens its list."""

    span: Span
    topic: Span | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """One paragraph. `paragraph` counts from 1; `heading` is a position in `Document.outline`.

    `is_heading` says that the paragraph is nothing but a heading or the title.
    """

    span: Span
    paragraph: int
    heading: int | None
    is_heading: bool
    segments: tuple[Segment, ...]
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A value read by rule, and the span it was read from."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an official document says of itself; None where it does not.

    `date` is ISO 8601; `recipient` is 主送机关, `kind` 文种 (one of the fifteen), `meeting` where it was spoken.
    """

    title: Field | None = None
    doc_number: Field | None = None
    issuer: Field | None = None
    speaker: Field | None = None
    date: Field | None = None
    recipient: Field | None = None
    kind: Field | None = None
    meeting: Field | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One official document, read: original bytes, stored text and the ranges over it.

    `id` is the beginning of `sha256`, the hash of the original bytes: the same bytes are the same document.
    """

    id: str
    sha256: str
    filename: str
    original: bytes = field(repr=False)
    encoding: str
    text: str = field(repr=False)
    title: str
    metadata: Metadata
    marks: tuple[Mark, ...] = field(repr=False)
    outline: tuple[Heading, ...] = field(repr=False)
    passages: tuple[Passage, ...] = field(repr=False)

    def outline_path(self, position: int) -> tuple[str, ...]:
        """The headings that `position` stands under, outermost first."""
        return tuple(
            heading.span.of(self.text)
            for heading in self.outline
            if heading.extent.start <= position < heading.extent.end
        )


def headings_over(outline: Sequence[Heading], spans: Sequence[Span]) -> Iterator[list[int]]:
    """For each of `spans` (in order, disjoint) the positions in `outline` whose extent reaches into it."""
    reaching: list[int] = []
    following = 0
    for span in spans:
        while following < len(outline) and outline[following].extent.start < span.end:
            reaching.append(following)
            following += 1
        reaching = [index for index in reaching if outline[index].extent.end > span.start]
        yield list(reaching)


@dataclass(frozen=True, slots=True)
class Source:
    """出处: enough to find a quote again in the original."""

    document_id: str
    sha256: str
    title: str
    filename: str
    paragraph: int
    page: int | None
    outline: tuple[str, ...]
    issuer: str | None
    speaker: str | None
    date: str | None
    doc_number: str | None
    collection: str = "default"
    recipient: str | None = None
    kind: str | None = None
    meeting: str | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """Another place where the passage of a hit stands, letter for letter; `quote_span` is the quote there."""

    quote_span: Span
    source: Source


@dataclass(frozen=True, slots=True)
class Why:
    """What brought a hit: its rank in each leg (from 1; None if that leg missed it) and the words of the
    query that stand in it. `rerank_score` is what a re-ranker says of it, 0..1; None where none was asked.
    `is_place` says that it is the numbered place that was asked for, or what tells of it, `is_consequence` that it
    says what follows from what the next hit says, and `corrected_query` is what was searched for where the query
    seemed to be mistyped."""

    dense_rank: int | None
    lexical_rank: int | None
    matched_terms: tuple[str, ...]
    rerank_score: float | None = None
    is_place: bool = False
    is_consequence: bool = False
    corrected_query: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found. `quote` and `passage` are exact slices of the stored text at their spans.

    `score` is in 0..1 and calibrated; `similarity` is the cosine of query and quote. `also_in` are the other
    places where the passage stands, the first of `places - 1` of them.
    """

    rank: int
    score: float
    similarity: float
    quote: str
    quote_span: Span
    passage: str
    passage_span: Span
    source: Source
    why: Why
    also_in: tuple[Copy, ...] = ()
    places: int = 1
