"""Numbers as list styles of WordprocessingML write them (ISO/IEC 29500-1, 17.18.59 ST_NumberFormat)."""

from collections.abc import Callable

_DIGITS = "〇一二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_FORMAL_DIGITS, _FORMAL_UNITS = "零壹贰叁肆伍陆柒捌玖", ("", "拾", "佰", "仟")
_TRADITIONAL_DIGITS, _TRADITIONAL_UNITS = "零壹貳參肆伍陸柒捌玖", ("", "拾", "佰", "仟")
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_MAX_LETTERS = 26 * 30


def write_numeral(number: int, number_format: str) -> str:
    """`number` in a format of Word; a format that is not known is written in digits."""
    if number_format in ("none", "bullet"):
        return ""
    return _WRITERS.get(number_format, str)(number)


def _digits(number: int) -> str:
    return "".join(_DIGITS[int(digit)] for digit in str(abs(number)))


def _grouped(number: int, digits: str, units: tuple[str, ...], *, zero: str) -> str:
    """1024 as 一千零二十四; from 10,000 on digit by digit."""
    if not 0 < number < 10_000:
        return "".join(digits[int(digit)] for digit in str(abs(number)))
    parts: list[str] = []
    for place, digit in enumerate(reversed(str(number))):
        if digit != "0":
            parts.append(digits[int(digit)] + units[place])
        elif parts and parts[-1] != zero:
            parts.append(zero)
    return "".join(reversed(parts))


def _counted(number: int) -> str:
    """一 … 十 十一 … 二十 … 一百零一."""
    text = _grouped(number, _DIGITS, _UNITS, zero="零")
    return text[1:] if 10 <= number < 20 else text


def _counted_to_99(number: int) -> str:
    return _counted(number) if 0 < number < 100 else _digits(number)


def _counted_in_japanese(number: int) -> str:
    """No 一 before a unit, no zero: 十 百 百一."""
    if not 0 < number < 10_000:
        return _digits(number)
    text = _grouped(number, _DIGITS, _UNITS, zero="")
    return text.replace("一十", "十").replace("一百", "百").replace("一千", "千")


def _formal(number: int) -> str:
    return _grouped(number, _FORMAL_DIGITS, _FORMAL_UNITS, zero="零")


def _formal_traditional(number: int) -> str:
    return _grouped(number, _TRADITIONAL_DIGITS, _TRADITIONAL_UNITS, zero="零")


def _circled(number: int) -> str:
    if 1 <= number <= 20:
        return chr(ord("①") + number - 1)
    if 21 <= number <= 35:
        return chr(ord("㉑") + number - 21)
    return chr(ord("㊱") + number - 36) if 36 <= number <= 50 else str(number)


def _from(first: str, last: int) -> Callable[[int], str]:
    return lambda number: chr(ord(first) + number - 1) if 1 <= number <= last else str(number)


def _one_of(letters: str) -> Callable[[int], str]:
    return lambda number: letters[number - 1] if 1 <= number <= len(letters) else str(number)


def _letters(number: int) -> str:
    """a … z aa bb: Word repeats the letter."""
    if not 1 <= number <= _MAX_LETTERS:
        return str(number)
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def _roman(number: int) -> str:
    if not 0 < number < 4000:
        return str(number)
    text = ""
    for size, letters in _ROMAN:
        count, number = divmod(number, size)
        text += letters * count
    return text


def _full_width(number: int) -> str:
    return str(number).translate({ord("0") + digit: ord("０") + digit for digit in range(10)})


_WRITERS: dict[str, Callable[[int], str]] = {
    "decimal": str,
    "decimalZero": "{:02}".format,
    "decimalHalfWidth": str,
    "decimalFullWidth": _full_width,
    "decimalFullWidth2": _full_width,
    "chineseCounting": _counted_to_99,
    "taiwaneseCounting": _counted_to_99,
    "chineseCountingThousand": _counted,
    "taiwaneseCountingThousand": _counted,
    "japaneseCounting": _counted_in_japanese,
    "koreanCounting": _counted_in_japanese,
    "ideographDigital": _digits,
    "japaneseDigitalTenThousand": _digits,
    "taiwaneseDigital": _digits,
    "koreanDigital2": _digits,
    "chineseLegalSimplified": _formal,
    "ideographLegalTraditional": _formal_traditional,
    "japaneseLegal": _formal_traditional,
    "ideographTraditional": _one_of(_STEMS),
    "ideographZodiac": _one_of(_BRANCHES),
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "ideographEnclosedCircle": _from("㊀", 10),
    "decimalEnclosedParen": _from("⑴", 20),
    "decimalEnclosedFullstop": _from("⒈", 20),
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": lambda number: _roman(number).lower(),
    "upperRoman": _roman,
    "numberInDash": "- {} -".format,
}
