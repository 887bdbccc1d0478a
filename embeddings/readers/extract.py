"""What a reader takes out of a file: the text that is stored, and what the format alone knows of it."""

import re
from dataclasses import dataclass

from embeddings.errors import TooLarge
from embeddings.types import Mark, Span

MAX_TEXT_CHARS = 20_000_000

# Characters that end a line for some reader of the text, and those that no text should hold.
_LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Extract:
    """`marks` cover whole lines of `text`; `page_starts` are positions in it, one a page, empty where the
    format has no pages."""

    text: str
    encoding: str
    marks: tuple[Mark, ...] = ()
    page_starts: tuple[int, ...] = ()
    is_web_page: bool = False


class Lines:
    """A text as it grows, line by line."""

    def __init__(self, *, filename: str) -> None:
        self._filename = filename
        self._parts: list[str] = []
        self._marks: list[Mark] = []
        self._page_starts: list[int] = []
        self._length = 0

    def begin_page(self) -> None:
        self._page_starts.append(self._length)

    def add(self, text: str, *, reason: str | None = None) -> None:
        """A paragraph; with `reason` it is no content. What is blank is left out.

        Raises:
            TooLarge: over `MAX_TEXT_CHARS`.
        """
        for line in _LINE_BREAK.sub("\n", _UNWANTED.sub("", text)).split("\n"):
            if line := line.strip():
                self._add_line(line, reason)

    def extract(self, *, encoding: str, is_web_page: bool = False) -> Extract:
        text = "".join(self._parts)
        return Extract(text, encoding, tuple(self._marks), tuple(self._page_starts), is_web_page)

    def _add_line(self, line: str, reason: str | None) -> None:
        if self._length + len(line) >= MAX_TEXT_CHARS:
            raise TooLarge(
                f"“{self._filename}” holds more than {MAX_TEXT_CHARS:,} characters of text. Split it."
            )
        if reason is not None:
            self._marks.append(Mark(Span(self._length, self._length + len(line)), reason))
        self._parts.append(line + "\n")
        self._length += len(line) + 1
