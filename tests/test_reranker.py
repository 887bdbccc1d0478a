"""A CrossEncoder orders what the ranking found, and never decides whether there is an answer."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from fastapi.testclient import TestClient
from sentence_transformers import CrossEncoder

from api.app import create_app
from api.library import Library
from api.settings import Settings
from embeddings import (
    Collection,
    ModelUnavailable,
    Reranker,
    Reranking,
    load_embedder,
    load_reranker,
    open_collection,
    read,
)
from embeddings.reranker import CrossEncoderReranker, OnnxReranker
from make_models import (
    add_graphs,
    change,
    copy_in_full_precision,
    copy_with_graphs,
    make_embedder,
    make_reranker,
    save_tokenizer,
)

QUERY = "燃气安全"
PASSAGES = ["燃气领域，要加强检查。", "", "消防安全" * 40, "要求：a1 2年"]
GAS = "燃气领域要求"
NONSENSE = "红烧肉怎么做"


@pytest.fixture(scope="module")
def on_torch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without a graph; not to be changed."""
    return make_reranker(tmp_path_factory.mktemp("torch"))


@pytest.fixture(scope="module")
def with_graphs(on_torch: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with both graphs; not to be changed."""
    return copy_with_graphs(on_torch, tmp_path_factory.mktemp("onnx") / "model")


@pytest.fixture
def folder(with_graphs: Path, tmp_path: Path) -> Path:
    """The same with the graph in full precision, to be changed."""
    return copy_in_full_precision(with_graphs, tmp_path / "model")


def sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    scores = 1 / (1 + np.exp(-logits))
    return scores.astype(np.float32)


def logits_of_sentence_transformers(folder: Path) -> npt.NDArray[np.float32]:
    model: Any = CrossEncoder(str(folder), device="cpu")
    logits: npt.NDArray[np.float32] = model.predict(
        [(QUERY, passage) for passage in PASSAGES], activation_fn=torch.nn.Identity()
    )
    return logits


def test_torch_and_onnx_give_what_sentence_transformers_gives(folder: Path) -> None:
    expected = sigmoid(logits_of_sentence_transformers(folder))
    on_onnx, on_torch = load_reranker(str(folder)), CrossEncoderReranker(folder)
    assert isinstance(on_onnx, OnnxReranker)
    for reranker in (on_onnx, on_torch):
        scores = reranker.score(QUERY, PASSAGES)
        np.testing.assert_allclose(scores, expected, atol=1e-5)
        assert scores.dtype == np.float32
        assert reranker.score(QUERY, []).shape == (0,)
    assert np.ptp(expected) > 0.01


def test_pairs_are_cut_where_the_folder_says(folder: Path) -> None:
    change(folder / "tokenizer_config.json", model_max_length=12)
    scores = load_reranker(str(folder)).score(QUERY, PASSAGES)
    np.testing.assert_allclose(scores, sigmoid(logits_of_sentence_transformers(folder)), atol=1e-5)


@pytest.mark.parametrize("is_stated", [True, False])
def test_a_tokenizer_that_does_not_tell_texts_apart_is_believed(folder: Path, is_stated: bool) -> None:
    if is_stated:
        change(folder / "tokenizer_config.json", model_input_names=["input_ids", "attention_mask"])
    else:
        save_tokenizer(folder)
    reranker = load_reranker(str(folder))
    assert isinstance(reranker, OnnxReranker)
    expected = sigmoid(logits_of_sentence_transformers(folder))
    np.testing.assert_allclose(reranker.score(QUERY, PASSAGES), expected, atol=1e-5)


def test_a_prompt_is_left_to_torch(folder: Path) -> None:
    plain = load_reranker(str(folder)).score(QUERY, PASSAGES)
    change(
        folder / "config_sentence_transformers.json",
        prompts={"task": "检查段落："},
        default_prompt_name="task",
    )
    scores = load_reranker(str(folder)).score(QUERY, PASSAGES)
    np.testing.assert_allclose(scores, sigmoid(logits_of_sentence_transformers(folder)), atol=1e-5)
    assert not np.allclose(scores, plain, atol=1e-3)


def test_a_quantised_graph_is_taken_first_and_is_close(with_graphs: Path, on_torch: Path) -> None:
    quantised, exact = load_reranker(str(with_graphs)), load_reranker(str(on_torch))
    assert isinstance(quantised, OnnxReranker)
    assert isinstance(exact, CrossEncoderReranker)
    scores = quantised.score(QUERY, PASSAGES), exact.score(QUERY, PASSAGES)
    np.testing.assert_allclose(*scores, atol=0.1)
    assert not np.allclose(*scores, atol=1e-6)


def test_passages_come_back_in_their_order_whatever_their_lengths(folder: Path) -> None:
    passages = ["燃气安全"[: 1 + n % 4] * (1 + n % 7) for n in range(70)]
    reranker = load_reranker(str(folder))
    alone = np.concatenate([reranker.score(QUERY, [passage]) for passage in passages])
    np.testing.assert_allclose(reranker.score(QUERY, passages), alone, atol=1e-5)


@pytest.mark.parametrize("has_graph", [True, False])
def test_a_model_without_sigmoid_is_brought_to_0_to_1(tmp_path: Path, has_graph: bool) -> None:
    folder = make_reranker(tmp_path, activation=torch.nn.Identity())
    if has_graph:
        add_graphs(folder)
        (folder / "onnx" / "model_quantized.onnx").unlink()
    scores = load_reranker(str(folder)).score(QUERY, PASSAGES)
    np.testing.assert_allclose(scores, sigmoid(logits_of_sentence_transformers(folder)), atol=1e-5)


def test_what_is_no_reranker_is_refused_by_name_with_the_remedy(tmp_path: Path) -> None:
    embedder = make_embedder(tmp_path / "embedder")
    labels = make_reranker(tmp_path / "labels", labels=3)
    tanh = make_reranker(tmp_path / "tanh", activation=torch.nn.Tanh())
    (tmp_path / "empty").mkdir()
    for folder, reason in [
        (embedder, "no CrossEncoder"),
        (labels, "3 labels"),
        (tanh, "Tanh"),
        (tmp_path / "empty", "no CrossEncoder"),
    ]:
        with pytest.raises(ModelUnavailable, match=f"{folder.name}”.*{reason}.*WENYUAN_RERANKER"):
            load_reranker(str(folder))
    add_graphs(labels)
    with pytest.raises(ModelUnavailable, match="3 labels"):
        load_reranker(str(labels))


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("config_sentence_transformers.json", {"activation_fn": "torch.nn.modules.activation.Tanh"}),
        ("config.json", {"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Tanh"}}),
        ("config.json", {"sbert_ce_default_activation_function": "torch.nn.modules.activation.Tanh"}),
    ],
)
def test_the_activation_is_read_wherever_it_was_kept(
    folder: Path, file: str, settings: dict[str, Any]
) -> None:
    change(folder / "config_sentence_transformers.json", activation_fn=None)
    assert isinstance(load_reranker(str(folder)), OnnxReranker)
    change(folder / file, **settings)
    with pytest.raises(ModelUnavailable, match="Tanh"):
        load_reranker(str(folder))


def test_a_folder_of_before_sentence_transformers_had_a_list_of_modules_is_read(folder: Path) -> None:
    expected = load_reranker(str(folder)).score(QUERY, PASSAGES)
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (folder / name).unlink()
    reranker = load_reranker(str(folder))
    assert isinstance(reranker, OnnxReranker)
    np.testing.assert_allclose(reranker.score(QUERY, PASSAGES), expected, atol=1e-6)


def test_one_that_cannot_be_had_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelUnavailable, match=r"“example/none”.*hf download.*WENYUAN_RERANKER unset"):
        load_reranker("example/none")


class Opinion:
    """Scores a passage by the first of `words` that is in it."""

    def __init__(self, words: dict[str, float], otherwise: float) -> None:
        self._words = words
        self._otherwise = otherwise
        self.asked: list[str] = []

    def score(self, _query: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += passages
        scores = [
            next((score for word, score in self._words.items() if word in passage), self._otherwise)
            for passage in passages
        ]
        return np.array(scores, dtype=np.float32)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory, seed_files: list[Path]) -> Path:
    folder = tmp_path_factory.mktemp("seeds")
    with closing(open_collection(folder, "default", load_embedder())) as collection:
        collection.add([read(path.read_bytes(), filename=path.name) for path in seed_files])
    return folder


@contextmanager
def judged(folder: Path, reranker: Reranker | None, hits: int = 30) -> Iterator[Collection]:
    reranking = Reranking(reranker, hits) if reranker else None
    with closing(
        open_collection(folder, "default", load_embedder(), read_only=True, reranking=reranking)
    ) as collection:
        yield collection


def test_a_sure_reranker_changes_the_order_and_the_scores_follow(seeds: Path) -> None:
    with judged(seeds, None) as plain:
        before = plain.search(GAS, top_k=5, min_score=0.0)
    wanted = before[2].quote
    with judged(seeds, Opinion({wanted: 0.999}, otherwise=0.01)) as collection:
        after = collection.search(GAS, top_k=5, min_score=0.0)
    assert after[0].quote == wanted
    assert after[0].why.rerank_score == pytest.approx(0.999)
    assert [hit.rank for hit in after] == [1, 2, 3, 4, 5]
    scores = [hit.score for hit in after]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)


def test_the_score_is_the_mean_of_two_logits(seeds: Path) -> None:
    with judged(seeds, None) as plain:
        before = plain.search(GAS, top_k=30)[0]
    with judged(seeds, Opinion({before.quote: 0.9}, otherwise=0.0)) as collection:
        (after,) = collection.search(GAS, top_k=1)
    odds = (before.score / (1 - before.score) * 0.9 / 0.1) ** 0.5
    assert after.score == pytest.approx(odds / (1 + odds), abs=1e-6)
    assert replace(after, score=before.score, why=before.why) == before


@pytest.mark.parametrize("opinion", [0.0, 0.5, 1.0])
def test_a_reranker_that_does_not_know_leaves_the_order(seeds: Path, opinion: float) -> None:
    with judged(seeds, None) as plain, judged(seeds, Opinion({}, otherwise=opinion)) as collection:
        before, after = plain.search(GAS, top_k=30), collection.search(GAS, top_k=10)
    assert [hit.quote_span for hit in after] == [hit.quote_span for hit in before[:10]]


@pytest.mark.parametrize("opinion", [0.0, 1.0])
def test_whether_anything_answers_is_not_asked_of_it(seeds: Path, opinion: float) -> None:
    with judged(seeds, Opinion({}, otherwise=opinion)) as collection:
        assert collection.search(NONSENSE) == []
        assert collection.search(GAS) != []


def test_a_least_score_is_of_both_opinions(seeds: Path) -> None:
    with judged(seeds, None) as plain:
        before = plain.search(GAS, top_k=5, min_score=0.0)
    with judged(seeds, Opinion({before[-1].quote: 0.9999}, otherwise=0.0001)) as collection:
        after = collection.search(GAS, top_k=5, min_score=0.5)
        everything = collection.search(GAS, top_k=5, min_score=0.0)
    assert [hit.quote for hit in after] == [before[-1].quote]
    assert len(everything) == 5


def test_only_the_best_hits_are_judged_and_the_others_stay_behind(seeds: Path) -> None:
    opinion = Opinion({}, otherwise=0.001)
    with judged(seeds, None) as plain, judged(seeds, opinion, hits=3) as collection:
        before, after = (one.search(GAS, top_k=8, min_score=0.0) for one in (plain, collection))
    assert len(opinion.asked) == 3
    assert [hit.quote_span for hit in after] == [hit.quote_span for hit in before]
    assert [hit.why.rerank_score is None for hit in after] == [False] * 3 + [True] * 5
    assert all(hit.score >= follower.score for hit, follower in pairwise(after))


def test_it_reads_the_quote_under_its_headings(seeds: Path) -> None:
    opinion = Opinion({}, otherwise=0.5)
    with judged(seeds, opinion, hits=1) as collection:
        (hit,) = collection.search(GAS, top_k=1)
    assert opinion.asked == ["\n".join([hit.source.title, *hit.source.outline, hit.quote])]


def test_a_leg_alone_and_an_order_by_date_are_not_judged(seeds: Path) -> None:
    opinion = Opinion({}, otherwise=0.5)
    with judged(seeds, opinion) as collection:
        assert collection.search(GAS, legs="lexical")
        assert collection.search(GAS, newest_first=True)
    assert opinion.asked == []


@contextmanager
def serving(settings: Settings) -> Iterator[TestClient]:
    with closing(Library(settings)) as library:
        library.open()
        yield TestClient(create_app(settings, library))


@pytest.fixture
def data(seeds: Path, tmp_path: Path) -> Path:
    shutil.copytree(seeds, tmp_path / "data" / "default")
    return tmp_path / "data"


def test_a_reranker_of_the_settings_is_asked_over_http(data: Path, with_graphs: Path) -> None:
    reranker = load_reranker(str(with_graphs))
    with serving(Settings(data_dir=data, reranker=str(with_graphs), rerank_hits=4)) as client:
        hits = client.post("/search", json={"query": GAS, "top_k": 5, "min_score": 0}).json()["hits"]
        body = {"query": QUERY, "documents": PASSAGES}
        reply = client.post("/v1/rerank", json=body).json()
    assert [hit["why"]["rerank_score"] is None for hit in hits] == [False] * 4 + [True]
    expected = reranker.score(QUERY, PASSAGES)
    assert reply["model"] == with_graphs.name
    assert [result["index"] for result in reply["results"]] == np.argsort(-expected).tolist()
    for result in reply["results"]:
        assert result["relevance_score"] == pytest.approx(expected[result["index"]], abs=1e-5)


def test_without_one_no_hit_has_its_score_and_nothing_is_loaded(data: Path) -> None:
    with serving(Settings(data_dir=data)) as client:
        hits = client.post("/search", json={"query": GAS}).json()["hits"]
    assert {hit["why"]["rerank_score"] for hit in hits} == {None}
    code = (
        "import sys; from api.library import Library; from api.settings import Settings; library = Library(Settings());"
        " library.open(); library.collection().search('燃气');"
        " print([name for name in ('torch', 'onnxruntime', 'sentence_transformers', 'huggingface_hub')"
        " if name in sys.modules])"
    )
    environment = {"WENYUAN_DATA_DIR": str(data), "PYTHONPATH": str(Path(__file__).parent.parent)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["search", GAS], ["mcp"]])
def test_a_bad_reranker_is_told_at_the_start(data: Path, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "no-reranker").mkdir()
    environment = {
        "WENYUAN_RERANKER": str(tmp_path / "no-reranker"),
        "WENYUAN_DATA_DIR": str(data),
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "HOME": str(tmp_path),
    }
    code = "from api.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, env=environment, timeout=120
    )
    assert result.returncode == 1
    assert "no-reranker" in result.stderr
    assert "WENYUAN_RERANKER" in result.stderr
    assert "Traceback" not in result.stderr
