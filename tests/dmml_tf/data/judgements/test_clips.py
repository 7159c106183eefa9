"""Judged clips: the right sound, the judgements as given, bad files in one line, and a training on votes."""

import dataclasses
import itertools

import numpy as np
import pytest
from dmml_tf.configs import judged as judged_config

from dmml_tf.conditions import Conditions, Judged, SameTrack, SharedTag
from dmml_tf.data.forms import triplet_form
from dmml_tf.data.judgements.clips import JudgedClips, with_judgements
from dmml_tf.data.judgements.read import read_dim_sim
from dmml_tf.data.pipeline import BatchPlan, form_batches
from dmml_tf.data.signal import LOG_MEL
from dmml_tf.data.windows import play
from tests.dmml_tf.data.judgements.made_judgements import dim_sim_row, odd_row, write_csv, write_json
from tests.dmml_tf.data.judgements.made_votes import write_votes
from tests.synthetic import traced_track, write_dataset
from tfrecords_tools.errors import UserError

START = round(1.5 * 22_050 / 512)
TRAIN, VALID = [f"t{n:03d}" for n in range(18)], [f"t{n:03d}" for n in range(18, 28)]
PLAN = BatchPlan(tracks=6, windows=2, triplets=60, pool=12)


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """Tracks whose first two bands tell track and frame."""
    folder = tmp_path_factory.mktemp("traced")
    return write_dataset(folder, {"train": 18, "valid": 10, "test": 3}, make_track=traced_track)


def votes(file):
    return Judged("votes", width=8, file=str(file))


def source(window):
    """(track id, frame) that a traced window was cut from."""
    return f"t{int(window[0, 0]):03d}", int(window[0, 1])


def test_the_clips_are_those_that_were_judged(traced, tmp_path):
    file = write_votes(tmp_path / "votes.csv", TRAIN, 20)
    clips = JudgedClips.read(traced, "train", votes(file))
    given = [tuple(clip.song for clip in triplet) for triplet in read_dim_sim(file).triplets]
    held = JudgedClips.read(traced, "valid", votes(file))  # none is wholly in valid: some are held back
    assert 2 <= len(held.triplets) <= 10 and len(held.triplets) + len(clips.triplets) == 20
    drawn = []
    for judged in (clips, held):
        windows = judged.draw(20, np.random.default_rng(0))
        assert windows.sound.held.dtype == np.float16 and windows.sound.held.shape[1:] == (129, 128)
        assert [source(window) for window in windows.sound.held] == [(song, START) for song in windows.track_ids]
        assert windows.labels["start"].tolist() == [START] * len(windows.track_ids)
        codes = windows.labels["votes"]
        for t in range(len(judged.triplets)):
            drawn.append(
                tuple(windows.track_ids[np.flatnonzero((codes == 3 * t + role).any(axis=1))[0]] for role in range(3))
            )
    assert sorted(drawn) == sorted(given)


def test_a_clip_of_many_judgements_is_one_window(traced, tmp_path):
    rows = [dim_sim_row(n, ("t000", f"t{1 + n:03d}", f"t{2 + n:03d}"), (5, 0)) for n in range(12)]
    rows += [dim_sim_row(99, tuple(VALID[:3]), (5, 0))]
    clips = JudgedClips.read(traced, "train", votes(write_csv(tmp_path / "votes.csv", rows)))
    windows = clips.draw(12, np.random.default_rng(0))
    assert len(windows.track_ids) == len(set(windows.track_ids)) == 14
    assert (windows.labels["votes"][windows.track_ids.index("t000")] >= 0).sum() == 12
    few = clips.draw(3, np.random.default_rng(0))
    assert len(few.track_ids) < 14 and few.labels["votes"].max() == 8
    assert dict(zip(few.track_ids, few.labels["track"])) == {
        track: number for number, track in enumerate(sorted(few.track_ids))
    }


def test_the_memory_is_that_of_the_judged_clips(traced, tmp_path):
    clips = JudgedClips.read(traced, "train", votes(write_votes(tmp_path / "votes.csv", TRAIN[:6], 9)))
    assert len(clips.sound) <= 6
    for sound in clips.sound:
        assert sound.shape == (129, 128) and sound.dtype == np.float16 and sound.base is None


def test_missing_clips_are_counted_and_named_and_the_rest_used(traced, tmp_path, caplog):
    rows = [dim_sim_row(n, (TRAIN[n], TRAIN[n + 1], TRAIN[n + 2]), (9, 0)) for n in range(8)]
    rows += [dim_sim_row(8, ("t000", "absent", "t001"), (9, 0)), dim_sim_row(9, ("gone", "absent", "t001"), (9, 0))]
    rows += [dim_sim_row(10, tuple(TRAIN[:3]), (9, 0), start=9.0), dim_sim_row(11, tuple(VALID[:3]), (9, 0))]
    rows += [dim_sim_row(12, tuple(VALID[:3]), (9, 0), start=60.0)]
    condition = votes(write_json(tmp_path / "votes.json", rows, "columns"))
    clips, valid = (JudgedClips.read(traced, split, condition) for split in ("train", "valid"))
    assert (len(clips.triplets), len(valid.triplets)) == (8, 1)
    assert {(clip.song, clip.start): why for clip, why in clips.missing.items()} == {
        ("absent", 1.5): "no such track",
        ("gone", 1.5): "no such track",
        **{(song, 9.0): "its track ends before" for song in TRAIN[:3]},
    }
    assert caplog.text.count("absent @ 1.5 s (no such track)") == 1 and "5 clips of" in caplog.text
    # The valid split's say what they lack of their own.
    assert f"3 clips of {condition.file} are not in the data" in caplog.text
    assert f"{VALID[0]} @ 60 s (its track ends before)" in caplog.text


def test_a_file_without_a_clip_in_the_data_is_one_line(traced, tmp_path):
    file = write_votes(tmp_path / "votes.csv", ["x", "y", "z"], 4)
    with pytest.raises(
        UserError,
        match=r"votes.csv: none of its 4 judgements has all three clips in split 'train' "
        r"\(3 clips are not in the data at all\)",
    ) as caught:
        JudgedClips.read(traced, "train", votes(file))
    assert "\n" not in str(caught.value)
    assert not len(JudgedClips.read(traced, "valid", votes(file)).triplets)


@pytest.mark.parametrize(
    "file, said",
    [
        ("", "condition 'votes' has no file of judgements.*--config.judgements=FILE"),
        ("no_such.csv", "no_such.csv: cannot be read"),
    ],
)
def test_a_file_that_is_not_there_is_one_line(traced, file, said):
    with pytest.raises(UserError, match=said) as caught:
        JudgedClips.read(traced, "train", votes(file))
    assert "\n" not in str(caught.value)


def test_magnatagatunes_votes_are_whole_songs(traced, tmp_path):
    # Its ids are numbers; the fixture's are not, so that only the middle of a named one can be looked at.
    rows = [
        {**odd_row((0, 1, 2), (0, 1, 7)), **{f"clip{n}_id": song for n, song in enumerate(TRAIN[:3], 1)}},
        {**odd_row((3, 4, 5), (0, 1, 7)), **{f"clip{n}_id": song for n, song in enumerate(VALID[:3], 1)}},
    ]
    clips = JudgedClips.read(traced, "train", votes(write_csv(tmp_path / "comparisons_final.csv", rows, "\t")))
    windows = clips.draw(9, np.random.default_rng(0))
    assert len(clips.triplets) == 2 and {source(window) for window in windows.sound.held} == {
        (song, (430 - 129) // 2) for song in TRAIN[:3]
    }


def test_batches_hold_both_kinds_of_windows(traced, tmp_path):
    file = write_votes(tmp_path / "votes.csv", TRAIN, 20)
    genre, track = SharedTag("genre", width=8), SameTrack("track", width=0)
    conditions = Conditions([genre, votes(file), track])
    form = with_judgements(triplet_form(conditions, 60), traced, "train", conditions, PLAN)
    given = {tuple(clip.song for clip in triplet) for triplet in read_dim_sim(file).triplets}
    seen = set()
    for inputs, condition, _ in itertools.islice(form_batches(traced, "train", conditions, PLAN, form, seed=0), 40):
        assert 12 + 2 < len(inputs["windows"]) <= 12 + 3 and (condition == 1).sum() == 20
        cut_from = [source(window) for window in inputs["windows"]]
        judged = {tuple(cut_from[n] for n in row) for row in inputs["triplets"][condition == 1].tolist()}
        assert {start for row in judged for _, start in row} == {START}
        seen |= {tuple(song for song, _ in row) for row in judged}
        for a, p, n in inputs["triplets"][condition == 2].tolist():
            assert cut_from[a][0] == cut_from[p][0] != cut_from[n][0]  # also where a judged clip's song is in the pool
    assert seen <= given and len(seen) >= 10


@pytest.mark.parametrize("field", ["equaliser_db", "gain_db"])
def test_judged_clips_are_varied_too(synthetic, tmp_path, field):
    conditions = Conditions([votes(write_votes(tmp_path / "votes.csv", TRAIN, 20))])
    base = JudgedClips.read(synthetic, "train", conditions[0]).draw(1, np.random.default_rng(0))
    heard = []
    for gain in (0.0, 6.0):
        plan = dataclasses.replace(PLAN, **{field: gain})
        form = with_judgements(triplet_form(conditions, 60), synthetic, "train", conditions, plan)
        inputs, _, _ = form.make(base, np.random.default_rng(1))
        played = play(inputs["windows"], LOG_MEL, amplified=True).numpy()
        assert played.dtype == np.float32 and len(played) == 6
        heard.append(np.power(10.0, played[3:]) - 1)
        np.testing.assert_allclose(played[:3], base.sound.held, atol=1e-6)
    decibels = 20 * np.log10(heard[1] / np.maximum(heard[0], 1e-9))[heard[0] > 0.1]
    assert 1 < np.abs(decibels).max() < 6.2


def test_a_form_without_judgements_is_left_alone(traced):
    conditions = Conditions([SharedTag("genre", width=8)])
    form = triplet_form(conditions, 60)
    assert with_judgements(form, traced, "train", conditions, PLAN) is form


def test_every_batch_is_the_same_for_a_seed(traced, tmp_path):
    conditions = Conditions([votes(write_votes(tmp_path / "votes.csv", TRAIN, 20))])
    batches = []
    for seed in (1, 1, 2):
        form = with_judgements(triplet_form(conditions, 60), traced, "train", conditions, PLAN)
        inputs, _, _ = next(form_batches(traced, "train", conditions, PLAN, form, seed=seed))
        batches.append(inputs["windows"])
    np.testing.assert_array_equal(*batches[:2])
    assert not np.array_equal(batches[0], batches[2])


def test_the_configuration_hands_the_file_to_its_condition():
    config = judged_config.get_config()
    config.judgements = "votes.csv"
    assert config.conditions.votes.file == "votes.csv" and '"file": "votes.csv"' in config.to_json()
    assert config.order == ("votes", "track")
