import csv
import hashlib
import json

import numpy as np
import pytest
from absl import flags

for name in ("music21", "pretty_midi", "midirenderer"):
    pytest.importorskip(name)
soundfile = pytest.importorskip("soundfile")

from tfrecords_tools.commands import demo_corpus
from tfrecords_tools.demo import corpus as module
from tfrecords_tools.demo import rendered
from tfrecords_tools.demo.plan import plan_corpus
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.spawns

TRACKS, SECONDS = 9, 4.0


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return module.build_corpus(tmp_path_factory.mktemp("corpus"), TRACKS, seed=3, workers=1, seconds=SECONDS)


@pytest.fixture(scope="module")
def rows(corpus):
    with open(corpus, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_manifest_has_a_row_a_track(rows):
    assert len(rows) == TRACKS
    assert tuple(rows[0]) == module.COLUMNS
    assert {row["split"] for row in rows} == {"train", "valid", "test"}
    assert all(60 <= float(row["tempo"]) <= 180 and row["title"] and row["artist"] for row in rows)


def test_audio_is_stereo_sounds_throughout_and_does_not_clip(corpus, rows):
    for row in rows:
        samples, rate = soundfile.read(corpus.parent / row["path"])
        assert samples.shape == (int(SECONDS * rate), 2) and rate == 22_050
        assert np.abs(samples).max() < 0.99
        assert not np.array_equal(samples[:, 0], samples[:, 1])
        # After the first beat, at most 1 s long, something sounds in every second.
        loudness = [np.sqrt((samples[k * rate : (k + 1) * rate] ** 2).mean()) for k in (1, 2, 3)]
        assert min(loudness) > 1e-3


def test_description_counts_and_measures(corpus):
    content = json.loads((corpus.parent / "corpus.json").read_text())
    assert content["seed"] == 3 and content["tracks"] == TRACKS
    assert sum(content["counts"]["genre"].values()) == TRACKS
    assert set(content["mutual_information"]) == {"genre", "mood", "instrument", "tempo"}
    assert set(content["versions"]) >= {"music21", "midirenderer"}


@pytest.mark.spawns
def test_two_builds_are_byte_equal_in_processes_or_not(corpus, tmp_path):
    module.build_corpus(tmp_path, TRACKS, seed=3, workers=2, seconds=SECONDS)
    assert digests(tmp_path) == digests(corpus.parent)


def test_only_what_changed_is_rendered_again(corpus, tmp_path, monkeypatch):
    plan = plan_corpus(TRACKS, 3, SECONDS)[0]
    for name in ("audio", "plans"):
        (tmp_path / name).mkdir()
    first = module.render_track(plan, tmp_path)
    calls = []
    monkeypatch.setattr(module, "compose", lambda plan: calls.append(plan) or (_ for _ in ()).throw(KeyboardInterrupt))
    assert module.render_track(plan, tmp_path) == first and not calls
    sidecar = tmp_path / "plans" / f"{plan.track_id}.json"
    sidecar.write_text("{half")
    with pytest.raises(KeyboardInterrupt):
        module.render_track(plan, tmp_path)
    assert calls == [plan]
    assert not list(tmp_path.rglob("*.tmp"))


def test_an_interrupted_build_leaves_no_manifest_and_is_resumed(corpus, tmp_path, monkeypatch):
    render_track = module.render_track
    (tmp_path / "manifest.csv").write_text("labels of another seed")

    def stop_at_fourth(plan, folder):
        if plan.track_id == "demo-0003":
            raise KeyboardInterrupt
        return render_track(plan, folder)

    monkeypatch.setattr(module, "render_track", stop_at_fourth)
    with pytest.raises(KeyboardInterrupt):
        module.build_corpus(tmp_path, TRACKS, seed=3, workers=1, seconds=SECONDS)
    assert not (tmp_path / "manifest.csv").exists()
    assert len(list((tmp_path / "audio").glob("*.flac"))) == 3
    monkeypatch.setattr(module, "render_track", render_track)
    module.build_corpus(tmp_path, TRACKS, seed=3, workers=1, seconds=SECONDS)
    assert digests(tmp_path) == digests(corpus.parent)


def test_missing_packages_are_named_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(rendered, "_NEEDED", ("music21", "no_such_renderer"))
    with pytest.raises(UserError, match=r"no_such_renderer; install with: pip install 'dmml\[demo\]'"):
        module.build_corpus(tmp_path)


def test_a_plan_whose_scores_do_not_fit_says_so():
    plan = next(plan for plan in plan_corpus(30, 0, 4.0) if plan.genre == "chorale")
    reels = ("ryansMammoth/AllAboardReel.abc",)
    with pytest.raises(UserError, match="AllAboardReel"):
        module.compose(module.dataclasses.replace(plan, scores=reels))


def test_command_hands_its_flags_over(tmp_path, monkeypatch, capsys):
    given = {}
    monkeypatch.setattr(demo_corpus, "build_corpus", lambda folder, **rest: given.update(rest, folder=folder) or folder)
    values = flags.FlagValues()
    demo_corpus.define_flags(values)
    values(["demo", f"--out={tmp_path}", "--tracks=24", "--seconds=9", "--seed=5", "--workers=2"])
    demo_corpus.run(values)
    assert given == {"folder": str(tmp_path), "tracks": 24, "seconds": 9.0, "seed": 5, "workers": 2}
    assert str(tmp_path) in capsys.readouterr().out
