"""The list of kept tracks: text and pickles of strings are read; a pickle that could run anything runs nothing."""

import os
import pickle
from collections import OrderedDict

import pytest

from tfrecords_tools.errors import UserError
from tfrecords_tools.sources.kept import kept_ids

IDS = ["TRAAAAA1", "TRAAAAA2", "TRAAAAA3"]
# As Python 2's cPickle wrote a list of byte strings.
PYTHON_2 = b"(lp1\nS'TRAAAAA1'\np2\naS'TRAAAAA2'\np3\naS'TRAAAAA3'\np4\na."


class _Malicious:
    """Makes a directory when it is unpickled by Python's own unpickler."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def keep(tmp_path):
    def write(content: bytes):
        (tmp_path / "keep").write_bytes(content)
        return tmp_path / "keep"

    return write


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [IDS, {"train": IDS[:1], "test": IDS[1:]}])
def test_pickles_of_strings(keep, value, protocol):
    assert list(kept_ids(keep(pickle.dumps(value, protocol)))) == IDS


@pytest.mark.parametrize("content", [PYTHON_2, b"\xef\xbb\xbfTRAAAAA1\r\n\nTRAAAAA2\n TRAAAAA3"])
def test_what_python_2_wrote_and_text(keep, content):
    assert list(kept_ids(keep(content))) == IDS


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_malicious_pickle_runs_nothing(keep, tmp_path, protocol):
    content = pickle.dumps(["TR", _Malicious(tmp_path / "made")], protocol)
    with pytest.raises(UserError, match="could run a program"):
        list(kept_ids(keep(content)))
    assert not (tmp_path / "made").exists()
    pickle.loads(content)
    assert (tmp_path / "made").exists()  # it would have


@pytest.mark.parametrize(
    "value",
    [{"a", "b"}, ("a", "b"), [1], [b"a"], ["a", None], [1.5], OrderedDict(a=["b"]), [["a"]], {"a": "b"}, [True]],
)
def test_other_values_are_refused(keep, value):
    with pytest.raises(UserError, match="more than strings|must be a list of strings"):
        list(kept_ids(keep(pickle.dumps(value, 2))))


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(IDS)[:-6],
        b"\x80\x04",
        b"\x80\x04]\x94.x"[:3],
        b"\x80\x02]r\xff\xff\xff\x7f.",
        b"\x80\x02]h\x09.",
        b"\x80\x02X\x02\x00\x00\x00\xff\xfe.",
        b"\x80\x02a.",
    ],
)
def test_a_damaged_pickle_is_one_error(keep, content):
    with pytest.raises(UserError, match="damaged pickle|must be a list"):
        list(kept_ids(keep(content)))


def test_no_file_and_no_text(keep, tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        list(kept_ids(tmp_path / "gone"))
    with pytest.raises(UserError, match="neither UTF-8"):
        list(kept_ids(keep(b"TR\xff\xfe")))
