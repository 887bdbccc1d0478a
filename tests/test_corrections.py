"""Slips of typing: corrected where the collection knows better, said so, and never where the question is sound."""

import pytest

from embeddings import Collection
from embeddings.corrections import correct
from embeddings.terms import fold


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("消仿安全", "消防安全"),
        ("隐换排查", "隐患排查"),
        ("群组房怎么管", "群租房怎么管"),
        ("讯期24小时值斑", "汛期24小时值班"),
        ("特种备", "特种设备"),
        ("道跟交通", "道路交通"),
        ("消防安全检杳", None),
        ("燃气领域要求", None),
        ("鲁山火灾死了多少人", None),
        ("红烧肉怎么做", None),
        ("瞒报事故罚多少", None),
        ("亓伟区长的讲话是哪年哪月哪日", None),
    ],
)
def test_a_slip_becomes_the_word_that_the_collection_has(
    collection: Collection, typed: str, meant: str | None
) -> None:
    with collection._storage.snapshot() as snapshot:
        assert correct(fold(typed), snapshot) == meant


def test_what_was_searched_for_is_told(collection: Collection) -> None:
    hit = collection.search("隐换立案制")[0]
    assert hit.quote.startswith("实行隐患立案制")
    assert hit.why.corrected_query == "隐患立案制"


def test_a_question_that_is_answered_well_is_left_as_it_is(collection: Collection) -> None:
    assert collection.search("燃气领域要求")[0].why.corrected_query is None
