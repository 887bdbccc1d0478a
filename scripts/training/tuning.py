"""The small libraries that the ranking is fitted to or measured on, and the labelled questions on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embeddings import Document, Question, load_questions, read
from training.corpus import read_whole

_SEEDS = Path(__file__).parents[2] / "seeds"
_LIBRARIES = Path(__file__).with_name("libraries")


@dataclass(frozen=True, slots=True)
class Library:
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]


def read_seeds(file: str) -> Library:
    """The seeds and the questions of the split “tune” on them in a file of seeds/ (`wenyuan eval` measures on the
    others)."""
    documents = tuple(read(path.read_bytes(), filename=path.name) for path in sorted(_SEEDS.glob("*.txt")))
    questions = load_questions(_SEEDS / file)
    return Library(documents, tuple(question for question in questions if question.split == "tune"))


def read_libraries(data_dir: Path, split: str) -> dict[str, Library]:
    """A few regulations each, or reports, and questions on them: those of the split “tune”, or of “measure”, to
    which nothing is fitted. The files of `libraries` name a law by its file, and a report by its title."""
    by_name = {path.stem: load_questions(path) for path in sorted(_LIBRARIES.glob("*.jsonl"))}
    return {
        name: _read_library(data_dir, questions)
        for name, questions in by_name.items()
        if questions[0].split == split
    }


def _read_library(data_dir: Path, questions: Sequence[Question]) -> Library:
    names = {gold.filename for question in questions for gold in question.gold}
    documents = tuple(read(text.encode(), filename=name) for name, text in read_whole(data_dir, names))
    return Library(documents, tuple(questions))
