"""What six front-ends do with each chunk of a chat stream, written from how they behave.

Each takes the chunks of a stream, already read as JSON, and gives back what it would show.
"""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Shown:
    text: str = ""
    sources: list[tuple[str, str]] = field(default_factory=list)
    error: Any = None


def open_webui(chunks: list[Json]) -> Shown:
    """Events are passed on; a chunk without choices is an error or nothing; annotations become sources.

    The address takes the place of the name of a source that is not said to be external.
    """
    shown = Shown()
    for chunk in chunks:
        event = chunk.get("event")
        if event and event["type"] == "source":
            data = event["data"]
            assert len(data["document"]) == len(data["metadata"])
            for one in data["metadata"]:
                url = one.get("source") or data["source"]["id"]
                name = one.get("name") or data["source"].get("name") or url
                shown.sources.append((name if one.get("external") else url, url))
        if not chunk.get("choices"):
            shown.error = chunk.get("error") or shown.error
            continue
        delta = chunk["choices"][0].get("delta", {})
        for annotation in delta.get("annotations") or []:
            if annotation.get("type") == "url_citation":
                cited = annotation["url_citation"]
                shown.sources.append((cited.get("title", cited["url"]), cited["url"]))
        shown.text += delta.get("content") or ""
    return shown


def lobe_chat(chunks: list[Json]) -> Shown:
    """Citations of the first content delta that has some; annotations of the finish chunk, if it has no content."""
    shown = Shown()
    has_citations = False
    for chunk in chunks:
        if not chunk.get("choices"):
            shown.error = chunk.get("error") or shown.error
            continue
        choice = chunk["choices"][0]
        delta = choice.get("delta") or {}
        if choice.get("finish_reason"):
            if delta.get("content"):
                shown.text += delta["content"]
            elif delta.get("annotations"):
                cited = [annotation["url_citation"] for annotation in delta["annotations"]]
                shown.sources = [(one["title"], one["url"]) for one in cited]
            elif chunk.get("citations"):
                # Taken for plain addresses here.
                shown.sources = [(one, one) for one in chunk["citations"]]
            continue
        if isinstance(delta.get("content"), str):
            # In JavaScript an empty list is true.
            if not has_citations and isinstance(chunk.get("citations"), list):
                has_citations = True
                shown.sources = [(one["title"], one["url"]) for one in chunk["citations"]]
            shown.text += delta["content"]
    return shown


def cherry_studio(chunks: list[Json]) -> Shown:
    """A delta that is empty or whose content is "" is dropped; the first annotations seen are the sources."""
    shown = Shown()
    is_finished = False
    for chunk in chunks:
        if is_finished:
            break
        if not chunk.get("choices"):
            shown.error = chunk.get("error") or shown.error
            continue
        choice = chunk["choices"][0]
        delta = choice.get("delta")
        is_read = bool(delta) and ("content" not in delta or delta["content"] != "")
        annotations = delta.get("annotations") if is_read else None
        if annotations and annotations[0]["type"] == "url_citation" and not shown.sources:
            cited = [annotation["url_citation"] for annotation in annotations]
            shown.sources = [(one["title"], one["url"]) for one in cited]
        if is_read:
            shown.text += delta.get("content") or ""
        is_finished = bool(choice.get("finish_reason"))
    return shown


def next_chat(chunks: list[Json]) -> Shown:
    """The text, and nothing else; a chunk without choices is read as an empty one."""
    shown = Shown()
    for chunk in chunks:
        choices = chunk.get("choices") or []
        shown.error = chunk.get("error") or shown.error
        shown.text += (choices[0].get("delta") or {}).get("content") or "" if choices else ""
    return shown


def chatbox(chunks: list[Json]) -> Shown:
    """The text; an error in a chunk ends the reading."""
    shown = Shown()
    for chunk in chunks:
        if chunk.get("error"):
            shown.error = chunk["error"]
            break
        for choice in chunk.get("choices") or []:
            shown.text += (choice.get("delta") or {}).get("content") or ""
    return shown


def dify_model(chunks: list[Json]) -> Shown:
    """Used as a model in Dify: deltas until the finish chunk, then usage."""
    shown = Shown()
    for chunk in chunks:
        if "error" in chunk:
            shown.error = chunk["error"]
            break
        if not chunk["choices"]:
            continue
        shown.text += chunk["choices"][0]["delta"].get("content", "")
    return shown
