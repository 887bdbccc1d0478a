"""Values of the library as the JSON that HTTP and `--json` show. Knows no HTTP."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from api.answering import Answer
from api.library import DEFAULT_COLLECTION
from embeddings import Copy, Facts, Hit, Metadata, Resemblance, Source, Span, StoredDocument, StoredJob

Json = dict[str, Any]

_SCORE_DIGITS = 4
_SAID = ("doc_number", "issuer", "recipient", "kind", "speaker", "meeting", "date")
_METADATA = ("title", *_SAID)


def to_json(value: object, *, indent: int | None = None) -> bytes:
    """UTF-8. A lone surrogate, as an undecodable file name has, is written as its escape."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    return text.encode("utf-8", "backslashreplace")


def search_reply(query: str, collection: str, hits: Sequence[Hit], *, took_ms: float) -> Json:
    return {
        "query": query,
        "collection": collection,
        "corrected_query": _corrected(hits),
        "took_ms": round(took_ms, 2),
        "no_answer": not hits,
        "hits": [_hit(hit) for hit in hits],
    }


def search_reply_of_several(
    query: str, collections: Sequence[str], hits: Sequence[Hit], *, took_ms: float
) -> Json:
    """As `search_reply`; every source names its collection."""
    return {
        "query": query,
        "collections": collections,
        "corrected_query": _corrected(hits),
        "took_ms": round(took_ms, 2),
        "no_answer": not hits,
        "hits": [_named_hit(hit) for hit in hits],
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


def document_url(document_id: str, collection: str) -> str:
    within = "" if collection == DEFAULT_COLLECTION else f"?collection={quote(collection)}"
    return f"/documents/{document_id}{within}"


def documents_reply(documents: Sequence[StoredDocument], *, total: int, offset: int, limit: int) -> Json:
    return {
        "total": total,
        "offset": offset,
        "limit": limit,
        "documents": [document_summary(document) for document in documents],
    }


def document_reply(
    document: StoredDocument,
    passages: Sequence[tuple[Span, int, bool]],
    near_duplicates: Sequence[Resemblance] = (),
) -> Json:
    text = document.text
    return {
        **document_summary(document),
        "near_duplicates": near_duplicates_reply(near_duplicates),
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


def near_duplicates_reply(found: Sequence[Resemblance]) -> list[Json]:
    return [
        {
            "document_id": other.document_id,
            "title": other.title,
            "filename": other.filename,
            "share": round(other.share, 2),
        }
        for other in found
    ]


def collection_reply(name: str, facts: Facts) -> Json:
    return {
        "name": name,
        "model": facts.model or facts.embedder_id.partition("@")[0],
        "embedder_id": facts.embedder_id,
        "dimensions": facts.dim,
        "settings": json.loads(facts.settings),
        "documents": facts.documents,
        "passages": facts.passages,
        "segments": facts.segments,
        "generation": facts.generation,
        "reindexing_to": facts.reindexing_to,
    }


def job_reply(job: StoredJob) -> Json:
    return {
        "id": job.id,
        "kind": job.kind,
        "collection": job.collection,
        "status": job.status,
        "done": job.done,
        "total": job.total,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "error": job.error,
        "report": json.loads(job.report),
    }


def document_summary(document: StoredDocument) -> Json:
    metadata = document.metadata
    return {
        "id": document.id,
        "title": document.title,
        "filename": document.filename,
        "sha256": document.sha256,
        "encoding": document.encoding,
        "bytes": document.byte_length,
        "passage_count": document.passages,
        **{name: value and value.value for name in _SAID for value in [getattr(metadata, name)]},
        "added_at": document.added_at,
        "attributes": document.attributes,
    }


def _metadata(metadata: Metadata) -> Json:
    fields = {name: getattr(metadata, name) for name in _METADATA}
    return {name: field and {"value": field.value, "span": field.span} for name, field in fields.items()}


def _corrected(hits: Sequence[Hit]) -> str | None:
    return next((hit.why.corrected_query for hit in hits if hit.why.corrected_query), None)


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
        "also_in": [_source(copy.source, copy.quote_span) for copy in hit.also_in],
        "places": hit.places,
        "why": {
            "dense_rank": hit.why.dense_rank,
            "lexical_rank": hit.why.lexical_rank,
            "matched_terms": hit.why.matched_terms,
            "rerank_score": hit.why.rerank_score and round(hit.why.rerank_score, _SCORE_DIGITS),
            "is_place": hit.why.is_place,
            "is_consequence": hit.why.is_consequence,
        },
    }


def _named_hit(hit: Hit) -> Json:
    rendered = _hit(hit)
    places: list[Hit | Copy] = [hit, *hit.also_in]
    for place, source in zip(places, [rendered["source"], *rendered["also_in"]], strict=True):
        source["collection"] = place.source.collection
    return rendered


def _source(source: Source, span: Span) -> Json:
    return {
        "document_id": source.document_id,
        "title": source.title,
        "filename": source.filename,
        "url": document_url(source.document_id, source.collection) + f"#c={span.start}-{span.end}",
        "paragraph": source.paragraph,
        "page": source.page,
        "outline": source.outline,
        **{name: getattr(source, name) for name in _SAID},
        "sha256": source.sha256,
    }


def source_reply(source: Source, span: Span) -> Json:
    return _source(source, span)
