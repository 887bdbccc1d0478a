"""Saved web pages: the lines that a browser shows, those outside the main text marked as chrome.

All of what is shown is kept, so that nothing is lost where the main text was guessed wrongly; a library that
returns the main text only (trafilatura) leaves out short lines such as numbers, dates and signatures.
"""

import codecs
import contextlib
import email
import email.policy
import re
from email.message import EmailMessage

from lxml import etree

from embeddings.chrome import CHROME
from embeddings.errors import EmptyText, UnreadableDocument
from embeddings.readers.extract import Extract, Lines
from embeddings.readers.main_text import find_main_text
from embeddings.readers.page_lines import read_page_lines
from embeddings.readers.text import decode
from embeddings.readers.xml import Element

_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_META_BYTES = 8192
_CHINESE = re.compile("[\u4e00-\u9fff]{2}")
# Encodings that the strict decision over all of a text does not know. Pages often name another one than they are
# in, so a name counts only here.
_NAMED = frozenset(
    {"big5", "big5hkscs", "cp950", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "cp1252"}
)


def extract_html(data: bytes, *, filename: str) -> Extract:
    """Raises: UnreadableDocument, EmptyText, TooLarge."""
    text, encoding = _decode(data, filename)
    return _extract(text, encoding, filename)


def extract_mhtml(data: bytes, *, filename: str) -> Extract:
    """A page saved by a browser as one file: the first page in it.

    Raises: UnreadableDocument, EmptyText, TooLarge.
    """
    message = email.message_from_bytes(data, policy=email.policy.default)
    part = next((part for part in message.walk() if part.get_content_type() == "text/html"), None)
    payload = part.get_payload(decode=True) if isinstance(part, EmailMessage) else None
    if not isinstance(payload, bytes):
        raise UnreadableDocument(
            f"“{filename}” is a web archive without a page in it. Save the page as html."
        )
    return extract_html(payload, filename=filename)


def _extract(text: str, encoding: str, filename: str) -> Extract:
    root = _parse(text, filename)
    page = read_page_lines(root)
    content = find_main_text(page)
    lines = Lines(filename=filename)
    for index, line in enumerate(page.lines):
        lines.add(line.text, reason=None if index in content else CHROME)
    extract = lines.extract(encoding=encoding, is_web_page=True)
    if not extract.text:
        raise EmptyText(
            f"“{filename}” shows no text; it may load it when opened. Save it from a browser as text."
        )
    return extract


def _parse(text: str, filename: str) -> Element:
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    cleaned = text.replace("\x00", "").encode("utf-8", errors="replace")
    try:
        root = etree.fromstring(cleaned, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableDocument(
            f"“{filename}” is no web page that can be read ({error}). Save it as text."
        ) from error
    if root is None:
        raise EmptyText(f"“{filename}” shows no text.")
    # The parser goes on after most errors, but drops what is deeper than it reads.
    if any("depth" in entry.message for entry in parser.error_log):
        raise UnreadableDocument(f"“{filename}” is nested too deeply for a web page. Save it as text.")
    return root


def _decode(data: bytes, filename: str) -> tuple[str, str]:
    """The text and its encoding: UTF-8 where it fits, else a rare encoding that the page names, else as for text."""
    # A page begins with so much ASCII that the decision over all of a text takes long and tells little.
    if (text := _utf8(data)) is not None:
        return text, "utf-8"
    named = _named_encoding(data)
    if named in _NAMED:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(named), named
    return decode(data, filename=filename)


def _utf8(data: bytes) -> str | None:
    """The text, if it is ASCII, or UTF-8 that no other encoding makes by chance."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text if data.isascii() or len(_CHINESE.findall(text)) >= 2 else None


def _named_encoding(data: bytes) -> str:
    found = _META.search(data, 0, _META_BYTES)
    try:
        return codecs.lookup(found[1].decode("ascii")).name if found else "utf-8"
    except LookupError:
        return "utf-8"
