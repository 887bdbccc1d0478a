"""Where a span of the library stands, told as a source."""

from collections.abc import Sequence

from embeddings.storage import DocumentHead, Place, Snapshot
from embeddings.types import Source


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
        head = self.head(document_id)
        metadata = head.metadata
        return Source(
            document_id=head.id,
            sha256=head.sha256,
            title=head.title,
            filename=head.filename,
            paragraph=paragraph,
            page=page,
            outline=tuple(p.label for p in places if p.extent.start <= position < p.extent.end),
            issuer=metadata.issuer.value if metadata.issuer else None,
            speaker=metadata.speaker.value if metadata.speaker else None,
            date=metadata.date.value if metadata.date else None,
            doc_number=metadata.doc_number.value if metadata.doc_number else None,
        )
