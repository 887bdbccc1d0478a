"""What a language model wrote, checked sentence by sentence against the sources while it comes.

* [n] that names no source is removed; a sentence that shares nothing with the sources is left out, one that its
  source hardly bears is marked.
* A quotation that stands in no source is marked.
* Links, images and tags are removed: they come from no source, and opening them tells others.
* Nothing is let through before the first citation that holds; `has_cited` says whether there was one.
"""

import re
from collections.abc import Iterator, Sequence

from api.answering import Piece, mark
from api.prompting import shown_to_model
from api.wording import character_pairs, share_within
from embeddings import Hit

UNVERIFIED = "（未核实）"
_MAX_SENTENCE_CHARS = 600
# Less of a sentence's character pairs in its sources: another matter, or doubtful.
_ANOTHER_MATTER = 0.12
_DOUBTFUL = 0.25
_CITATION = re.compile(r"[\[【]\^?\s*(\d{1,3}(?:\s*[,，、;；\-–~～至]\s*\^?\d{1,3})*)\s*(?:†[^\]】]*)?[\]】]")
_RANGE = re.compile(r"(\d{1,3})\s*[\-–~～至]\s*(\d{1,3})")
_END = re.compile(
    r"\n+|(?:[。！？]|[!?](?![A-Za-z0-9\[=&/(]))+[”’」』）)\"']*(?:\s*[\[【][^\]】\n]{1,24}[\]】])*(?=[^\s\[【”’」』）)\"'。！？!?])"
)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|$)", re.DOTALL)
_MARKUP = re.compile(
    r"!\[[^\]]*\]\([^)]*\)|<[A-Za-z/!?][^>]*>|(?:https?|ftp|data|javascript|file):[^\s」”）)]*", re.IGNORECASE
)
_LINK = re.compile(r"\[([^\]\d][^\]]*)\]\([^)]*\)")
_QUOTATION = re.compile(r"「([^」\n]{1,600})」|“([^”\n]{1,600})”|『([^』\n]{1,600})』")
_ELLIPSIS = re.compile(r"…+|\.{3,}|——")
_PADDING = "，。、；：！？,.;:!? \u3000"
_OPENING, _CLOSING = "「“『", "」”』"


class Checker:
    """Feed it what comes; what it gives back may be shown."""

    def __init__(self, question: str, cited: Sequence[Hit]) -> None:
        # What the model was not shown bears nothing.
        self._sources = ["\n".join(shown_to_model(hit).values()) for hit in cited]
        self._pairs = [character_pairs(source) for source in self._sources]
        self._all_pairs = set[str]().union(*self._pairs)
        self._asked = character_pairs(question)
        self._squeezed = [_squeeze(source) for source in self._sources]
        self._pending = ""
        self._held: list[Piece] = []
        self.has_cited = False

    def feed(self, text: str) -> list[Piece]:
        self._pending += text
        if self._is_thinking():
            return []
        self._pending = _THOUGHT.sub("", self._pending)
        pieces: list[Piece] = []
        while (end := _sentence_end(self._pending)) is not None:
            pieces += self._check(self._pending[:end])
            self._pending = self._pending[end:]
        return self._release(pieces)

    def finish(self) -> list[Piece]:
        rest = _THOUGHT.sub("", self._pending)
        self._pending = ""
        return self._release(self._check(rest)) if rest else []

    def _is_thinking(self) -> bool:
        return self._pending.rfind("<think>") > self._pending.rfind("</think>")

    def _release(self, pieces: list[Piece]) -> list[Piece]:
        self._held += pieces
        self.has_cited = self.has_cited or any(piece.n for piece in pieces)
        if not self.has_cited:
            return []
        released, self._held = self._held, []
        return released

    def _check(self, sentence: str) -> list[Piece]:
        sentence = _LINK.sub(r"\1", _MARKUP.sub("", sentence))
        numbers = {n for found in _CITATION.finditer(sentence) for n in self._numbers(found[1])}
        bare = _CITATION.sub("", sentence)
        if not bare.strip():
            return [] if "\n" not in sentence or numbers else [Piece(sentence)]
        support = self._support(bare, numbers)
        is_lead_in = bare.rstrip().endswith(("：", ":")) and not numbers
        if support < _ANOTHER_MATTER and not is_lead_in:
            return [Piece("\n")] if sentence.endswith("\n") else []
        pieces = list(self._cite(self._mark_quotations(sentence)))
        if numbers and support < _DOUBTFUL:
            pieces = _append_before_newline(pieces, UNVERIFIED)
        return pieces

    def _support(self, bare: str, numbers: set[int]) -> float:
        if not character_pairs(bare):
            return 1.0
        if not numbers:
            return share_within(bare, self._all_pairs | self._asked)
        return share_within(bare, set[str]().union(*(self._pairs[n - 1] for n in numbers)))

    def _cite(self, sentence: str) -> Iterator[Piece]:
        start = 0
        for found in _CITATION.finditer(sentence):
            if found.start() > start:
                yield Piece(sentence[start : found.start()])
            yield from (mark(n) for n in self._numbers(found[1]))
            start = found.end()
        if start < len(sentence):
            yield Piece(sentence[start:])

    def _numbers(self, written: str) -> list[int]:
        """The sources that a mark names, without those that do not exist."""
        spread = _RANGE.sub(
            lambda found: ",".join(map(str, range(int(found[1]), int(found[2]) + 1))), written
        )
        numbers = dict.fromkeys(int(number) for number in re.findall(r"\d+", spread))
        return [number for number in numbers if 1 <= number <= len(self._sources)]

    def _mark_quotations(self, sentence: str) -> str:
        def checked(found: re.Match[str]) -> str:
            quotation = _CITATION.sub("", found[1] or found[2] or found[3])
            return found[0] if self._is_in_a_source(quotation) else found[0] + UNVERIFIED

        return _QUOTATION.sub(checked, sentence)

    def _is_in_a_source(self, quotation: str) -> bool:
        parts = [_squeeze(part).strip(_PADDING) for part in _ELLIPSIS.split(quotation)]
        parts = [part for part in parts if part]
        return any(all(part in source for part in parts) for source in self._squeezed)


def _sentence_end(text: str) -> int | None:
    """Where the first whole sentence of `text` ends; a stop inside a quotation ends none."""
    for found in _END.finditer(text):
        before = text[: found.end()]
        is_open = sum(map(before.count, _OPENING)) > sum(map(before.count, _CLOSING))
        if not is_open or "\n" in found[0]:
            return found.end()
    return _MAX_SENTENCE_CHARS if len(text) > _MAX_SENTENCE_CHARS else None


def _squeeze(text: str) -> str:
    return "".join(text.split())


def _append_before_newline(pieces: list[Piece], text: str) -> list[Piece]:
    last = pieces[-1]
    if last.n is None and last.text.endswith("\n"):
        body = last.text.rstrip("\n")
        return [*pieces[:-1], Piece(body), Piece(text), Piece(last.text[len(body) :])]
    return [*pieces, Piece(text)]
