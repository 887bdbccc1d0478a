"""The recipe of the built-in model: a table learnt from the texts themselves, then taught the questions of people.

Only the second step sees questions, so cross-validation repeats it alone.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jieba
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.cluster import KMeans
from tokenizers import Tokenizer

from embeddings.synonyms import load_synonyms
from training.corpus import (
    Question,
    TrainingPassage,
    compare_key,
    read_laws,
    read_questions,
    read_reports,
    search_corpus,
)
from training.export import dequantize, quantize
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
from training.tokens import Floats, count_tokens, encode, inverse_document_frequency, tokenize_passages
from training.vocabulary import (
    build_tokenizer,
    build_vocabulary,
    encode_texts,
    general_frequencies,
    vocabulary_of,
)

STEPS = 2_500
LESSONS = 400
DIMENSIONS = 512
_SEED = 20261122
# Subjects of texts at large, and the rounds that look for them.
_SUBJECTS, _ROUNDS = 1_000, 10
_VOCABULARY = 58_000
_BATCH = 1024
_RATE = 0.01
_LESSON_WARM_UP = 30
_REPORT_SHARE = 0.15
# While it is taught, this share of the pairs are questions of people.
_HUMAN_SHARE = 0.5
# Words that a question shares with a passage are the lexical index's business. Telling the loss of them leaves
# the vectors free for what words do not say: synonyms came nearer, and both together found a little more.
_LEXICAL_SCALE = np.float32(10)
# A word seen this often gets half of its first vector from its own company, half from its parts.
_HALF_TRUST = 5
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


def read_texts(data_dir: Path) -> Texts:
    laws, reports, questions = read_laws(data_dir), read_reports(data_dir), read_questions(data_dir)
    searched, positions = search_corpus(laws, questions)
    return Texts(laws, reports, questions, searched, positions)


def prepare(texts: Texts) -> Ground:
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


def learn_untaught(ground: Ground, *, steps: int) -> Floats:
    """(V, d) own token vectors that know no question of a person."""
    logger.info("%d passages, %d parallels", len(ground.passages), len(ground.source.parallels))
    table = TokenTable(ground.own.copy(), ground.parts, Learning(steps, rate=_RATE))
    _learn(table, ground.source, steps)
    return table.own


def teach(ground: Ground, own: Floats, questions: Sequence[Question], *, steps: int) -> Floats:
    """`own` after lessons from `questions`, mixed with pairs from the texts so that nothing is forgotten."""
    human = _human_pairs(questions, ground.passages, ground.tokenizer)
    source = replace(ground.source, human=human, human_share=_HUMAN_SHARE)
    table = TokenTable(own.copy(), ground.parts, Learning(steps, rate=_RATE, warm_up=_LESSON_WARM_UP))
    _learn(table, source, steps)
    return table.own


def finish(ground: Ground, own: Floats) -> Floats:
    """(V, d) token vectors as they will be read back: folded, without the common direction, through int8."""
    vectors: Floats = sp.identity(len(own), dtype=np.float32, format="csr") @ own + ground.parts @ own
    return dequantize(*quantize(_without_common_direction(vectors, ground)))


def find_subjects(passages: Sequence[TrainingPassage], tokenizer: Tokenizer, vectors: Floats) -> Floats:
    """(n, d) unit rows: the middles of passages that are much alike."""
    rows = encode([passage.text for passage in passages], tokenizer, vectors)
    grouped = KMeans(_SUBJECTS, init="random", n_init=1, max_iter=_ROUNDS, random_state=_SEED).fit(rows)
    middles: Floats = grouped.cluster_centers_
    middles /= np.linalg.norm(middles, axis=1, keepdims=True).clip(1e-9)
    return middles


def sanity_cosines(tokenizer: Tokenizer, vectors: Floats) -> dict[str, float]:
    cosines = {}
    for one, other in _SANITY_PAIRS:
        first, second = encode([one, other], tokenizer, vectors)
        cosines[f"{one}-{other}"] = float(first @ second)
    return cosines


def _build_tokenizer(texts: Texts) -> Tokenizer:
    general = general_frequencies(Path(jieba.__file__).with_name("dict.txt"))
    sentences = dict.fromkeys(text for passage in texts.passages for text in passage.sentences)
    listed = list(load_synonyms().others)
    return build_tokenizer(build_vocabulary(list(sentences), general, listed, size=_VOCABULARY))


def _first_vectors(counts: sp.csr_matrix, idf: Floats, parts: sp.csr_matrix, tokenizer: Tokenizer) -> Floats:
    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    trust = (documents / (documents + _HALF_TRUST)).astype(np.float32)
    targets = initial_vectors(counts, idf, DIMENSIONS, seed=_SEED)
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
