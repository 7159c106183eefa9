"""Addresses: told from paths, joined and resolved as text; those with a password are refused and not repeated."""

import pytest

from tfrecords_tools.errors import UserError
from tfrecords_tools.stores.address import (
    absolute,
    is_address,
    joined,
    name_of,
    parent,
    require_local,
    require_no_secret,
    resolved,
)


@pytest.mark.parametrize("text", ["s3://bucket/songs.csv", "gs://b", "abfs://c@account/x", "file:///x", "a::s3://b/x"])
def test_addresses_are_told_from_paths(text):
    assert is_address(text)


@pytest.mark.parametrize("text", ["songs.csv", "/data/s3:/x", "a:b", "://x", "4s://x", "../s3/x", "", None, 7])
def test_paths_are_no_addresses(text):
    assert not is_address(text)


def test_parts_of_an_address():
    assert joined("s3://b/in/", "audio", "x.mp3") == "s3://b/in/audio/x.mp3"
    assert [parent(text) for text in ("s3://b/in/x", "s3://b/in", "s3://b")] == ["s3://b/in", "s3://b", "s3://b"]
    assert [name_of(text) for text in ("s3://b/in/x.mp3", "s3://b/in/", "s3://b")] == ["x.mp3", "in", "b"]
    assert absolute("s3://b/in/./x/../") == "s3://b/in"


def test_a_cell_is_below_the_root_or_an_address_of_its_own():
    assert resolved("s3://b/in", "rock/./1.mp3") == "s3://b/in/rock/1.mp3"
    assert resolved("s3://b/in", "../out/1.mp3") == "s3://b/out/1.mp3"
    assert resolved("s3://b/in", "gs://other/1.mp3") == "gs://other/1.mp3"


@pytest.mark.parametrize(
    "text",
    [
        "s3://key:pass@bucket/x",
        "s3://AKIA:half/other@bucket/x",
        "sftp://me:word@host:22/x",
        "https://host/x.mp3?X-Amz-Signature=1f",
        "S3://a:b@c",
    ],
)
def test_a_password_is_refused_and_not_repeated(text):
    with pytest.raises(UserError, match="holds a password or a signature") as refused:
        require_no_secret(text)
    said = str(refused.value)
    assert not any(word in said for word in ("pass@", "half", "word@", "1f", "a:b"))


@pytest.mark.parametrize(
    "text", ["s3://bucket/a:b@c.mp3", "sftp://me@host:22/x", "abfs://c@a.dfs.net/x", "http://[::1]:80/x", "s3://b/a?b"]
)
def test_hosts_ports_and_names_of_files_are_no_passwords(text):
    assert require_no_secret(text) is None


def test_where_only_a_folder_is_taken_an_address_makes_none():
    require_local("runs/x", "--run")
    with pytest.raises(UserError, match=r"^--run s3://b/x: is an address, and only a folder"):
        require_local("s3://b/x", "--run")
