"""Folding and counting terms, many texts at once as one by one."""

import numpy as np
import pytest

from embeddings.term_counts import TermCounter
from embeddings.terms import extract_terms, fold, fold_all

TEXTS = [
    "燃气領域，要落實ＧＢ１８０３０",
    "",
    "人人人有責\n人",
    "人",
    "gb18030标准与gb18030",
    "\x00𠀀𝐀\ud800",
]


def test_texts_folded_at_once_are_those_folded_one_by_one() -> None:
    assert fold_all(TEXTS) == [fold(text) for text in TEXTS]
    assert fold_all(["", ""]) == ["", ""]
    assert fold_all([]) == []


@pytest.mark.parametrize("query", ["人人有责", "gb18030标准", "燃气领域要落实", "𠀀", "gb", "〇"])
def test_terms_are_counted_as_they_stand_in_each_text(query: str) -> None:
    terms = list(dict.fromkeys(extract_terms(query)))
    folded = fold_all(TEXTS)
    counts = TermCounter(terms).count(folded)
    for text, of_text in zip(folded, counts, strict=True):
        words = extract_terms(text)
        one_by_one = [text.count(term) if term[0] >= "\u4e00" else words.count(term) for term in terms]
        assert np.array_equal(of_text, one_by_one)


def test_no_text_has_no_counts() -> None:
    assert TermCounter(["人"]).count([]).shape == (0, 1)
    assert TermCounter([]).count(["人"]).shape == (1, 0)
