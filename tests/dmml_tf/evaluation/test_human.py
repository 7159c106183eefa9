"""Judged clips: where their sound comes from, what is missing, and the score."""

import numpy as np
import pytest
import soundfile
from tensorflow import keras

from dmml_tf.data.judgements.read import Judgements, read_dim_sim
from dmml_tf.data.judgements.votes import Clip
from dmml_tf.embed.embedder import Embedder
from dmml_tf.evaluation.human import ClipError, agreement_with_people, clip_log_mel, embed_clips, network_embed
from tests.dmml_tf.data.judgements.made_judgements import dim_sim_row, write_csv
from tfrecords_tools.features import LogMel

CHAIN = LogMel()


def tone(hertz: float, seconds: float = 3.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * 22_050)) / 22_050)


def write_mel(folder, song: str, band: int) -> np.ndarray:
    """A standardised mel array as the tutorial has it: one bright band."""
    mel = np.zeros((130, 128), np.float32)
    mel[:, band] = 1.0
    np.save(folder / f"{song}.npy", (mel - 0.2) / 0.25)
    return mel


def mean_band(log_mel: np.ndarray) -> np.ndarray:
    """A system that hears pitch."""
    weights = log_mel.mean(axis=0)
    return np.array([weights @ np.arange(128) / weights.sum()])


def test_a_mel_array_is_unstandardised_and_loses_its_last_frame(tmp_path):
    mel = write_mel(tmp_path, "A", 7)
    found = clip_log_mel(Clip("A", 4.0, 3.0), tmp_path, CHAIN)
    assert found.shape == (129, 128) and found.dtype == np.float32
    np.testing.assert_allclose(found, mel[:-1], atol=1e-6)


@pytest.mark.parametrize("length_is_known", [True, False])
def test_audio_is_cut_at_the_clip_unless_it_is_the_clip(tmp_path, monkeypatch, length_is_known):
    if not length_is_known:
        monkeypatch.setattr("dmml_tf.evaluation.human.seconds_of", lambda path: None)
    song = np.concatenate([tone(200, 4), tone(3000, 4)])
    soundfile.write(tmp_path / "long.wav", song, 22_050)
    soundfile.write(tmp_path / "short.flac", song[-66_150:], 22_050)
    for clip in (Clip("long", 4.5, 3.0), Clip("short", 4.5, 3.0)):
        found = clip_log_mel(clip, tmp_path, CHAIN)
        assert found.shape == (129, 128)
        np.testing.assert_allclose(found[2:-2], CHAIN.extract(tone(3000))[2 : 129 - 2], atol=0.02)
    assert len(clip_log_mel(Clip("x", file="long.wav"), tmp_path, CHAIN)) == 8 * 22_050 // 512


def test_a_clip_is_as_loud_as_in_its_song_which_is_as_loud_as_the_chain_says(tmp_path):
    levelled, found = LogMel(loudness=-20.0), {}
    for decibels in (0, -20):
        song = np.concatenate([0.1 * tone(500, 4), tone(3000, 8)]) * 10 ** (decibels / 20)
        soundfile.write(tmp_path / f"{decibels}.wav", song, 22_050, subtype="FLOAT")
        found[decibels] = [clip_log_mel(Clip(f"{decibels}", start, 3.0), tmp_path, levelled) for start in (0.5, 5.0)]
        soft, loud = found[decibels]
        gain = levelled.gain_of(CHAIN.measure_loudness([song]))
        np.testing.assert_allclose(loud[2:-2], CHAIN.extract(gain * song[110_250:])[2 : 129 - 2], atol=1e-4)
        assert loud.max() > 2 * soft.max()
    np.testing.assert_allclose(found[0], found[-20], atol=1e-4)


@pytest.mark.parametrize(
    "clip, message",
    [
        (Clip("none", 0.0, 3.0), "not found in"),
        (Clip("../up"), "leads out of the folder"),
        (Clip("x", file="/etc/hosts"), "leads out"),
        (Clip("pickled"), "is no array"),
        (Clip("shape"), r"shape \(130, 128\)"),
        (Clip("nan"), "NaN"),
        (Clip("text"), "must be numbers"),
        (Clip("noise"), "cannot be decoded"),
        (Clip("song", 99.0, 3.0), "no sound at 99 s"),
    ],
)
def test_a_clip_that_cannot_be_used_says_why(tmp_path, clip, message):
    np.save(tmp_path / "pickled.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "shape.npy", np.zeros((129, 128)))
    np.save(tmp_path / "nan.npy", np.full((130, 128), np.nan))
    np.save(tmp_path / "text.npy", np.full((130, 128), "a"))
    (tmp_path / "noise.wav").write_bytes(b"no sound at all, only text" * 9)
    soundfile.write(tmp_path / "song.wav", tone(200, 9), 22_050)
    with pytest.raises(ClipError, match=message):
        clip_log_mel(clip, tmp_path, CHAIN)


def judged_by_pitch(tmp_path):
    for song, band in {"A": 20, "B": 30, "C": 90, "D": 84}.items():
        write_mel(tmp_path, song, band)
    (tmp_path / "E.npy").write_bytes(b"")
    rows = [
        dim_sim_row(1, ("A", "B", "C"), (9, 0)),
        dim_sim_row(2, ("C", "A", "D"), (1, 9)),
        dim_sim_row(3, ("A", "D", "B"), (9, 0)),  # people hear it the other way round
        dim_sim_row(4, ("A", "B", "lost"), (9, 0)),
        dim_sim_row(5, ("E", "A", "B"), (9, 0)),
    ]
    return read_dim_sim(write_csv(tmp_path / "raw.csv", rows))


@pytest.mark.parametrize("name", ["Caf\u00e9.wav", "Cafe\u0301.wav"])
def test_a_song_is_found_however_its_file_s_accents_are_encoded(tmp_path, name):
    soundfile.write(tmp_path / name, tone(200, 3), 22_050)
    assert len(clip_log_mel(Clip("Caf\u00e9"), tmp_path, LogMel()))


def test_missing_clips_are_listed_and_the_rest_is_scored(tmp_path):
    judged = embed_clips(judged_by_pitch(tmp_path), tmp_path, mean_band, CHAIN)
    assert judged.without_clips == 2 and sorted(judged.missing) == ["E @ 1.5 s", "lost @ 1.5 s"]
    assert "not found" in judged.missing["lost @ 1.5 s"] and "E.npy is no array" in judged.missing["E @ 1.5 s"]
    found = agreement_with_people(judged, judged.vectors, rounds=50)
    assert found.value == pytest.approx(2 / 3) and found.n == 3 and found.low <= found.value <= found.high


def test_two_clips_of_a_song_are_one_track_of_the_bootstrap(tmp_path):
    write_mel(tmp_path, "A", 20)
    write_mel(tmp_path, "B", 90)
    triplets = ((Clip("A", 1.0, 3.0), Clip("A", 9.0, 3.0), Clip("B", 1.0, 3.0)),)
    judged = embed_clips(Judgements(triplets, 0), tmp_path, mean_band, CHAIN)
    assert judged.songs.tolist() == [0, 0, 1] and judged.triplets.tolist() == [[0, 1, 2]]


def test_no_clip_at_all(tmp_path):
    judged = embed_clips(Judgements(((Clip("a"), Clip("b"), Clip("c")),), 0), tmp_path, mean_band, CHAIN)
    assert judged.without_clips == 1 and list(judged.missing) == ["a", "b", "c"]
    assert agreement_with_people(judged, judged.vectors) is None


def test_a_network_is_the_mean_over_windows():
    inputs = keras.Input((129, 128))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling1D()(inputs)))
    log_mel = np.random.default_rng(0).random((129 * 2 + 40, 128)).astype(np.float32)
    embed = network_embed(Embedder(model, CHAIN))
    expected = np.mean([model(log_mel[None, start : start + 129]).numpy()[0] for start in (0, 129)], axis=0)
    np.testing.assert_allclose(embed(log_mel), expected, atol=1e-5)
    assert embed(log_mel[:20]).shape == (3,)
