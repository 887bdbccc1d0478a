"""Text to lexical terms, and the folding that makes one text of its spellings.

Characters and character pairs beat words on every set measured, with no dictionary and no unknown words.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise
from operator import add

import numpy as np
import opencc

_HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_IS_HAN = re.compile(f"[{_HAN}]")
_RUN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")


# Forms of characters that the conversion of traditional ones does not know.
_VARIANTS = str.maketrans(
    "衞硏淸靑槪隷敍囯讐値戯鄕尙郞緖晩隣凖厰彊汚吿竃愼塡顚寜寕羙緫搃甦囘廻擕徧"
    "偪喩逈槀稾劵剏刱剙効欵痺痲憇躭躱躶鑛砲礮廐廵廹関闗隄雑飜飮鬪鬭験騐黙龎",
    "卫研清青概隶叙国仇值戏乡尚郎绪晚邻准厂强污告灶慎填颠宁宁美总总苏回回携遍"
    "逼喻迥稿稿券创创创效款痹麻憩耽躲裸矿炮炮厩巡迫关关堤杂翻饮斗斗验验默庞",
)


class _Folding(dict[int, int]):
    """Code point -> folded code point, filled as characters are met."""

    def __missing__(self, code_point: int) -> int:
        if 0xD800 <= code_point < 0xE000:
            return code_point
        folded = unicodedata.normalize("NFKC", chr(code_point)).lower().translate(_VARIANTS)
        simplified = _simplifier().convert(folded) if len(folded) == 1 else ""
        self[code_point] = ord(simplified) if len(simplified) == 1 else code_point
        return self[code_point]


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


_folding = _Folding()
# The same as an array, each one more than it is; 0 where it has not been met.
_folded_codes = np.zeros(0x110000, "<u4")


def fold(text: str) -> str:
    """`text` in simplified characters, half width and lower case, each code point in its place."""
    return text.translate(_folding)


def fold_all(texts: Sequence[str]) -> list[str]:
    """Each of `texts` folded, all at once: ten times quicker than one after the other."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
    folded = _folded_codes[codes]
    if not folded.all():
        new = np.unique(codes[folded == 0])
        _folded_codes[new] = [_folding[code_point] + 1 for code_point in new.tolist()]
        folded = _folded_codes[codes]
    whole = (folded - 1).tobytes().decode("utf-32-le", "surrogatepass")
    return [whole[start:end] for start, end in pairwise([0, *accumulate(map(len, texts))])]


def term_runs(folded: str) -> list[str]:
    """The runs of Han characters, and of other letters and digits, in a folded text."""
    return _RUN.findall(folded)


def extract_terms(text: str) -> list[str]:
    """The lexical terms of `text`, in order, with repeats: every Han character and every pair of neighbours,
    every whole run of other letters and digits."""
    return join_terms(fold(text)).split()


def join_terms(folded: str) -> str:
    """The lexical terms of a folded text with one blank between them."""
    parts: list[str] = []
    for run in _RUN.findall(folded):
        if _IS_HAN.match(run):
            parts.extend(run)
            parts.extend(map(add, run, run[1:]))
        else:
            parts.append(run)
    return " ".join(parts)


def hash_term(term: str) -> int:
    """32 bits that stand for `term` in tables."""
    return zlib.crc32(term.encode("utf-8", "surrogatepass"))


def is_han(character: str) -> bool:
    return _IS_HAN.match(character) is not None
