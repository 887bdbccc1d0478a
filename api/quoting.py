"""Whether a quote stands in a collection, word for word. Knows no HTTP."""

from typing import Any

from embeddings import MAX_QUERY_CHARS, Collection

_DOCUMENTS_LOOKED_AT = 20


def verify_quote(collection: Collection, quote: str) -> list[dict[str, Any]]:
    """Where `quote` stands: document, title and span of each document's first place.

    It is looked for in the documents of the passages that are most like it.

    Raises: EmptyText.
    """
    hits = collection.search(quote[:MAX_QUERY_CHARS], top_k=_DOCUMENTS_LOOKED_AT, min_score=0)
    titles = {hit.source.document_id: hit.source.title for hit in hits}
    matches: list[dict[str, Any]] = []
    for document_id, title in titles.items():
        start = collection.document(document_id).text.find(quote)
        if start >= 0:
            end = start + len(quote)
            matches.append({"document_id": document_id, "title": title, "start": start, "end": end})
    return matches
