"""How much a cosine means, beside what texts at large are about; and amounts, which no cosine sees."""

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from embeddings import ModelUnavailable, load_embedder, open_collection, read
from embeddings.embedder import BUILTIN_MODEL
from embeddings.space import Space
from make_models import make_embedder

BUILTIN = Path(__file__).parents[1] / "embeddings" / "models" / "builtin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The built-in model without its subjects."""
    copied = tmp_path / "model"
    shutil.copytree(BUILTIN, copied)
    (copied / "subjects.safetensors").unlink()
    return copied


def test_the_built_in_model_knows_subjects_in_its_own_space() -> None:
    embedder = load_embedder(BUILTIN_MODEL)
    assert embedder.subjects.shape == (1_000, embedder.dim)
    assert np.allclose(np.linalg.norm(embedder.subjects, axis=1), 1, atol=1e-5)
    assert Space(embedder).nearest_subject(embedder.subjects[7]) == pytest.approx(1, abs=1e-5)


def test_what_laws_are_about_is_nearer_to_a_subject_than_a_recipe_is() -> None:
    embedder = load_embedder(BUILTIN_MODEL)
    vectors = embedder.encode_queries(["居民委员会选举", "红烧肉要放几勺糖"])
    by_law, by_recipe = (Space(embedder).nearest_subject(vector) for vector in vectors)
    assert by_law > by_recipe


def test_without_subjects_every_question_has_the_usual_one(folder: Path) -> None:
    embedder = load_embedder(str(folder))
    space = Space(embedder)
    assert embedder.subjects.shape == (0, embedder.dim)
    assert len({space.nearest_subject(vector) for vector in embedder.encode_queries(["护照", "校车"])}) == 1


def test_words_are_met_in_the_same_words_or_in_others_like_them() -> None:
    space = Space(load_embedder())
    question = "鞭炮摊点"
    texts = ["整顿鞭炮摊点。", "整顿烟花爆竹零售秩序。", "推进城市安全风险评估。"]
    same, alike, other = space.met(question, texts)
    assert same == pytest.approx(1)
    assert other < alike < same


@pytest.mark.parametrize(("question", "text"), [("", "鞭炮"), ("？！", "鞭炮"), ("鞭炮", ""), ("", "")])
def test_of_no_words_none_are_met(question: str, text: str) -> None:
    assert Space(load_embedder()).met(question, [text]) == [0]


def test_a_model_that_tells_no_words_apart_takes_those_of_the_built_in_one(tmp_path: Path) -> None:
    builtin, other = Space(load_embedder()), Space(load_embedder(str(make_embedder(tmp_path))))
    assert other.met("鞭炮摊点", ["烟花爆竹"]) == builtin.met("鞭炮摊点", ["烟花爆竹"]) > [0]


@pytest.mark.parametrize(
    "tensors",
    [
        {"rows": np.ones((3, 7), np.int8), "scales": np.ones(3, np.float32)},
        {"rows": np.ones((3, 512), np.int8), "scales": np.ones(2, np.float32)},
        {"other": np.ones((3, 512), np.int8)},
    ],
)
def test_subjects_that_do_not_fit_the_model_are_refused_by_name(
    folder: Path, tensors: dict[str, np.ndarray]
) -> None:
    save_file(tensors, folder / "subjects.safetensors")
    with pytest.raises(ModelUnavailable, match=str(folder)):
        load_embedder(str(folder))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("共处罚合计多少家", "8家"),
        ("共处罚合计多少人", "35名"),
        ("共处罚合计多少钱", "120万元"),
    ],
)
def test_an_amount_is_quoted_in_the_unit_that_is_asked_for(tmp_path: Path, question: str, said: str) -> None:
    text = "执法情况通报\n\n" + "\n\n".join(
        f"全市安全生产执法共处罚{whom}合计{amount}，全部录入信用信息平台并在政府网站上向社会公开。"
        for whom, amount in (("单位", "8家"), ("责任人", "35名"), ("款项", "120万元"))
    )
    with closing(open_collection(tmp_path, "default", load_embedder())) as collection:
        collection.add([read(text.encode(), filename="通报.txt")])
        assert said in collection.search(question)[0].quote


def test_words_that_stand_nowhere_are_absent_in_the_order_of_the_question() -> None:
    space = Space(load_embedder())
    absent = space.absent("烟花爆竹怎么储存", ["烟花爆竹经营许可", "禁止燃放烟花爆竹。"])
    assert absent == [["怎么", "储存"], ["怎么", "储存"]]
    assert space.absent("烟花爆竹", ["禁止燃放烟花爆竹。"]) == [[]]


@pytest.mark.parametrize(
    "question", ["甄嬛传的安全检查要求", "嬛", "输入法打不出ü", "🙂 燃气", "\U00020bb7野家检查"]
)
def test_what_no_model_knows_is_asked_for_like_anything(tmp_path: Path, question: str) -> None:
    with closing(open_collection(tmp_path, "default", load_embedder())) as collection:
        collection.add([read("检查通报\n\n安全检查要求企业每月自查。".encode(), filename="通报.txt")])
        assert all(0 <= hit.score <= 1 for hit in collection.search(question, min_score=0.0))
