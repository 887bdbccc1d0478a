"""The built-in model folder holds what its readers rely on. Read here with tokenizers and safetensors alone."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

_FOLDER = Path(__file__).parents[1] / "embeddings" / "models" / "builtin"
_STATIC = _FOLDER / "0_StaticEmbedding"
_MAX_FOLDER_BYTES = 32_000_000


class _Model:
    def __init__(self) -> None:
        tensors = load_file(_STATIC / "model.safetensors")
        self.rows, self.scales = tensors["embeddings"], tensors["weights"]
        self.tokenizer = Tokenizer.from_file(str(_STATIC / "tokenizer.json"))

    def ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        ids = self.ids(text)
        total = (self.rows[ids] * self.scales[ids, None]).sum(axis=0)
        vector: npt.NDArray[np.float32] = total / max(float(np.linalg.norm(total)), 1e-12)
        return vector

    def cosine(self, one: str, other: str) -> float:
        return float(self.encode(one) @ self.encode(other))


@pytest.fixture(scope="module")
def model() -> _Model:
    return _Model()


def test_the_folder_names_a_static_embedding_and_its_normalization() -> None:
    modules = json.loads((_FOLDER / "modules.json").read_text(encoding="utf-8"))

    assert [module["type"].rsplit(".", 1)[-1] for module in modules] == ["StaticEmbedding", "Normalize"]
    assert _FOLDER / modules[0]["path"] == _STATIC
    assert (_FOLDER / "config_sentence_transformers.json").is_file()


def test_the_folder_carries_a_card_with_its_sources_and_licences() -> None:
    card = (_FOLDER / "README.md").read_text(encoding="utf-8")

    for needed in ("LawRefBook/Laws", "chinese-political-corpora", "STARD", "jieba", "MIT", "nDCG@10"):
        assert needed in card


def test_the_folder_is_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in _FOLDER.rglob("*") if path.is_file()) <= _MAX_FOLDER_BYTES


def test_there_is_one_row_and_one_finite_scale_for_each_token(model: _Model) -> None:
    size = model.tokenizer.get_vocab_size()

    assert model.rows.shape == (size, 512) and model.rows.dtype == np.int8
    assert model.scales.shape == (size,) and model.scales.dtype == np.float32
    assert np.isfinite(model.scales).all() and (model.scales >= 0).all()


@pytest.mark.parametrize(
    ("word", "synonym", "stranger"),
    [
        ("燃气", "煤气", "食品"),
        ("火灾", "失火", "教师"),
        ("暴雨", "降雨", "合同"),
        ("汛期", "洪水", "档案"),
        ("耕地", "农田", "婚姻"),
        ("路灯", "照明", "诉讼"),
    ],
)
def test_synonyms_are_closer_than_strangers(model: _Model, word: str, synonym: str, stranger: str) -> None:
    assert model.cosine(word, synonym) > model.cosine(word, stranger) + 0.2


def test_a_question_finds_the_sentence_that_answers_it(model: _Model) -> None:
    question = "谁负责检查煤气用户的安全"
    answer = "燃气经营者应当定期对燃气用户的燃气使用情况进行入户安全检查"
    other = "学校应当建立健全食品采购和留样制度"

    assert model.cosine(question, answer) > model.cosine(question, other) + 0.2


def test_every_common_character_has_a_token(model: _Model) -> None:
    level_one = [bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    characters = [raw.decode("gb2312", errors="ignore") for raw in level_one]
    vocabulary = model.tokenizer.get_vocab()

    assert [character for character in characters if character and character not in vocabulary] == []


def test_every_ascii_letter_and_digit_has_a_token(model: _Model) -> None:
    assert set("abcdefghijklmnopqrstuvwxyz0123456789") <= set(model.tokenizer.get_vocab())


def test_words_are_found_whole_and_unknown_ones_fall_into_characters(model: _Model) -> None:
    assert model.tokenizer.encode("网格员巡查燃气管道").tokens == ["网格员", "巡查", "燃气管道"]
    assert model.tokenizer.encode("淼圳").tokens == ["淼", "圳"]


def test_punctuation_and_width_make_no_difference(model: _Model) -> None:
    assert model.ids("安全生产,ＡＢ１") == model.ids("安全生产。ab1")


@pytest.mark.parametrize("text", ["", "  \n", "。，！", "\U0001f600\U0001f600"])
def test_a_text_without_known_tokens_has_the_zero_vector(model: _Model, text: str) -> None:
    vector = model.encode(text)

    assert vector.shape == (512,)
    assert not vector.any()


def test_an_unknown_letter_adds_nothing(model: _Model) -> None:
    np.testing.assert_allclose(model.encode("燃气\U00031350"), model.encode("燃气"), atol=1e-6)
