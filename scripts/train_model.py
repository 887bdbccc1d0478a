"""Train the built-in embedding model: `python scripts/train_model.py DATA_DIR --output DIR`.

One command, one seed, no torch. DATA_DIR holds `laws.jsonl.xz`, `reports.jsonl.xz` and `stard_train.jsonl`. A first
run leaves a sixth of the questions out and measures on them; a second learns from all and becomes the
sentence-transformers folder DIR, with the figures of the first on its card. `--holdout FOLD` only measures, on
another sixth: settings are chosen on folds 1 to 5, fold 0 is the one that is reported.
"""

import argparse
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jieba
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from tokenizers import Tokenizer

from embeddings.synonyms import load_synonyms
from training.card import Facts, write_card
from training.corpus import (
    Question,
    TrainingPassage,
    compare_key,
    read_laws,
    read_questions,
    read_reports,
    search_corpus,
)
from training.export import dequantize, quantize, write_model
from training.holdout import FOLDS, Bm25, DenseIndex, bootstrap, encode, measure, split_questions
from training.pairs import (
    Batch,
    HumanPair,
    PairSampler,
    PairSource,
    find_parallels,
    question_phrases,
    tokenize_synonyms,
)
from training.table import Learning, TokenTable, initial_vectors, known_words, own_vectors, token_parts
from training.tokens import Floats, count_tokens, inverse_document_frequency, tokenize_passages
from training.vocabulary import (
    build_tokenizer,
    build_vocabulary,
    encode_texts,
    general_frequencies,
    vocabulary_of,
)

_SEED = 20261122
_VOCABULARY = 58_000
_DIMENSIONS = 512
_BATCH = 1024
_STEPS = 3_000
_RATE = 0.01
_REPORT_SHARE = 0.15
# Words that a question shares with a passage are the lexical index's business. Telling the loss of them leaves
# the vectors free for what words do not say: synonyms came nearer, and both together found a little more.
_LEXICAL_SCALE = np.float32(10)
# A word seen this often gets half of its first vector from its own company, half from its parts.
_HALF_TRUST = 5
_REPORTED_FOLD = 0
_OUTPUT = Path(__file__).parent.parent / "embeddings" / "models" / "builtin"
_SANITY_PAIRS = (
    ("燃气", "煤气"),
    ("火灾", "失火"),
    ("暴雨", "降雨"),
    ("燃气", "食品"),
    ("天然气", "燃气"),
    ("消防", "火灾"),
    ("官员", "干部"),
    ("汛期", "洪水"),
)

logger = logging.getLogger("train_model")


@dataclass(frozen=True, slots=True)
class Texts:
    """All that is read. `searched` is what questions are asked of, `positions` where each text stands in it."""

    laws: list[TrainingPassage]
    reports: list[TrainingPassage]
    questions: list[Question]
    searched: list[TrainingPassage]
    positions: dict[str, int]

    @property
    def passages(self) -> list[TrainingPassage]:
        """Laws and reports, then the answers that are printed differently in the laws."""
        printed = {compare_key(passage.text) for passage in self.laws}
        others = [passage for passage in self.searched if compare_key(passage.text) not in printed]
        return [*self.laws, *self.reports, *others]


@dataclass(frozen=True, slots=True)
class Ground:
    """What every run starts from: the same for all questions. `own` are the first token vectors."""

    passages: list[TrainingPassage]
    tokenizer: Tokenizer
    source: PairSource
    parts: sp.csr_matrix
    own: Floats
    sample: list[str]


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    arguments = _parse_arguments()
    started = time.monotonic()
    texts = _read_texts(arguments.data_dir)
    ground = _prepare(texts)
    figures = evaluate(texts, ground, fold=arguments.holdout or _REPORTED_FOLD, steps=arguments.steps)
    if arguments.holdout is None:
        vectors = train(ground, texts.questions, steps=arguments.steps)
        facts = _facts(texts, ground, vectors, figures, minutes=(time.monotonic() - started) / 60)
        write_model(arguments.output, ground.tokenizer, vectors, write_card(facts))


def train(ground: Ground, questions: Sequence[Question], *, steps: int) -> Floats:
    """(V, d) token vectors as they will be read back: folded, without the common direction, through int8."""
    human = _human_pairs(questions, ground.passages, ground.tokenizer)
    source = replace(ground.source, human=human)
    logger.info(
        "%d passages, %d parallels, %d human pairs", len(ground.passages), len(source.parallels), len(human)
    )
    table = TokenTable(ground.own.copy(), ground.parts, Learning(steps, rate=_RATE))
    _learn(table, source, steps)
    cleaned = _without_common_direction(table.folded(), ground)
    return dequantize(*quantize(cleaned))


def evaluate(texts: Texts, ground: Ground, *, fold: int, steps: int) -> dict[str, dict[str, str]]:
    """Figures for all held-out questions of a fold, and for those with unseen answers, printed and as text."""
    split = split_questions(texts.questions, fold)
    vectors = train(ground, split.training, steps=steps)
    lexical = Bm25([f"{passage.work} {passage.text}" for passage in texts.searched])
    dense = DenseIndex(texts.searched, ground.tokenizer, vectors)
    gains = measure(split, texts.positions, lexical, dense)
    gains |= {f"{leg} - BM25": gains[leg] - gains["BM25"] for leg in ("dense", "fusion")}
    subsets = {"all": np.ones_like(split.unseen), "unseen": split.unseen}
    figures: dict[str, dict[str, str]] = {}
    for subset, chosen in subsets.items():
        figures[subset] = {leg: str(bootstrap(values[chosen])) for leg, values in gains.items()}
        figures[subset]["questions"] = str(int(chosen.sum()))
        logger.info("nDCG@10 %s: %s", subset, figures[subset])
    logger.info(
        "cosines: %s",
        {name: round(value, 2) for name, value in sanity_cosines(ground.tokenizer, vectors).items()},
    )
    return figures


def sanity_cosines(tokenizer: Tokenizer, vectors: Floats) -> dict[str, float]:
    cosines = {}
    for one, other in _SANITY_PAIRS:
        first, second = encode([one, other], tokenizer, vectors)
        cosines[f"{one}-{other}"] = float(first @ second)
    return cosines


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    parser.add_argument(
        "--holdout", type=int, metavar="FOLD", choices=range(FOLDS), help="only measure, on this fold"
    )
    parser.add_argument("--steps", type=int, default=_STEPS)
    return parser.parse_args()


def _read_texts(data_dir: Path) -> Texts:
    laws, reports, questions = read_laws(data_dir), read_reports(data_dir), read_questions(data_dir)
    searched, positions = search_corpus(laws, questions)
    return Texts(laws, reports, questions, searched, positions)


def _build_tokenizer(texts: Texts) -> Tokenizer:
    general = general_frequencies(Path(jieba.__file__).with_name("dict.txt"))
    sentences = dict.fromkeys(text for passage in texts.passages for text in passage.sentences)
    listed = list(load_synonyms().others)
    return build_tokenizer(build_vocabulary(list(sentences), general, listed, size=_VOCABULARY))


def _prepare(texts: Texts) -> Ground:
    tokenizer = _build_tokenizer(texts)
    passages = texts.passages
    tokenized = tokenize_passages(passages, tokenizer)
    counts = count_tokens(tokenized, tokenizer.get_vocab_size())
    idf = inverse_document_frequency(counts)
    tails, heads = question_phrases(tokenizer)
    source = PairSource(
        passages=tokenized,
        idf=idf,
        passage_weights=_passage_weights(texts, tokenized.passage_starts),
        parallels=find_parallels(counts, idf, tokenized),
        human=(),
        tails=tails,
        heads=heads,
        synonyms=tokenize_synonyms(load_synonyms().others, tokenizer),
    )
    parts = token_parts(vocabulary_of(tokenizer))
    sample = ["".join(passage.sentences[:2]) for passage in (*texts.searched[::8], *texts.reports)]
    return Ground(passages, tokenizer, source, parts, _first_vectors(counts, idf, parts, tokenizer), sample)


def _first_vectors(counts: sp.csr_matrix, idf: Floats, parts: sp.csr_matrix, tokenizer: Tokenizer) -> Floats:
    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    trust = (documents / (documents + _HALF_TRUST)).astype(np.float32)
    targets = initial_vectors(counts, idf, _DIMENSIONS, seed=_SEED)
    return own_vectors(targets, parts, vocabulary_of(tokenizer), trust)


def _passage_weights(texts: Texts, passage_starts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Longer passages are drawn more often, and the reports' as often as their share says."""
    weights: npt.NDArray[np.float64] = np.sqrt(np.diff(passage_starts).clip(1, 6).astype(np.float64))
    reports = slice(len(texts.laws), len(texts.laws) + len(texts.reports))
    others = weights.sum() - weights[reports].sum()
    weights[reports] *= _REPORT_SHARE / (1 - _REPORT_SHARE) * others / weights[reports].sum()
    return weights


def _human_pairs(
    questions: Sequence[Question], passages: Sequence[TrainingPassage], tokenizer: Tokenizer
) -> list[HumanPair]:
    places: dict[str, int] = {}
    for place, passage in enumerate(passages):
        places.setdefault(compare_key(passage.text), place)
    asked = encode_texts((question.text for question in questions), tokenizer)
    return [
        HumanPair(tokens, places[compare_key(text)])
        for question, tokens in zip(questions, asked, strict=True)
        for _, text in question.answers
    ]


def _learn(table: TokenTable, source: PairSource, steps: int) -> None:
    sampler, losses = PairSampler(source, _SEED), list[float]()
    for step in range(1, steps + 1):
        batch = sampler.draw(_BATCH)
        losses.append(table.learn(batch.questions, batch.passages, _offsets(batch, source)))
        if step % 250 == 0:
            logger.info("step %d, loss %.3f", step, np.mean(losses[-250:]))


def _offsets(batch: Batch, source: PairSource) -> Floats:
    """What the lexical index would say of each pair; passages of one chapter are no negatives of each other."""
    offsets = _LEXICAL_SCALE * known_words(batch.questions, batch.passages, source.idf)
    chapters = source.passages.chapters[batch.positions]
    same = chapters[:, None] == chapters[None, :]
    np.fill_diagonal(same, False)
    offsets[same] = -np.inf
    return offsets


def _without_common_direction(vectors: Floats, ground: Ground) -> Floats:
    """`vectors` without what nearly all segments share: their first principal component."""
    segments = encode(ground.sample, ground.tokenizer, vectors)
    direction = np.linalg.svd(segments, full_matrices=False)[2][0]
    cleaned: Floats = vectors - np.outer(vectors @ direction, direction)
    return cleaned


def _facts(
    texts: Texts, ground: Ground, vectors: Floats, figures: dict[str, dict[str, str]], *, minutes: float
) -> Facts:
    return Facts(
        laws=len({passage.work for passage in texts.laws}),
        articles=len(texts.laws),
        report_paragraphs=len(texts.reports),
        questions=len(texts.questions),
        vocabulary=len(vectors),
        synonyms=len(load_synonyms().others),
        dimensions=_DIMENSIONS,
        minutes=minutes,
        figures=figures,
        cosines=sanity_cosines(ground.tokenizer, vectors),
    )


if __name__ == "__main__":
    main()
