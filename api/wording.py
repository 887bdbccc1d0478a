"""Small measures and forms of text that answers share. Depends on nothing."""

import re

# What a front-end would render as something other than the text itself: links, images, tags, emphasis, code.
_MARKUP = re.compile(r"\]\(|!\[|<[A-Za-z/!]|\*\*.+\*\*|__.+__|~~|`|\$\$|\|\s*-{3}|\[\d{1,3}\]")
# Releases of one sentence share nearly all of their character pairs, sentences on one topic far fewer.
_SAME_SHARE = 0.8
_PUNCTUATED = re.compile(r"[\W_]+")


def inline(text: str) -> str:
    """`text` as Markdown that shows these very characters and runs nothing."""
    if _MARKUP.search(text) is None:
        return text
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def label(text: str) -> str:
    """`text` as the label of a Markdown link, on one line."""
    return re.sub(r"([\\\[\]`*_<>!])", r"\\\1", " ".join(text.split()))


def character_pairs(text: str) -> set[str]:
    """Pairs of neighbouring letters, digits and Han characters; the character itself where there is one only."""
    characters = _PUNCTUATED.sub("", text.casefold())
    if len(characters) == 1:
        return {characters}
    return {characters[i : i + 2] for i in range(len(characters) - 1)}


def share_within(text: str, pairs: set[str]) -> float:
    """The share of the character pairs of `text` that are among `pairs`."""
    own = character_pairs(text)
    return len(own & pairs) / len(own) if own else 0.0


def say_the_same(one: str, other: str) -> bool:
    pairs, others = character_pairs(one), character_pairs(other)
    return len(pairs & others) >= _SAME_SHARE * max(len(pairs), len(others), 1)


def count_tokens(text: str) -> int:
    """About how many tokens a language model counts: one a Han character, one for four others."""
    wide = sum(character > "\u2e7f" for character in text)
    return wide + (len(text) - wide + 3) // 4
