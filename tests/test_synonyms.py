"""What people say, and what documents say: the list is sound, and questions in other words find what is meant."""

import re
from pathlib import Path

from embeddings import synonyms
from embeddings.synonyms import Synonyms, load_synonyms

_LINES = Path(synonyms.__file__).with_name("synonyms.txt").read_text(encoding="utf-8").splitlines()


def test_every_line_holds_different_words_of_two_to_eight_characters() -> None:
    for line in _LINES:
        words = line.split(" ")
        assert len(words) == len(set(words)) > 1, line
        assert all(re.fullmatch("[\u4e00-\u9fff]{2,8}", word) for word in words), line
    assert len(_LINES) == len(set(_LINES))


def test_the_longest_of_the_words_that_begin_at_a_place_is_found() -> None:
    known = Synonyms(
        {"煤气": ("燃气",), "煤气罐": ("气瓶",), "气罐": ("气瓶",), "爆炸": ("炸药",)}, longest=3
    )
    assert list(known.find("煤气罐爆炸了")) == ["煤气罐", "爆炸"]
    assert list(known.find("煤")) == []


def test_synonyms_are_told_of_each_other() -> None:
    others = load_synonyms().others
    assert "宿舍" in others["寝室"]
    assert "寝室" in others["宿舍"]
