"""Real and rendered songs in one table: what is labelled, by which words, in which split; and the SoundFont."""

import hashlib
import importlib.util
import shutil
from pathlib import Path

import pytest

for name in ("music21", "pretty_midi", "midirenderer"):
    pytest.importorskip(name)

from tests.tfrecords_tools.sources.made_packages import Mirror, song
from tfrecords_tools.cli import main
from tfrecords_tools.demo import corpus, pretraining, soundfont
from tfrecords_tools.errors import UserError
from tfrecords_tools.sources import debian_music
from tfrecords_tools.tables.manifest import read_manifest

pytestmark = pytest.mark.spawns
FONT = b"a SoundFont"
TIMGM6MB = Path(importlib.util.find_spec("pretty_midi").origin).with_name("TimGM6mb.sf2")
SONGS = [
    song("drum", "usr/drum/a.mod", b"module", bpm=125.0),
    song("harp", "usr/harp.ogg", b"harp", split="valid"),
    song("lost", "usr/lost.ogg", b"lost"),
]


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    mirror = Mirror(tmp_path / "apt", monkeypatch)
    monkeypatch.setattr(soundfont, "_SHA256", hashlib.sha256(FONT).hexdigest())
    monkeypatch.setattr(soundfont, "_BYTES", len(FONT))
    mirror.add("drum", "1", {"./usr/drum/a.mod": b"module"})
    mirror.add("harp", "1", {"./usr/harp.ogg": b"harp"})
    return mirror


def _offer_font(mirror: Mirror, content: bytes = FONT) -> None:
    mirror.add("fluid-soundfont-gm", "3.1-5.3", {f"./usr/share/sounds/sf2/{soundfont.NAME}": content})


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_the_soundfont_is_fetched_once(mirror, tmp_path):
    _offer_font(mirror)
    for _ in range(2):
        assert soundfont.fetch_soundfont(tmp_path).read_bytes() == FONT
    assert mirror.calls() == ["fluid-soundfont-gm=3.1-5.3"]
    assert {path.name for path in tmp_path.iterdir()} == {"apt", soundfont.NAME}


def test_a_soundfont_of_other_content_is_refused_and_nothing_is_left(mirror, tmp_path):
    _offer_font(mirror, b"another one")
    with pytest.raises(
        UserError, match=r"FluidR3_GM\.sf2 has another content in this version.*3\.1-5\.3 has the right"
    ):
        soundfont.fetch_soundfont(tmp_path)
    mirror.says("fluid-soundfont-gm", "E: Failed to fetch http://x  404  Not Found\n")
    with pytest.raises(UserError, match=r"fluid-soundfont-gm 3\.1-5\.3: apt-get download: .*404"):
        soundfont.fetch_soundfont(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"apt"}


def test_the_table_holds_both_and_the_test_split_rendered_songs_alone(mirror, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(debian_music, "load_songs", lambda: SONGS)
    monkeypatch.setattr(pretraining, "fetch_soundfont", lambda folder: shutil.copy(TIMGM6MB, folder / soundfont.NAME))
    command = ["pretraining", f"--music={tmp_path / 'music'}", f"--out={tmp_path / 'out'}"]
    command += ["--rendered=6", "--seconds=3", "--workers=1"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "8 tracks" in out and "dropped: 1 package gone" in out and "--tempo=column" in out
    manifest = read_manifest(tmp_path / "out" / "manifest.csv")
    assert manifest.tags == ("genre", "mood", "instrument", "source") and manifest.values == ("tempo",)
    rows = list(manifest)
    real, rendered = rows[:2], rows[2:]
    assert [row.track_id for row in real] == ["drum/a.mod", "harp/harp.ogg"]
    assert [row.values["tempo"] for row in real] == [125.0, None] and real[0].tags["genre"] == ("rock",)
    assert {row.tags["source"] for row in real} == {("real",)}
    assert {row.tags["source"] for row in rendered} == {("rendered",)}
    assert {row.split for row in real} == {"train", "valid"}
    assert {row.split for row in rendered} == {"train", "valid", "test"}
    assert all(60 <= row.values["tempo"] <= 180 and Path(row.path).exists() for row in rendered)
    # The same word means the same only where it is an instrument.
    words = {tag for row in rendered for name in ("genre", "mood") for tag in row.tags[name]}
    assert all(word.startswith("rendered ") for word in words)
    assert {tag for row in rendered for tag in row.tags["instrument"]} <= set(corpus.instruments.FAMILIES)

    before = _digests(tmp_path / "out")
    monkeypatch.setattr(corpus, "compose", lambda plan: pytest.fail("rendered again"))
    assert main(command) == 0 and _digests(tmp_path / "out") == before


def test_no_artist_of_a_rendered_song_is_in_two_splits_and_most_train():
    plans = pretraining.plan_rendered(660, 1, 30.0)
    splits = {split: {plan.artist_name for plan in plans if plan.split == split} for split in pretraining.SHARES}
    assert not splits["train"] & splits["test"] and not splits["train"] & splits["valid"]
    assert {split: sum(plan.split == split for plan in plans) for split in splits} == {
        "train": 500,
        "valid": 40,
        "test": 120,
    }
    assert len({plan.track_id for plan in plans}) == 660 and plans[0].track_id == "rendered-0000"
    works = {split: {file for plan in plans if plan.split == split for file in plan.scores} for split in splits}
    assert not works["train"] & works["test"]


def test_an_interrupted_run_leaves_no_table(mirror, tmp_path, monkeypatch):
    _offer_font(mirror)
    (tmp_path / "manifest.csv").write_text("of other songs")

    def interrupted(plan):
        raise KeyboardInterrupt

    monkeypatch.setattr(corpus, "compose", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pretraining.build_pretraining(tmp_path / "music", tmp_path, 6, workers=1, seconds=3.0, songs=SONGS)
    assert not (tmp_path / "manifest.csv").exists()
    with pytest.raises(UserError, match="at least 6 tracks"):
        pretraining.build_pretraining(tmp_path / "music", tmp_path, 5, songs=SONGS)
