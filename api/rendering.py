"""Values of the library as the JSON that HTTP and `--json` show. Knows no HTTP."""

import json
from collections.abc import Sequence
from typing import Any

from api.answering import Answer
from embeddings import Hit, Metadata, Source, Span, StoredDocument

Json = dict[str, Any]

_SCORE_DIGITS = 4
_METADATA = ("title", "doc_number", "issuer", "speaker", "date")


def to_json(value: object, *, indent: int | None = None) -> bytes:
    """UTF-8. A lone surrogate, as an undecodable file name has, is written as its escape."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    return text.encode("utf-8", "backslashreplace")


def search_reply(query: str, collection: str, hits: Sequence[Hit], *, took_ms: float) -> Json:
    return {
        "query": query,
        "collection": collection,
        "took_ms": round(took_ms, 2),
        "no_answer": not hits,
        "hits": [_hit(hit) for hit in hits],
    }


def ask_reply(answer: Answer, hits: Sequence[Hit]) -> Json:
    citations = [
        {
            "n": n,
            "quote": hit.quote,
            "quote_span": hit.quote_span,
            "source": _source(hit.source, hit.quote_span),
        }
        for n, hit in enumerate(answer.cited, start=1)
    ]
    return {
        "answer": answer.text,
        "citations": citations,
        "no_answer": not hits,
        "hits": [_hit(hit) for hit in hits],
    }


def documents_reply(documents: Sequence[StoredDocument], *, total: int, offset: int, limit: int) -> Json:
    return {
        "total": total,
        "offset": offset,
        "limit": limit,
        "documents": [_document(document) for document in documents],
    }


def document_reply(document: StoredDocument, passages: Sequence[tuple[Span, int, bool]]) -> Json:
    text = document.text
    return {
        **_document(document),
        "characters": len(text),
        "metadata": _metadata(document.metadata),
        "outline": [
            {
                "text": heading.span.of(text),
                "span": heading.span,
                "extent": heading.extent,
                "level": heading.level,
                "number": heading.number,
                "parent": heading.parent,
            }
            for heading in document.outline
        ],
        "marks": [{"span": mark.span, "reason": mark.reason} for mark in document.marks],
        "passages": [
            {"text": span.of(text), "span": span, "paragraph": paragraph, "is_heading": is_heading}
            for span, paragraph, is_heading in passages
        ],
    }


def _document(document: StoredDocument) -> Json:
    metadata = document.metadata
    return {
        "id": document.id,
        "title": document.title,
        "filename": document.filename,
        "sha256": document.sha256,
        "encoding": document.encoding,
        "bytes": document.byte_length,
        "passage_count": document.passages,
        "doc_number": metadata.doc_number.value if metadata.doc_number else None,
        "issuer": metadata.issuer.value if metadata.issuer else None,
        "speaker": metadata.speaker.value if metadata.speaker else None,
        "date": metadata.date.value if metadata.date else None,
        "added_at": document.added_at,
    }


def _metadata(metadata: Metadata) -> Json:
    fields = {name: getattr(metadata, name) for name in _METADATA}
    return {name: field and {"value": field.value, "span": field.span} for name, field in fields.items()}


def _hit(hit: Hit) -> Json:
    return {
        "rank": hit.rank,
        "score": round(float(hit.score), _SCORE_DIGITS),
        "similarity": round(float(hit.similarity), _SCORE_DIGITS),
        "quote": hit.quote,
        "quote_span": hit.quote_span,
        "passage": hit.passage,
        "passage_span": hit.passage_span,
        "source": _source(hit.source, hit.quote_span),
        "why": {
            "dense_rank": hit.why.dense_rank,
            "lexical_rank": hit.why.lexical_rank,
            "matched_terms": hit.why.matched_terms,
        },
    }


def _source(source: Source, quote: Span) -> Json:
    return {
        "document_id": source.document_id,
        "title": source.title,
        "filename": source.filename,
        "url": f"/documents/{source.document_id}#c={quote.start}-{quote.end}",
        "paragraph": source.paragraph,
        "page": source.page,
        "outline": source.outline,
        "issuer": source.issuer,
        "date": source.date,
        "doc_number": source.doc_number,
        "sha256": source.sha256,
    }
