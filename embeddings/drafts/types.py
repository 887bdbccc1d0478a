"""What a draft check says, as frozen values. Spans are code points: of the draft as it was given, and of the
source's stored text."""

from dataclasses import dataclass
from typing import Literal

from embeddings.types import Source, Span

MatchKind = Literal["verbatim", "rewritten", "boilerplate", "related"]
"""照抄: the same letters; 改写: the same text with changes; 套话: what many documents say; 相近: the same matter."""
ChangeKind = Literal["number", "date", "name", "wording", "added", "left_out", "order"]


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between a draft and its source; one of the spans is empty where nothing stands for it."""

    kind: ChangeKind
    draft_span: Span
    source_span: Span
    draft: str
    source: str


@dataclass(frozen=True, slots=True)
class Match:
    """`source_text` is the source's text at `source_span`. `score` is in 0..1: how much of the longer side
    agrees; for `related`, how near the two are in words and meaning."""

    kind: MatchKind
    score: float
    draft_span: Span
    source_span: Span
    source_text: str
    changes: tuple[Change, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class DraftParagraph:
    span: Span
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """A set phrase, and in how many unrelated documents of the library it stands (0: the caller named it)."""

    draft_span: Span
    documents: int


@dataclass(frozen=True, slots=True)
class Placeholder:
    draft_span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """A warning, never a verdict: `reason` says what has changed, `source_text` at `source_span` of `source` shows it."""

    draft_span: Span
    reason: str
    source_span: Span
    source_text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Repetition:
    """The draft says at `again` what it has said at `first`."""

    first: Span
    again: Span


@dataclass(frozen=True, slots=True)
class DocumentShare:
    """How many of the draft's letters were copied from a document, and what share of all that is."""

    document_id: str
    title: str
    characters: int
    share: float


@dataclass(frozen=True, slots=True)
class DraftReport:
    """`characters` counts the draft's letters, digits and Han characters; `originality` is one less the share
    of them that lies in verbatim or rewritten spans, each counted once, and not in boilerplate."""

    draft: str
    characters: int
    originality: float
    paragraphs: tuple[DraftParagraph, ...]
    boilerplate: tuple[Boilerplate, ...]
    placeholders: tuple[Placeholder, ...]
    superseded: tuple[Superseded, ...]
    repetitions: tuple[Repetition, ...]
    documents: tuple[DocumentShare, ...]
