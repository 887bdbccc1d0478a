"""The national laws as a collection, one passage an article, and the questions of laypeople on them."""

from pathlib import Path

from embeddings import Collection, Embedder, open_collection, read
from training.corpus import law_documents, read_laws, read_questions, search_corpus
from training.measures import answer_keys

_BATCH = 60


def law_collection(folder: Path, data_dir: Path, embedder: Embedder) -> Collection:
    passages, _ = search_corpus(read_laws(data_dir), read_questions(data_dir))
    documents = [read(text.encode(), filename=name) for name, text in law_documents(data_dir, passages)]
    collection = open_collection(folder, "laws", embedder)
    for start in range(0, len(documents), _BATCH):
        collection.add(documents[start : start + _BATCH])
    return collection


def law_golds(data_dir: Path) -> dict[str, set[str]]:
    """For each question the keys of the articles that answer it."""
    return {question.text: set(answer_keys(question)) for question in read_questions(data_dir)}
