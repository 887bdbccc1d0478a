"""Which passages are read closely: what says a short query word for word is not lost among what is like it."""

import pytest

from embeddings import Collection


@pytest.mark.parametrize("phrase", ["安全生产月", "安全评估", "省安监局", "牵头组织", "24小时值班制度和"])
def test_a_phrase_that_stands_in_one_passage_finds_it(collection: Collection, phrase: str) -> None:
    assert phrase in collection.search(phrase)[0].passage
