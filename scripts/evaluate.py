"""Measure retrieval where the answers are known, and put the table into the README and the model's card.

    python scripts/evaluate.py DATA_DIR --work WORK_DIR

Everything is asked of collections on disk, as a user's questions are:

* laypeople's questions on the national laws (STARD), by cross-validation: the model that answers a fold was not taught
  its questions, and its ranking was not fitted to them. “Unseen” are those none of whose articles answers any
  question that the model was taught;
* the chapter and the law of an article, asked for without its text (the heading itself, which comes first, does not
  count as an article);
* clauses of a sentence of a government report, cut short and in another order, asked for the paragraph (the model has
  seen the texts of both);
* questions on 120 encyclopaedic paragraphs (tests/general.jsonl): nothing that the model was made for.

BM25 scores characters and their pairs of whole articles, its law's title in front. nDCG@10 and hit@1 are
those of a search for ten, recall@100 that of one for a hundred, in points of a hundred, with 95 % bootstrap intervals
over questions.
"""

import argparse
import json
import logging
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings import Collection, load_embedder, open_collection, read
from embeddings.fusion import FusionFeatures
from embeddings.terms import fold
from embeddings.weights import Weights, load_weights
from training.asking_laws import law_collection, law_golds
from training.card import FIGURES_END, FIGURES_START
from training.corpus import TrainingPassage, article_key, compare_key, read_reports
from training.export import write_model
from training.fitting import (
    FOLDS,
    START,
    Asked,
    ask_laws,
    ask_library,
    fit,
    fold_of,
    rank_names,
)
from training.measures import Bm25, answer_keys, bootstrap, ndcg, recall
from training.recipe import LESSONS, Texts, finish, prepare, read_texts, teach
from training.tuning import read_seeds

_ROOT = Path(__file__).parent.parent
_SAMPLE = 500
# A search for ten looks closely at so many passages; one for a hundred goes deeper.
_CLOSE, _DEPTH = 12, 100
_NOT_NAME = re.compile(r"[^\u4e00-\u9fff]")

logger = logging.getLogger("evaluate")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A question's right answers, and what each method found, best first: a search for ten, and `deep` one for a
    hundred."""

    gold: set[str]
    found: dict[str, list[str]]
    deep: dict[str, list[str]]
    is_unseen: bool = True


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    arguments = _parse_arguments()
    texts = read_texts(arguments.data_dir)
    names = [compare_key(passage.text) for passage in texts.searched]
    by_bm25 = _rank_by_bm25([f"{passage.work} {passage.text}" for passage in texts.searched], names)
    with tempfile.TemporaryDirectory() as folder:
        laypeople = _cross_validate(Path(folder), arguments, texts, by_bm25)
        titles = _ask_titles(Path(folder), arguments.data_dir, texts, by_bm25)
        reports = _ask_reports(Path(folder), arguments.data_dir)
        general = _ask_general(Path(folder))
    table = "\n".join(
        [
            "| questions | measure | BM25 | dense | both | both / BM25 |",
            "|---|---|---|---|---|---|",
            *_rows("laypeople's, on laws", laypeople),
            *_rows("of these, articles unseen", [each for each in laypeople if each.is_unseen]),
            *_rows("chapter and law → article", titles),
            *_rows("words of a report → paragraph", reports),
            *_rows("general, on encyclopaedic paragraphs", general),
        ]
    )
    print(table)
    for path in (_ROOT / "README.md", _ROOT / "embeddings" / "models" / "builtin" / "README.md"):
        _put_table(path, table)


def _cross_validate(
    folder: Path, arguments: argparse.Namespace, texts: Texts, by_bm25: Callable[[str], list[str]]
) -> list[Ranked]:
    ground = prepare(texts)
    untaught = np.load(arguments.work / "untaught.npy")
    golds = law_golds(arguments.data_dir)
    plain = law_collection(
        folder / "plain", arguments.data_dir, load_embedder(str(arguments.work / "untaught"))
    )
    by_untaught = ask_laws(plain, golds, START)
    plain.close()
    seeds = _ask_seeds(folder)
    ranked: list[Ranked] = []
    for held in range(FOLDS):
        taught = [question for question in texts.questions if fold_of(question.text) != held]
        weights = fit(seeds, [each for each in by_untaught if fold_of(each.text) != held])
        model = folder / f"model-{held}"
        write_model(
            model, ground.tokenizer, finish(ground, teach(ground, untaught, taught, steps=LESSONS)), ""
        )
        laws = law_collection(folder / f"laws-{held}", arguments.data_dir, load_embedder(str(model)))
        known = {key for question in taught for key in answer_keys(question)}
        held_out = {text: gold for text, gold in golds.items() if fold_of(text) == held}
        ranked += [
            replace(each, is_unseen=not known & each.gold) for each in _rank(laws, held_out, weights, by_bm25)
        ]
        laws.close()
        logger.info("fold %d: %s", held, " ".join(_rows("", ranked)))
    return ranked


def _ask_seeds(folder: Path) -> list[Asked]:
    seeds = read_seeds("questions.jsonl")
    collection = open_collection(folder / "seeds", "seeds", load_embedder())
    collection.add(seeds.documents)
    asked = ask_library(collection, seeds.questions, load_weights())
    collection.close()
    return asked


def _rank(
    collection: Collection,
    golds: dict[str, set[str]],
    weights: Weights,
    by_bm25: Callable[[str], list[str]],
) -> list[Ranked]:
    ten, hundred = (ask_laws(collection, golds, weights, seen) for seen in (_CLOSE, _DEPTH))
    ranked = []
    for asked, deep in zip(ten, hundred, strict=True):
        similarities = deep.fusion[:, FusionFeatures._fields.index("similarity")]
        others = {
            "BM25": by_bm25(asked.text),
            "dense": list(
                dict.fromkeys(deep.names[place] for place in np.argsort(-similarities, kind="stable"))
            ),
        }
        found, found_deep = ({**others, "both": rank_names(each, weights)} for each in (asked, deep))
        ranked.append(Ranked(golds[asked.text], found, found_deep))
    return ranked


def _ask_titles(
    folder: Path, data_dir: Path, texts: Texts, by_bm25: Callable[[str], list[str]]
) -> list[Ranked]:
    """A chapter that has few articles, asked for by its own and its law's name."""
    chapters: dict[str, set[str]] = {}
    for passage in texts.searched:
        if len(_NOT_NAME.sub("", passage.heading)) >= 4:
            chapters.setdefault(f"{passage.work}{passage.heading}", set()).add(compare_key(passage.text))
    few = {name: gold for name, gold in chapters.items() if len(gold) <= 10}
    chosen = dict(random.Random(0).sample(sorted(few.items()), _SAMPLE))
    collection = law_collection(folder / "titles", data_dir, load_embedder())
    ranked = _rank(collection, chosen, load_weights(), by_bm25)
    collection.close()
    return ranked


def _ask_reports(folder: Path, data_dir: Path) -> list[Ranked]:
    passages = read_reports(data_dir)
    names = [compare_key(passage.text) for passage in passages]
    by_bm25 = _rank_by_bm25([f"{passage.work} {passage.text}" for passage in passages], names)
    by_work: dict[str, list[TrainingPassage]] = {}
    for passage in passages:
        by_work.setdefault(passage.work, []).append(passage)
    collection = open_collection(folder / "reports", "reports", load_embedder())
    collection.add(
        [
            read(
                "\n\n".join([work, *(passage.text for passage in of_work)]).encode(), filename=f"{number}.txt"
            )
            for number, (work, of_work) in enumerate(by_work.items())
        ]
    )
    chosen = dict(_words_of(passages))
    ranked = _rank(collection, chosen, load_weights(), by_bm25)
    collection.close()
    return ranked


def _ask_general(folder: Path) -> list[Ranked]:
    lines = (_ROOT / "tests" / "general.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    collection = open_collection(folder / "general", "general", load_embedder())
    collection.add([read(one["paragraph"].encode(), filename=f"{one['title']}.txt") for one in records])
    golds = {record["question"]: {article_key(record["paragraph"])} for record in records}
    names = [article_key(record["paragraph"]) for record in records]
    texts = [fold(f"{record['title']} {record['paragraph']}") for record in records]
    ranked = _rank(collection, golds, load_weights(), _rank_by_bm25(texts, names))
    collection.close()
    return ranked


def _rank_by_bm25(texts: Sequence[str], names: Sequence[str]) -> Callable[[str], list[str]]:
    lexical = Bm25(texts)

    def ranked(question: str) -> list[str]:
        return [names[place] for place in np.argsort(-lexical.scores(question), kind="stable")[:_DEPTH]]

    return ranked


def _words_of(passages: Sequence[TrainingPassage]) -> Iterator[tuple[str, set[str]]]:
    """Half of the clauses of a sentence, in another order, to the paragraph that holds it."""
    numbers = random.Random(0)
    for passage in numbers.sample([passage for passage in passages if len(passage.sentences) > 1], _SAMPLE):
        clauses = re.split("[,;:。]", numbers.choice(passage.sentences))
        clauses = [clause for clause in clauses if len(clause) > 3]
        if len(clauses) > 1:
            chosen = numbers.sample(clauses, (len(clauses) + 1) // 2)
            yield " ".join(clause[: len(clause) // 2 + 2] for clause in chosen), {compare_key(passage.text)}


def _rows(label: str, ranked: Sequence[Ranked]) -> Iterator[str]:
    measures: dict[str, Callable[[Ranked, str], float]] = {
        "nDCG@10": lambda each, method: ndcg(each.found[method], each.gold),
        "hit@1": lambda each, method: float(bool(set(each.found[method][:1]) & each.gold)),
        "recall@100": lambda each, method: recall(each.deep[method], each.gold, _DEPTH),
    }
    for name, measure in measures.items():
        values = {
            method: 100 * np.array([measure(each, method) for each in ranked])
            for method in ("BM25", "dense", "both")
        }
        # What dense finds is known only among what both legs found.
        shown = {
            method: "–" if (method, name) == ("dense", "recall@100") else str(bootstrap(of_method))
            for method, of_method in values.items()
        }
        figures = " | ".join(shown.values())
        ratio = _bootstrap_ratio(values["both"], values["BM25"])
        yield f"| {label} ({len(ranked)}) | {name} | {figures} | {ratio} |"


def _bootstrap_ratio(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], rounds: int = 2000) -> str:
    draws = np.random.default_rng(0).integers(len(one), size=(rounds, len(one)))
    ratios = one[draws].mean(axis=1) / other[draws].mean(axis=1).clip(1e-9)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return f"{one.mean() / max(other.mean(), 1e-9):.3f} [{low:.3f}, {high:.3f}]"


def _put_table(path: Path, table: str) -> None:
    before, _, rest = path.read_text(encoding="utf-8").partition(FIGURES_START)
    _, _, after = rest.partition(FIGURES_END)
    path.write_text(f"{before}{FIGURES_START}\n{table}\n{FIGURES_END}{after}", encoding="utf-8")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--work", type=Path, required=True, metavar="WORK_DIR")
    return parser.parse_args()


if __name__ == "__main__":
    main()
