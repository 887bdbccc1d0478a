"""The data card that travels with the model."""

from dataclasses import dataclass

# Between these scripts/evaluate.py puts its table.
FIGURES_START, FIGURES_END = "<!-- figures -->", "<!-- /figures -->"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is counted."""

    laws: int
    articles: int
    report_paragraphs: int
    questions: int
    vocabulary: int
    synonyms: int
    dimensions: int
    minutes: float
    cosines: dict[str, float]


def write_card(facts: Facts) -> str:
    cosines = "\n".join(f"| {pair} | {cosine:.2f} |" for pair, cosine in facts.cosines.items())
    return f"""# The built-in model

One table of token vectors: a text's vector is the mean of its tokens' vectors, brought to unit length. It was
trained by `scripts/train_model.py` on the texts below and on nothing else. No other model's
vectors or judgements taught it, but its list of synonyms was written by a language model.

* {facts.vocabulary:,} tokens, {facts.dimensions} dimensions; int8 rows (`embeddings`) with one float32 scale each (`weights`).
* Tokenizer: Unigram over words, so that segmentation needs no dictionary at run time. Every character of GB2312,
  every ASCII letter and digit has a token; words that are not known fall into characters.
* The text must come folded: simplified characters, half width, lower case (`embeddings.terms.fold`).
* A text without a known token has the zero vector.
* `subjects.safetensors` holds a thousand subjects: the middles (k-means) of the vectors of all articles and paragraphs
  below, int8 rows with a scale each. The service uses them to tell what a library is not about; the model runs without.
* Segments of one to three sentences and questions of 4 to 40 characters are what it has seen.
* Loads with sentence-transformers 6.2 or later, or with `tokenizers` and `safetensors` alone.
* Training took {facts.minutes:.0f} minutes on two busy CPU cores, reading and tokenising included.

## Data

| what | how much | licence |
|---|---|---|
| Chinese laws, regulations, judicial interpretations, local regulations (github.com/LawRefBook/Laws) | {facts.laws:,} works, {facts.articles:,} articles | texts of laws, no copyright (Copyright Law of the PRC, article 5) |
| Government work reports and party congress reports 1954-2025 (github.com/aldohemsn/chinese-political-corpora) | {facts.report_paragraphs:,} paragraphs | official documents, no copyright (the same article 5) |
| STARD, training split: questions of laypeople and the articles that answer them (github.com/oneal2000/STARD) | {facts.questions:,} questions | MIT |
| `embeddings/synonyms.txt`, written for this project, nearly all of it by a language model, not proved by people | {facts.synonyms:,} words | that of the project |
| jieba 0.42's word list: words and frequencies (github.com/fxsjy/jieba) | the tokenizer's words and scores | MIT |

Words that the last list lacks (河长制, 网格员, 充电桩) were found in the texts themselves: neighbours that stand together
more often than chance and in varied company.

First the table learns from the texts alone. Pairs: 42 % a few words of a segment and the segment, 25 % a span and what
surrounds it, 10 % title or heading and article, 5 % neighbouring articles, 18 % articles on one subject from two
regions. In the questions of the first kind a word of the list of synonyms is replaced half of the time. Then it is taught:
half of the pairs are questions of people and the articles that answer them. The loss is told which words a question shares with a passage, so that the vectors learn what the lexical index cannot see.
The price is that the model alone ranks a little worse than one trained without being told.

## Measured

By cross-validation in five parts (`scripts/evaluate.py`): the model that is asked a question was not taught it, and the
weights of the ranking were not fitted to it. “Unseen” are the questions none of whose articles answers a question that
the model was taught: they tell what to expect for documents of one's own. nDCG@10, hit@1 and recall@100 in points of a
hundred, with 95 % bootstrap intervals.

{FIGURES_START}
{FIGURES_END}

## How far scores can be believed

First hits of questions that the ranking was not fitted to, by score (`scripts/fit_ranking.py`); of laws only some of the
articles that answer are known, so that some hits count as wrong that are not. What is asked of a library that it is not
on is taken for unanswered. Of the harder questions three in five have no answer, of those on regulations and reports half,
many by one word or fact only: there high scores are too high, and where questions are as people ask them too low.

![Reliability diagram](reliability.png)

## Cosines of single words

Most of these pairs stand in the list of synonyms: they show that it was learnt, not that the texts taught it.

| pair | cosine |
|---|---|
{cosines}

## Limits

* It knows words, not word order or negation: 应当公开 and 不应当公开 are nearly the same to it.
* Numbers, dates and names carry little weight. Use it beside a lexical index, never instead of one.
* It was trained on laws and reports. Everyday words that these do not use have only what their characters say.
* It learnt from the company words keep: opposites and siblings (收入, 支出) are near each other as synonyms are.
"""
