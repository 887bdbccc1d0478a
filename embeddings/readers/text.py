"""Plain text: which encoding, decided over the whole file and strictly.

UTF-8 (with or without a byte order mark), UTF-16 (likewise), GB18030 (which holds GBK and GB2312).
"""

import codecs
import re
from functools import lru_cache

from embeddings.errors import EmptyText, UnreadableDocument

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# In this order: of two readings that are equally plausible the first is taken.
_UNMARKED = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
_CONTROL = re.compile("[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")
_EVERYDAY = re.compile("[\x20-\x7e\\s\u3000-\u303f\uff00-\uff5e]")
_HAN = re.compile("[\u4e00-\u9fff]")
# Nearly any even number of bytes is UTF-16 of some kind.
_PLAUSIBLE_UTF16 = 0.8
_CLEAR_CHARS = 10_000
# So much UTF-16 without a byte above 127 or a control character is not Chinese.
_MIN_ASCII_BYTES = 4096


def decode(data: bytes, *, filename: str) -> tuple[str, str]:
    """The text of a file and the name of its encoding. A byte order mark is not part of the text.

    Raises:
        UnreadableDocument: no encoding fits every byte; names the file and the byte where the best one failed.
        EmptyText: there is nothing but white space.
    """
    text, encoding = _decode_marked(data, filename) or _decode_unmarked(data, filename)
    if not text.strip():
        raise EmptyText(f"“{filename}” holds no text.")
    return text, encoding


def _decode_marked(data: bytes, filename: str) -> tuple[str, str] | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding), encoding
            except UnicodeDecodeError as error:
                raise _unreadable(filename, encoding, len(mark) + error.start) from error
    return None


def _decode_unmarked(data: bytes, filename: str) -> tuple[str, str]:
    if (text := _decode_clear_utf8(data)) is not None:
        return text, "utf-8"
    readings: dict[str, str] = {}
    failures: dict[str, int] = {}
    for encoding in _UNMARKED:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            failures[encoding] = error.start
            continue
        control = _CONTROL.search(text)
        if control is None:
            readings[encoding] = text
        else:
            failures[encoding] = len(text[: control.start()].encode(encoding))
    if "utf-8" in failures and _begins_as_utf8(data, failures["utf-8"]):
        raise _unreadable(filename, "utf-8", failures["utf-8"])
    plausible = {name: _plausibility(text) for name, text in readings.items()}
    candidates = [
        name for name in readings if not name.startswith("utf-16") or plausible[name] >= _PLAUSIBLE_UTF16
    ]
    if not candidates:
        raise _unreadable(filename, "gb18030", failures.get("gb18030", 0))
    encoding = max(candidates, key=lambda name: plausible[name])
    return readings[encoding], encoding


def _decode_clear_utf8(data: bytes) -> str | None:
    """The text, if it is long ASCII or valid UTF-8 with Han characters: no other encoding makes that by chance."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if len(data) >= _MIN_ASCII_BYTES and data.isascii() and _CONTROL.search(text) is None:
        return text
    return text if _CONTROL.search(text) is None and len(_HAN.findall(text, 0, _CLEAR_CHARS)) >= 2 else None


def _begins_as_utf8(data: bytes, failure: int) -> bool:
    """Whether the bytes before `failure` are Chinese in UTF-8. Read as GB18030, damaged UTF-8 may well pass,
    as nonsense."""
    return len(_HAN.findall(data[:failure].decode("utf-8"))) >= 2


def _plausibility(text: str) -> float:
    """The share of `text` that everyday Chinese is made of: the characters of GB2312 and Big5, ASCII, punctuation."""
    everyday = sum(1 for character in text if _EVERYDAY.match(character) or _is_everyday_han(character))
    return everyday / max(1, len(text))


@lru_cache(maxsize=1 << 16)
def _is_everyday_han(character: str) -> bool:
    return any(len(character.encode(encoding, errors="ignore")) == 2 for encoding in ("gb2312", "big5"))


def _unreadable(filename: str, encoding: str, offset: int) -> UnreadableDocument:
    return UnreadableDocument(
        f"“{filename}” is not text in UTF-8, UTF-16 or GB18030/GBK: as {encoding.upper()} it fails at byte {offset}."
        " Save it as UTF-8 and add it again."
    )
