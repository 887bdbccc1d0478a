"""Where a span of the library stands, told as a source."""

from collections.abc import Sequence

from embeddings.storage import DocumentHead, Place, Snapshot
from embeddings.types import Hit, Source, Span, Why


def make_source(
    head: DocumentHead, position: int, paragraph: int, page: int | None, places: Sequence[Place]
) -> Source:
    """What begins at `position` in a document, as a source."""
    said = {
        name: field and field.value
        for name in ("issuer", "speaker", "date", "doc_number", "recipient", "kind", "meeting")
        for field in [getattr(head.metadata, name)]
    }
    return Source(
        document_id=head.id,
        sha256=head.sha256,
        title=head.title,
        filename=head.filename,
        paragraph=paragraph,
        page=page,
        outline=tuple(p.label for p in places if p.extent.start <= position < p.extent.end),
        **said,
    )


class SourceBook:
    """Makes sources, reading each document's head once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._heads: dict[str, DocumentHead] = {}

    def head(self, document_id: str) -> DocumentHead:
        if document_id not in self._heads:
            (self._heads[document_id],) = self._snapshot.heads([document_id])
        return self._heads[document_id]

    def sources(self, document_id: str, positions: Sequence[int]) -> list[Source]:
        """The sources of what begins at each of `positions` in a document."""
        passages = self._snapshot.passages_at(document_id, positions)
        return [
            self.source(document_id, position, passage.paragraph, passage.page, passage.places)
            for position, passage in zip(positions, passages, strict=True)
        ]

    def source(
        self, document_id: str, position: int, paragraph: int, page: int | None, places: Sequence[Place]
    ) -> Source:
        return make_source(self.head(document_id), position, paragraph, page, places)

    def hit(self, document_id: str, text: str, quote: Span, score: float, why: Why) -> Hit:
        """A span of a document's text as a hit, which no leg found."""
        first, last = self._snapshot.passages_at(document_id, [quote.start, quote.end - 1])
        passage = Span(min(first.span.start, quote.start), max(last.span.end, quote.end))
        return Hit(
            rank=0,
            score=score,
            similarity=0.0,
            quote=quote.of(text),
            quote_span=quote,
            passage=passage.of(text),
            passage_span=passage,
            source=self.source(document_id, quote.start, first.paragraph, first.page, first.places),
            why=why,
        )
