"""Names: what looks alike is one id, on both sides; a path has all the spellings that a disk may have given it."""

import unicodedata

from tfrecords_tools.names import as_known, normal, spellings

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Café.mp3") for form in ("NFC", "NFD"))


def test_what_looks_alike_is_one_name():
    assert COMPOSED != DECOMPOSED
    assert normal(DECOMPOSED) == normal(f" {COMPOSED}\u3000") == COMPOSED
    assert normal(" a b.wav\t") == "a b.wav" and normal("A.wav") != normal("a.wav")
    assert as_known(DECOMPOSED, {COMPOSED}) == COMPOSED and as_known(DECOMPOSED, {DECOMPOSED}) == DECOMPOSED


def test_a_path_comes_first_as_it_is_written():
    assert spellings("a.wav") == ["a.wav"]
    assert spellings(" a.wav") == [" a.wav", "a.wav"]
    assert spellings(f"{DECOMPOSED} ") == [f"{DECOMPOSED} ", DECOMPOSED, f"{COMPOSED} ", COMPOSED]
    assert spellings("\udcff.wav") == ["\udcff.wav"]
