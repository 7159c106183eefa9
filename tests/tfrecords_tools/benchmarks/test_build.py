"""The benchmark: made clips are whole, every figure is there and positive."""

import pytest
import soundfile

from tests.in_this_process import map_here
from tfrecords_tools.benchmarks import build as bench


def test_clips_are_stereo_and_of_the_length_asked_for(tmp_path):
    for suffix in bench.FORMATS:
        (path,) = bench.make_clips(tmp_path, suffix, 1, 3.5)
        info = soundfile.info(path)
        assert (info.channels, info.samplerate) == (2, 44_100) and abs(info.duration - 3.5) < 0.05


@pytest.mark.slow
def test_a_small_run_has_every_figure(monkeypatch):
    monkeypatch.setattr(bench.pool, "ordered_map", map_here)
    times = bench.run_bench(clips=2, seconds=3.5)
    assert [one.name for one in times.formats] == ["wav", "ogg", "mp3"]
    assert all(
        abs(one.audio - 7.0) < 0.2 and min(one.decode, one.resample, one.log_mel, one.extract) > 0
        for one in times.formats
    )
    assert set(times.workers) == set(times.builds) == {1, 2} and min(times.builds.values()) > 0
    text = bench.table(times)
    assert len(text.splitlines()) == 1 + 3 + 3 + 2 and "two are" in text
    assert f"{times.formats[1].audio / times.formats[1].extract:.0f} extracted" in text


def test_the_table_reckons_by_clips_of_thirty_seconds():
    one = bench.FormatTimes("ogg", 60.0, 0.02, 0.04, 0.06, 0.18)
    text = bench.table(bench.Times([one], {1: 2.0, 2: 1.0}, {1: 3.0, 2: 2.0}))
    row = text.splitlines()[1].split()
    assert row == ["ogg", "10.0", "ms", "20.0", "ms", "30.0", "ms", "60.0", "ms", "90.0", "ms", "1.50"]
    assert "500 times real time alone, 333 extracted" in text
    assert "workers: 1: 30 times real time, 2: 60 times real time; two are 2.00 times one" in text
