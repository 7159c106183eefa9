"""A part as a file: the bytes that a decoder sees, wherever it reads."""

import os

import numpy as np
import pytest

from tfrecords_tools.audio.part import WHOLE, Part, PartFile

CONTENT = bytes(range(200))
PARTS = {
    "whole": (WHOLE, CONTENT),
    "stretch": (Part(10, 150), CONTENT[10:150]),
    "to the end": (Part(30), CONTENT[30:]),
    "beyond the end": (Part(30, 999), CONTENT[30:]),
    "header before": (Part(10, 150, before=b"head"), b"head" + CONTENT[10:150]),
    "long header before": (Part(2, before=b"head" * 9), b"head" * 9 + CONTENT[2:]),
    "replaced": (Part(5, replaced={7: b"abc", 199: b"z"}), CONTENT[5:7] + b"abc" + CONTENT[10:199] + b"z"),
    "both": (Part(5, 20, {5: b"x", 19: b"yy"}, b"12"), b"12x" + CONTENT[6:19] + b"y"),
}


@pytest.mark.parametrize("name", PARTS)
def test_any_place_reads_as_of_the_bytes(tmp_path, name):
    part, expected = PARTS[name]
    assert part.is_file == (name == "whole")
    (tmp_path / "x").write_bytes(CONTENT)
    random = np.random.default_rng([0])
    with PartFile(tmp_path / "x", part) as file:
        assert file.readable() and file.seekable() and file.read() == expected
        assert file.seek(0, os.SEEK_END) == len(expected) == file.tell() and file.read(5) == b""
        for _ in range(200):
            place, size = (int(number) for number in random.integers(0, len(expected) + 9, 2))
            assert file.seek(place) == place and file.read(size) == expected[place : place + size]
            assert file.tell() == place + len(expected[place : place + size])
        file.seek(3)
        assert file.seek(2, os.SEEK_CUR) == 5 and file.read(2) == expected[5:7]
        with pytest.raises(OSError, match="before the beginning"):
            file.seek(-1)
