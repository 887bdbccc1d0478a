"""Imports point one way, and heavy libraries are imported in one place each."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import embeddings

ROOT = Path(__file__).parent.parent
LAYERS = [
    {"types", "errors", "terms", "synonyms"},
    {
        "splitting",
        "commonness",
        "attributes",
        "resemblance",
        "letters",
        "dialogue",
        "term_counts",
        "answer_types",
        "definitions",
        "regions",
    },
    {"chrome", "outline", "filters", "model_folder"},
    {"letterhead", "onnx_graph", "place_questions"},
    {"structure", "embedder", "reranker", "seeds"},
    {"readers", "storage", "space"},
    {"local", "queries", "outlined", "sources", "provisions"},
    {"fusion", "retelling"},
    {"weights"},
    {"ranking", "drafts", "corrections", "literals", "place_matching", "consequences", "whole_quotes"},
    {"places"},
    {"asking"},
    {"collection"},
    {"folders", "evaluation"},
    {"__init__"},
]
MODELS = {
    "embeddings/embedder.py",
    "embeddings/reranker.py",
    "scripts/bench_models.py",
    "scripts/export_onnx.py",
}
HOMES = {
    "faiss": {"embeddings/local"},
    "sqlite3": {"embeddings/local"},
    "tantivy": {"embeddings/local"},
    "torch": {*MODELS, "scripts/train_model.py", "scripts/training"},
    "sentence_transformers": {*MODELS, "scripts/train_model.py", "scripts/training"},
    "onnxruntime": {"embeddings/onnx_graph.py", "scripts/export_onnx.py"},
    "fastapi": {"api"},
    "opencc": {"embeddings/terms.py"},
    "rapidfuzz": {"embeddings/drafts", "scripts/drafting"},
}


def sources() -> list[Path]:
    return sorted(
        path for folder in ("embeddings", "api", "scripts") for path in (ROOT / folder).rglob("*.py")
    )


def imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Module and names of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]


def room(path: Path) -> str:
    return path.relative_to(ROOT / "embeddings").parts[0].removesuffix(".py")


def test_every_room_of_the_library_has_its_layer() -> None:
    rooms = {room(path) for path in (ROOT / "embeddings").rglob("*.py")}
    assert rooms == set().union(*LAYERS)


def test_the_library_imports_downwards_and_never_the_skin() -> None:
    layer = {name: depth for depth, names in enumerate(LAYERS) for name in names}
    for path in (ROOT / "embeddings").rglob("*.py"):
        for module, _ in imports(path):
            assert not module.startswith("api"), path
            if module.startswith("embeddings."):
                imported = module.split(".")[1]
                assert imported == room(path) or layer[imported] < layer[room(path)], (path, module)


def test_the_skin_uses_only_what_the_library_offers() -> None:
    for path in (ROOT / "api").rglob("*.py"):
        for module, names in imports(path):
            assert not module.startswith("embeddings."), path
            if module == "embeddings":
                assert set(names) <= set(embeddings.__all__), path


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_heavy_library_is_imported_in_its_home_only(library: str) -> None:
    for path in sources():
        if any(module.split(".")[0] == library for module, _ in imports(path)):
            relative = path.relative_to(ROOT)
            assert any(relative.is_relative_to(home) for home in HOMES[library]), path
