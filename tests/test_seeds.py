"""The seed index: what two texts share is found in it, whatever was added, removed, saved or lost."""

from pathlib import Path

import numpy as np
import pytest

from embeddings import Collection, load_embedder, open_collection, read
from embeddings.letters import read_letters
from embeddings.seeds import RUN, SeedIndex, sample

TEXTS = [
    f"第{n}号文件：要求各县区于{n}月底前完成{'水利' if n % 2 else '林业'}设施第{n * 37}次检修。"
    for n in range(1, 40)
]


def documents_sharing(index: SeedIndex, text: str) -> set[str]:
    hashes, _ = sample(read_letters(text).codes)
    found = set()
    for part in index.parts:
        places = part.places[np.isin(part.hashes, hashes)].astype(np.int64)
        found |= {part.ids[slot] for slot in part.slots(places) if part.alive[slot]}
    return found


def index_of(texts: list[str]) -> SeedIndex:
    index = SeedIndex()
    for key, text in enumerate(texts):
        index = index.with_documents([(key, 1, str(key), text)])
    return index


def test_letters_leave_out_punctuation_space_width_and_traditional_forms() -> None:
    one, other = read_letters("國家 安全，\r\n１２％ABC"), read_letters("国家安全12%abc")
    assert one.codes.tolist() == other.codes.tolist()
    assert one.span(0, 4) == (0, 5)


def test_letters_of_text_with_half_a_surrogate_pair_keep_their_places() -> None:
    assert read_letters("甲\ud800乙𠮷").places.tolist() == [0, 2, 3]


def test_a_shared_run_of_eight_letters_is_always_sampled() -> None:
    text = "".join(chr(0x4E00 + (n * n * 31 + n * 7) % 5000) for n in range(300))
    sampled = set(sample(read_letters(text).codes)[1].tolist())
    for start in range(len(text) - RUN - 1):
        assert sampled & {start, start + 1, start + 2}


@pytest.mark.parametrize("text", ["", "短", "。。。！！", "啊" * 50, "哈哈呵呵" * 30])
def test_texts_with_nothing_to_say_have_few_seeds(text: str) -> None:
    assert len(sample(read_letters(text).codes)[0]) <= len(text)


def test_an_index_grown_one_by_one_finds_what_one_made_at_once_finds() -> None:
    at_once = SeedIndex().with_documents([(key, 1, str(key), text) for key, text in enumerate(TEXTS)])
    grown = index_of(TEXTS)
    assert len(grown.parts) < 8
    for text in TEXTS:
        assert documents_sharing(grown, text) == documents_sharing(at_once, text)


def test_a_removed_document_is_found_no_more_and_the_others_still_are() -> None:
    index = index_of(TEXTS).without(np.arange(5, 30))
    assert index.document_count == len(TEXTS) - 25
    assert index.segment_count == len(TEXTS) - 25
    assert "7" not in documents_sharing(index, TEXTS[7])
    assert "33" in documents_sharing(index, TEXTS[33])


def test_removing_all_leaves_an_empty_index() -> None:
    assert index_of(TEXTS[:3]).without(np.arange(3)).parts == ()


def open_at(folder: Path) -> Collection:
    return open_collection(folder, "default", load_embedder())


def seeds_of(collection: Collection) -> SeedIndex:
    with collection._storage.snapshot() as snapshot:
        return snapshot.seeds()


def add(collection: Collection, texts: list[str]) -> list[str]:
    return [d.id for d in collection.add([read(t.encode(), filename=f"{t[:5]}.txt") for t in texts])]


@pytest.mark.parametrize("damage", ["none", "missing", "cut", "changed"])
def test_the_saved_seeds_come_back_or_are_made_again(tmp_path: Path, damage: str) -> None:
    collection = open_at(tmp_path)
    ids = add(collection, TEXTS[:20])
    collection.remove(ids[:3])
    collection.close()
    path = tmp_path / "seeds.bin"
    saved = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(saved[:-20])
    elif damage == "changed":
        path.write_bytes(saved[:40] + bytes([saved[40] ^ 1]) + saved[41:])
    collection = open_at(tmp_path)
    assert seeds_of(collection).document_count == 17
    assert ids[10] in documents_sharing(seeds_of(collection), TEXTS[10])
    assert ids[0] not in documents_sharing(seeds_of(collection), TEXTS[0])
    collection.close()


def test_seeds_of_an_older_generation_catch_up(tmp_path: Path) -> None:
    collection = open_at(tmp_path)
    ids = add(collection, TEXTS[:5])
    collection.close()
    older = (tmp_path / "seeds.bin").read_bytes()
    collection = open_at(tmp_path)
    collection.remove(ids[:1])
    new = add(collection, TEXTS[5:9])
    collection.close()
    (tmp_path / "seeds.bin").write_bytes(older)
    collection = open_at(tmp_path)
    assert documents_sharing(seeds_of(collection), TEXTS[7]) >= {new[2]}
    assert seeds_of(collection).document_count == 8
    collection.close()
