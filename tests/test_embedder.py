"""Every way to run a model folder gives what sentence-transformers gives."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

from embeddings import BUILTIN_MODEL, Embedder, ModelUnavailable, load_embedder
from embeddings.embedder import OnnxEmbedder, SentenceTransformerEmbedder, StaticEmbedder, load_builtin
from embeddings.model_folder import ModelFolder, batches_by_length, onnx_names
from make_models import (
    PROMPTS,
    VOCABULARY,
    add_graph,
    add_graphs,
    change,
    copy_in_full_precision,
    copy_with_graphs,
    make_embedder,
    make_reranker,
    make_tokenizer,
    save_bert_tokenizer,
)

TEXTS = ["燃气领域要求", "", "消防安全，要加强检查。" * 20, "○○", "a1 2021年AB"]


@pytest.fixture(scope="module")
def on_torch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without a graph; not to be changed."""
    return make_embedder(tmp_path_factory.mktemp("torch"))


@pytest.fixture(scope="module")
def with_graphs(on_torch: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with both graphs; not to be changed."""
    return copy_with_graphs(on_torch, tmp_path_factory.mktemp("onnx") / "model")


@pytest.fixture
def folder(with_graphs: Path, tmp_path: Path) -> Path:
    """The same with the graph in full precision, to be changed."""
    return copy_in_full_precision(with_graphs, tmp_path / "model")


def assert_as_sentence_transformers(embedder: Embedder, folder: Path) -> None:
    assert isinstance(embedder, OnnxEmbedder)
    model = SentenceTransformer(str(folder), device="cpu")
    for encode, expected in [
        (embedder.encode_queries, model.encode_query(TEXTS, normalize_embeddings=True)),
        (embedder.encode_passages, model.encode_document(TEXTS, normalize_embeddings=True)),
    ]:
        np.testing.assert_allclose(encode(TEXTS), expected, atol=1e-5)


def test_the_builtin_model_equals_sentence_transformers() -> None:
    embedder = load_embedder()
    folder = Path(sys.modules["embeddings"].__file__ or "").parent / "models" / BUILTIN_MODEL
    expected = SentenceTransformer(str(folder), device="cpu").encode(TEXTS)
    assert isinstance(embedder, StaticEmbedder)
    np.testing.assert_allclose(embedder.encode_passages(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("truncate_dim", [None, 12])
@pytest.mark.parametrize("has_normalize", [True, False])
def test_a_static_folder_with_prompts_equals_sentence_transformers(
    tmp_path: Path, has_normalize: bool, truncate_dim: int | None
) -> None:
    static = StaticEmbedding(make_tokenizer(), embedding_dim=16)
    model = SentenceTransformer(
        modules=[static, Normalize()] if has_normalize else [static],
        prompts=PROMPTS,
        device="cpu",
        truncate_dim=truncate_dim,
    )
    model.save(str(tmp_path))
    embedder = load_embedder(str(tmp_path))
    assert isinstance(embedder, StaticEmbedder)
    assert embedder.dim == (truncate_dim or 16)
    expected = model.encode_query(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(embedder.encode_queries(TEXTS), expected, atol=1e-5)
    expected = model.encode_document(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(embedder.encode_passages(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "lasttoken"])
def test_a_transformer_gives_the_same_on_torch_and_on_onnx(folder: Path, pooling: str) -> None:
    change(folder / "1_Pooling/config.json", pooling_mode=pooling)
    embedder = load_embedder(str(folder))
    assert_as_sentence_transformers(embedder, folder)
    assert embedder.dim == 32
    assert not np.allclose(embedder.encode_queries(TEXTS), embedder.encode_passages(TEXTS), atol=1e-3)


@pytest.mark.parametrize(
    "flag", ["pooling_mode_cls_token", "pooling_mode_max_tokens", "pooling_mode_lasttoken"]
)
def test_pooling_is_read_from_older_folders(folder: Path, flag: str) -> None:
    flags = {"pooling_mode_mean_tokens": False, flag: True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **flags}))
    assert_as_sentence_transformers(load_embedder(str(folder)), folder)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_and_cutting_are_on_the_side_that_the_folder_says(folder: Path, side: str) -> None:
    change(folder / "tokenizer_config.json", padding_side=side, truncation_side=side)
    change(folder / "1_Pooling/config.json", pooling_mode="cls")
    assert_as_sentence_transformers(load_embedder(str(folder)), folder)


def test_a_text_is_cut_where_the_folder_says(folder: Path) -> None:
    change(folder / "sentence_bert_config.json", max_seq_length=6)
    embedder = load_embedder(str(folder))
    assert_as_sentence_transformers(embedder, folder)
    change(folder / "config_sentence_transformers.json", prompts={})
    long, longer = load_embedder(str(folder)).encode_passages(["燃气安全消防加强", "燃气安全检查段落，"])
    np.testing.assert_allclose(long, longer, atol=1e-6)


@pytest.mark.parametrize(("stated", "positions"), [(10, 64), (10_000, 64), (10**30, 64)])
def test_a_text_is_never_longer_than_the_positions(folder: Path, stated: int, positions: int) -> None:
    change(folder / "tokenizer_config.json", model_max_length=stated)
    cut = ModelFolder(folder).tokenizer().encode("燃" * 100)
    assert len(cut.ids) == min(stated, positions)
    assert_as_sentence_transformers(load_embedder(str(folder)), folder)


def test_lower_case_is_as_the_folder_says(folder: Path) -> None:
    before = load_embedder(str(folder)).encode_passages(["AB"])
    change(folder / "sentence_bert_config.json", do_lower_case=True)
    embedder = load_embedder(str(folder))
    assert_as_sentence_transformers(embedder, folder)
    np.testing.assert_allclose(embedder.encode_passages(["AB"]), embedder.encode_passages(["ab"]), atol=1e-6)
    assert not np.allclose(embedder.encode_passages(["AB"]), before, atol=1e-3)


@pytest.mark.parametrize("do_lower_case", [True, False])
def test_settings_of_the_tokenizer_count_more_than_its_file(folder: Path, do_lower_case: bool) -> None:
    save_bert_tokenizer(folder)
    change(folder / "tokenizer_config.json", do_lower_case=do_lower_case)
    embedder = load_embedder(str(folder))
    assert_as_sentence_transformers(embedder, folder)
    upper, lower = embedder.encode_passages(["A B燃", "a b燃"])
    assert np.allclose(upper, lower, atol=1e-6) == do_lower_case


@pytest.mark.parametrize("has_graph", [True, False])
def test_vectors_are_cut_to_the_dimension_that_the_folder_says(
    folder: Path, on_torch: Path, tmp_path: Path, has_graph: bool
) -> None:
    if not has_graph:
        folder = tmp_path / "without"
        shutil.copytree(on_torch, folder)
    change(folder / "config_sentence_transformers.json", truncate_dim=8)
    embedder = load_embedder(str(folder))
    model = SentenceTransformer(str(folder), device="cpu")
    expected = model.encode_document(TEXTS, normalize_embeddings=True)
    assert embedder.dim == 8
    np.testing.assert_allclose(embedder.encode_passages(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("prompts", "default", "query", "passage"),
    [
        ({"query": "要求：", "document": "段落："}, None, "要求：", "段落："),
        ({"query": "要求：", "passage": "段落："}, None, "要求：", "段落："),
        ({"query": "要求：", "document": "", "passage": "段落："}, None, "要求：", "段落："),
        ({"query": "要求："}, "query", "要求：", ""),
        ({"any": "安全："}, "any", "安全：", "安全："),
        ({"query": "", "document": "", "any": "安全："}, "any", "", ""),
        ({}, None, "", ""),
    ],
)
def test_prompts_are_the_models_own_on_torch_and_on_onnx(
    folder: Path, prompts: dict[str, str], default: str | None, query: str, passage: str
) -> None:
    change(folder / "config_sentence_transformers.json", prompts=prompts, default_prompt_name=default)
    model = SentenceTransformer(str(folder), device="cpu")
    on_onnx, texts = load_embedder(str(folder)), TEXTS[:1]
    on_torch = SentenceTransformerEmbedder(ModelFolder(folder), label="model")
    for embedder in (on_onnx, on_torch):
        expected = model.encode(texts, prompt=query, normalize_embeddings=True)
        np.testing.assert_allclose(embedder.encode_queries(texts), expected, atol=1e-5)
        expected = model.encode(texts, prompt=passage, normalize_embeddings=True)
        np.testing.assert_allclose(embedder.encode_passages(texts), expected, atol=1e-5)


def test_what_onnx_does_not_know_is_run_by_torch(folder: Path) -> None:
    unknown: list[tuple[str, dict[str, Any]]] = [
        ("1_Pooling/config.json", {"pooling_mode": "weightedmean"}),
        ("1_Pooling/config.json", {"pooling_mode": ["cls", "mean"]}),
        ("1_Pooling/config.json", {"pooling_mode": "mean", "include_prompt": False}),
        ("sentence_bert_config.json", {"document_length": 12}),
    ]
    for file, settings in unknown:
        change(folder / file, **settings)
        embedder = load_embedder(str(folder))
        assert isinstance(embedder, SentenceTransformerEmbedder)
        expected = SentenceTransformer(str(folder), device="cpu").encode_document(
            TEXTS, normalize_embeddings=True
        )
        np.testing.assert_allclose(embedder.encode_passages(TEXTS), expected, atol=1e-5)


def test_a_projection_after_the_pooling_is_run_by_torch(tmp_path: Path) -> None:
    folder = make_embedder(tmp_path, after=(Dense(32, 12),))
    add_graphs(folder)
    embedder = load_embedder(str(folder))
    assert isinstance(embedder, SentenceTransformerEmbedder)
    assert embedder.encode_passages(TEXTS).shape == (len(TEXTS), embedder.dim) == (len(TEXTS), 12)


def test_a_graph_that_wants_more_than_text_is_left_to_torch(folder: Path) -> None:
    add_graph(folder / "onnx" / "model.onnx", inputs=["input_ids", "attention_mask", "past_key_values.0.key"])
    assert isinstance(load_embedder(str(folder)), SentenceTransformerEmbedder)


def test_a_quantised_graph_is_taken_first_and_is_close(with_graphs: Path, on_torch: Path) -> None:
    quantised, exact = load_embedder(str(with_graphs)), load_embedder(str(on_torch))
    assert isinstance(quantised, OnnxEmbedder)
    vectors = quantised.encode_passages(TEXTS), exact.encode_passages(TEXTS)
    assert ((vectors[0] * vectors[1]).sum(axis=1) > 0.98).all()
    assert not np.allclose(*vectors, atol=1e-5)


def test_weights_in_full_precision_are_one_space_and_quantised_ones_another(
    folder: Path, with_graphs: Path, on_torch: Path
) -> None:
    on_onnx, quantised, plain = (load_embedder(str(path)).id for path in (folder, with_graphs, on_torch))
    assert on_onnx == plain != quantised


def test_other_settings_are_another_space(folder: Path) -> None:
    before = load_embedder(str(folder)).id
    change(folder / "1_Pooling/config.json", pooling_mode="cls")
    assert load_embedder(str(folder)).id != before


@pytest.mark.parametrize(
    ("machine", "flags", "best"),
    [
        ("x86_64", "avx2 avx512f avx512_vnni", "model_qint8_avx512_vnni"),
        ("x86_64", "avx2 avx_vnni", "model_qint8_avx512_vnni"),
        ("x86_64", "avx2 avx512f", "model_qint8_avx512"),
        ("x86_64", "avx2", "model_quint8_avx2"),
        ("aarch64", "asimd", "model_qint8_arm64"),
        ("arm64", "", "model_qint8_arm64"),
    ],
)
def test_the_graph_suits_the_cpu(machine: str, flags: str, best: str) -> None:
    names = onnx_names(machine, frozenset(flags.split()))
    assert names[0] == best
    assert names[-1] == "model"
    assert ("model_quint8_avx2" in names) == (machine == "x86_64")


def test_texts_come_back_in_their_order_whatever_their_lengths(folder: Path) -> None:
    embedder = load_embedder(str(folder))
    texts = ["燃气安全"[: 1 + n % 4] * (1 + n % 7) for n in range(70)]
    alone = np.vstack([embedder.encode_passages([text]) for text in texts])
    np.testing.assert_allclose(embedder.encode_passages(texts), alone, atol=1e-5)


def test_a_batch_holds_texts_of_about_one_length() -> None:
    lengths = [1, 100] * 40
    batches = list(batches_by_length(lengths))
    assert sorted(row for batch in batches for row in batch) == list(range(80))
    assert [len({lengths[row] for row in batch}) for batch in batches] == [1, 2, 1]


@pytest.mark.parametrize("kind", ["builtin", "onnx", "torch"])
def test_one_text_or_none_is_a_two_dimensional_array(kind: str, with_graphs: Path, on_torch: Path) -> None:
    embedder = load_embedder(
        {"builtin": BUILTIN_MODEL, "onnx": str(with_graphs), "torch": str(on_torch)}[kind]
    )
    assert embedder.encode_queries([]).shape == (0, embedder.dim)
    one = embedder.encode_queries(["燃气"])
    assert one.shape == (1, embedder.dim)
    assert one.dtype == np.float32
    assert np.linalg.norm(one) == pytest.approx(1.0, abs=1e-5)


def test_a_text_of_nothing_known_is_a_row_of_zeros() -> None:
    assert not load_embedder().encode_queries([""]).any()


def test_a_name_is_found_in_the_cache_of_the_hub_without_a_network(
    with_graphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tmp_path / "models--example--small"
    shutil.copytree(with_graphs, cached / "snapshots" / ("0" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("the network is asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    embedder = load_embedder("example/small")
    assert embedder.id.startswith("small@")
    expected = load_embedder(str(with_graphs)).encode_queries(TEXTS)
    np.testing.assert_array_equal(embedder.encode_queries(TEXTS), expected)


@pytest.mark.parametrize("is_broken_off", [True, False])
def test_a_model_that_cannot_be_had_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_broken_off: bool
) -> None:
    if is_broken_off:
        snapshot = tmp_path / "models--example--no-such-model" / "snapshots" / ("0" * 40)
        snapshot.mkdir(parents=True)
        (snapshot / "modules.json").write_text("[]")
        (snapshot.parent.parent / "refs").mkdir()
        (snapshot.parent.parent / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ModelUnavailable, match=r"“example/no-such-model”.*hf download.*path.*mirror.*built-in"
    ):
        load_embedder("example/no-such-model")


def test_a_folder_that_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=str(tmp_path)):
        load_embedder(str(tmp_path))


def test_a_reranker_is_no_embedder(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="WENYUAN_RERANKER"):
        load_embedder(str(make_reranker(tmp_path)))


@pytest.mark.parametrize(
    "file", ["modules.json", "tokenizer.json", "onnx/model.onnx", "1_Pooling/config.json"]
)
@pytest.mark.parametrize("content", ["", "{}", "[1]", '"text"', "null"])
def test_a_damaged_folder_is_refused_by_name(folder: Path, file: str, content: str) -> None:
    (folder / file).write_text(content)
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load_embedder(str(folder))


def test_the_same_folder_elsewhere_is_the_same_space_and_other_weights_are_not(tmp_path: Path) -> None:
    for name in ["a/model", "b/model", "c/model"]:
        weights = np.full((len(VOCABULARY), 8), float(name[0] == "c"), np.float32)
        static = StaticEmbedding(make_tokenizer(), embedding_weights=weights)
        SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path / name))
    ids = [load_embedder(str(tmp_path / name)).id for name in ["a/model", "b/model", "c/model"]]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("name", [BUILTIN_MODEL, "with graphs"])
def test_a_model_that_needs_no_torch_does_not_import_it(name: str, with_graphs: Path) -> None:
    model = str(with_graphs) if name != BUILTIN_MODEL else name
    code = (
        "import sys, embeddings; embeddings.load_embedder(sys.argv[1]).encode_queries(['燃气']);"
        " print('torch' in sys.modules, 'onnxruntime' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code, model], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", str(name != BUILTIN_MODEL)]


def test_a_built_in_model_that_is_not_whole_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embeddings.embedder._BUILTIN_FOLDER", tmp_path)
    load_builtin.cache_clear()
    with pytest.raises(ModelUnavailable, match="builtin"):
        load_embedder()
