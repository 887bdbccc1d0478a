"""Write which of the 3,755 common characters sound alike, for embeddings/corrections.py.

    pip install pypinyin && python scripts/list_sounds.py

Writes embeddings/sounds.txt: a line a syllable, without tone, and the characters that are read so. A character with
several common readings stands on several lines. Readings are those of pypinyin (MIT), which nothing else needs.
"""

from collections import defaultdict
from pathlib import Path

from pypinyin import Style, pinyin

_OUTPUT = Path(__file__).parent.parent / "embeddings" / "sounds.txt"
_MAX_READINGS = 2


def common_characters() -> list[str]:
    """Those of the first level of GB 2312, in its order."""
    codes = (bytes([row, cell]) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    return [character for code in codes if (character := code.decode("gb2312", "ignore"))]


def main() -> None:
    sounds: dict[str, list[str]] = defaultdict(list)
    for character in common_characters():
        (readings,) = pinyin(character, heteronym=True, style=Style.NORMAL)
        for reading in dict.fromkeys(readings[:_MAX_READINGS]):
            sounds[reading.replace("ü", "v")].append(character)
    lines = (f"{sound} {''.join(characters)}\n" for sound, characters in sorted(sounds.items()))
    _OUTPUT.write_text("".join(lines), encoding="utf-8")
    print(f"{len(sounds)} syllables, {_OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
