"""`tfrecords_tools.sources.file_tags`: the tags of every usual format."""

import mutagen
import mutagen.id3
import mutagen.wave
import pytest
import soundfile

from tests.tfrecords_tools.damaged import RATE, noise
from tfrecords_tools.sources.file_tags import FileTags, read_tags

WANTED = FileTags("Ein Lied", "One|Two", "Das Album", "1987")


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_the_usual_formats(suffix, tmp_path):
    path = tmp_path / f"song.{suffix}"
    soundfile.write(path, noise(0.5), RATE)
    assert read_tags(str(path)) == FileTags()
    tags = mutagen.File(path, easy=True)
    if tags.tags is None:
        tags.add_tags()
    tags["title"], tags["artist"], tags["album"] = " Ein\tLied ", ["One", "Two", "One"], ["Das Album", "Another"]
    tags["date"] = "2011-05-01"
    tags["originaldate"] = "1987"
    tags.save()
    assert read_tags(str(path)) == WANTED


def test_a_wav_holds_the_frames_of_an_mp3(tmp_path):
    path = tmp_path / "song.wav"
    soundfile.write(path, noise(0.5), RATE)
    tags = mutagen.wave.WAVE(path)
    tags.add_tags()
    for kind, text in (
        ("TIT2", ["Ein Lied"]),
        ("TPE1", ["One", "Two"]),
        ("TALB", ["Das Album"]),
        ("TDRC", ["1987-01"]),
    ):
        tags.tags.add(getattr(mutagen.id3, kind)(3, text))
    tags.save()
    assert read_tags(str(path)) == WANTED


def test_what_is_no_year_is_none(tmp_path):
    path = tmp_path / "song.flac"
    soundfile.write(path, noise(0.5), RATE)
    tags = mutagen.File(path)
    tags["date"] = ["unknown", "12345", "0000"]
    tags.save()
    assert read_tags(str(path)) == FileTags()
