"""An answer in the shapes of OpenAI's chat completions, and the order of chunks in which front-ends find sources.

1. the role; 2. content, the first of it with `citations`; 3. the finish chunk, with annotations and no content;
4. usage, if asked for; 5. [DONE]. Open WebUI's variant has its own source events in place of annotations, and no
list of sources in the text, which it would show twice.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.answering import Piece
from api.links import Links, place_of
from api.rendering import to_json
from api.wording import count_tokens, label
from embeddings import Hit

Json = dict[str, Any]

_SOURCES_HEADING = "\n\n---\n**来源**"
DONE = b"data: [DONE]\n\n"


def as_event(value: Json) -> bytes:
    return b"data: " + to_json(value) + b"\n\n"


@dataclass
class Written:
    """What has been written of an answer, and where each [n] first stands in it."""

    hits: Sequence[Hit]
    links: Links
    text: str = ""
    places: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, piece: Piece) -> None:
        if piece.n is not None:
            self.places.setdefault(piece.n, (len(self.text), len(self.text) + len(piece.text)))
        self.text += piece.text

    def source_list(self) -> list[Piece]:
        """The sources in Markdown, for front-ends that show none by themselves.

        All up to the last one cited, cited or not: front-ends that number what they are given count from 1.
        """
        if not self.places:
            return []
        pieces = [Piece(_SOURCES_HEADING)]
        for n, hit in enumerate(self.shown(), start=1):
            pieces += [
                Piece("\n"),
                Piece(f"[{n}]", n),
                Piece(f" [{label(place_of(hit.source))}]({self.links.to_quote(hit)})"),
            ]
        return pieces

    def shown(self) -> Sequence[Hit]:
        return self.hits[: max(self.places, default=0)]

    def annotations(self) -> list[Json]:
        return [self._annotation(n, hit) for n, hit in enumerate(self.shown(), start=1)]

    def citations(self) -> list[Json]:
        return [{"title": hit.source.title, "url": self.links.to_quote(hit)} for hit in self.shown()]

    def _annotation(self, n: int, hit: Hit) -> Json:
        start, end = self.places.get(n, (len(self.text), len(self.text)))
        citation = {
            "start_index": start,
            "end_index": end,
            "title": hit.source.title,
            "url": self.links.to_quote(hit),
        }
        return {"type": "url_citation", "url_citation": citation}


class Chunks:
    """The chunks of one streamed answer: one id, one time."""

    def __init__(self, model: str) -> None:
        self._head = {**_head(model), "object": "chat.completion.chunk"}

    def role(self) -> bytes:
        return self._choice({"role": "assistant", "content": ""})

    def content(self, text: str, extra: Json) -> bytes:
        return self._choice({"content": text}, extra)

    def source(self, source: Json) -> bytes:
        return as_event({**self._head, "choices": [], "event": {"type": "source", "data": source}})

    def finish(self, delta: Json) -> bytes:
        return self._choice(delta, finish_reason="stop")

    def usage(self, usage: Json) -> bytes:
        return as_event({**self._head, "choices": [], "usage": usage})

    def _choice(self, delta: Json, extra: Json | None = None, *, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return as_event({**self._head, "choices": [choice], **(extra or {})})


def completion(model: str, written: Written, prompt: str, *, annotated: bool) -> Json:
    message: Json = {"role": "assistant", "content": written.text, "refusal": None}
    if annotated:
        message["annotations"] = written.annotations()
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
    return {
        **_head(model),
        "object": "chat.completion",
        "choices": [choice],
        "usage": usage(prompt, written.text),
        "citations": written.citations(),
        "search_results": list(search_results(written.shown(), written.links)),
        "sources": [source_of(hit, written.links) for hit in written.shown()],
    }


def citations_of(hits: Sequence[Hit], links: Links) -> Json:
    """What the first content chunk carries; nothing where there are none, as an empty list looks like some."""
    citations = [{"title": hit.source.title, "url": links.to_quote(hit)} for hit in hits]
    return {"citations": citations} if citations else {}


def search_results(hits: Sequence[Hit], links: Links) -> Iterator[Json]:
    for hit in hits:
        yield {
            "title": hit.source.title,
            "url": links.to_quote(hit),
            "date": hit.source.date,
            "snippet": hit.quote,
        }


def source_of(hit: Hit, links: Links) -> Json:
    """A source as Open WebUI keeps it: the passage in full. Its id names the quote, or quotes would be merged."""
    url = links.to_quote(hit)
    name = place_of(hit.source)
    metadata = {
        "source": url,
        "name": name,
        # Else Open WebUI shows the address in place of the name.
        "external": True,
        "title": hit.source.title,
        "issuer": hit.source.issuer,
        "date": hit.source.date,
        "doc_number": hit.source.doc_number,
        "document_id": hit.source.document_id,
        "quote": hit.quote,
    }
    shown = {key: value for key, value in metadata.items() if value is not None}
    return {
        "source": {"id": url, "name": name, "url": url},
        "document": [hit.passage],
        "metadata": [shown],
        "distances": [round(float(hit.score), 4)],
    }


def usage(prompt: str, text: str) -> Json:
    """Estimated: how many tokens there are depends on the tokenizer of a model that need not exist."""
    counted = count_tokens(prompt), count_tokens(text)
    return {"prompt_tokens": counted[0], "completion_tokens": counted[1], "total_tokens": sum(counted)}


def _head(model: str) -> Json:
    return {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": model}
