"""The small libraries that the ranking is fitted to, and the labelled questions on them."""

from dataclasses import dataclass
from pathlib import Path

from embeddings import Document, Question, load_questions, read
from training.corpus import read_whole

_SEEDS = Path(__file__).parents[2] / "seeds"
_REGULATIONS = Path(__file__).with_name("regulations.jsonl")


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


def read_regulations(data_dir: Path) -> Library:
    """Four local regulations, a report, and questions on them. `regulations.jsonl` names a law by its file, and the
    report by its title."""
    questions = load_questions(_REGULATIONS)
    names = {gold.filename for question in questions for gold in question.gold}
    documents = tuple(read(text.encode(), filename=name) for name, text in read_whole(data_dir, names))
    return Library(documents, tuple(questions))
