"""Texts to load a server with: each has a name that no other has, and is known by its hash."""

import hashlib
import random
from dataclasses import dataclass

_SUBJECTS = [
    "粮食收购",
    "燃气安全",
    "防汛抗旱",
    "供热管网",
    "食品安全",
    "消防检查",
    "道路养护",
    "河道治理",
    "校园安全",
    "档案管理",
    "人口普查",
    "秸秆禁烧",
]
_DUTIES = [
    "每年检查一次",
    "落实主体责任",
    "严禁弄虚作假",
    "及时上报情况",
    "建立健全制度",
    "加强人员培训",
    "做好应急准备",
    "公开办事结果",
]
_UNITS = ["各街道办事处", "各区人民政府", "有关部门", "各有关单位", "各乡镇", "市直各部门"]
_NAMES = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"


@dataclass(frozen=True, slots=True)
class Text:
    """`word` stands in no other text."""

    word: str
    text: str

    @property
    def id(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


def make_text(number: int, *, paragraphs: int = 6) -> Text:
    """The same for the same number."""
    chosen = random.Random(number)
    word = f"wy{number:08d}"
    lines = [f"关于做好{chosen.choice(_SUBJECTS)}工作的通知{word}", ""]
    lines += [f"{_sentence(chosen)}编号{word}之{n}。" for n in range(paragraphs)]
    return Text(word, "\n".join(lines) + "\n")


def make_sentences(seed: int, count: int) -> list[str]:
    """Different sentences, most of them of words that many share."""
    chosen = random.Random(seed)
    return [f"{_sentence(chosen)}，第{seed}号之{n}。" for n in range(count)]


def _sentence(chosen: random.Random) -> str:
    mark = "".join(chosen.choices(_NAMES, k=4))
    parts = [
        f"{chosen.choice(_UNITS)}要把{chosen.choice(_SUBJECTS)}{chosen.choice(_DUTIES)}"
        for _ in range(chosen.randint(1, 3))
    ]
    return f"{mark}：" + "，".join(parts)
