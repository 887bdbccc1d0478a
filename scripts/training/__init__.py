"""How the built-in model is made. Only `scripts/train_model.py` depends on it.

`corpus` reads the texts, `vocabulary` builds the tokenizer, `tokens` cuts the texts into sentences of token ids,
`pairs` draws question-passage pairs, `table` learns the token vectors, `holdout` measures, `export` writes the folder.
"""
