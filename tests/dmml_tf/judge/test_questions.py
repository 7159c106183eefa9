"""Which triplets are asked: at random, or where spaces disagree, and how likely each was."""

import numpy as np
import pytest

from dmml_tf.data.judgements.votes import DISAGREEING, RANDOM
from dmml_tf.judge.disagreement import disagreement, margins_by_space
from dmml_tf.judge.questions import MOST_DISAGREED, draw_clips, draw_questions
from dmml_tf.judge.songs import Song, songs_to_play
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

CHAIN = LogMel()
MANY = [Song(f"s{n:03d}", 3.0 + n / 10, None) for n in range(200)]


def contested(triplets):
    """A made disagreement, which a triplet's clips decide."""
    return np.array([sum(clip.start for clip in triplet) for triplet in triplets])


def test_random_questions_are_an_anchor_and_two_other_songs():
    asked = draw_questions(MANY, CHAIN, 60, 0.0, lambda _: pytest.fail("nobody asked"), 0)
    assert len({question.triplet_id for question in asked}) == 60
    length = {song.track_id: song.seconds for song in MANY}
    for question in asked:
        assert (question.why, question.times_as_likely, question.disagreement) == (RANDOM, 1.0, None)
        assert len({clip.song for clip in question.clips}) == 3
        for clip in question.clips:
            assert 0 <= clip.start <= length[clip.song] - 3.0 + 1e-6 and clip.seconds == 3.0
            # At a frame of the records, so that the network hears what people hear.
            frame = clip.start * CHAIN.frames_per_second
            assert frame == pytest.approx(round(frame), abs=1e-4)
    assert (
        asked
        == draw_questions(MANY, CHAIN, 60, 0.0, contested, 0)
        != draw_questions(MANY, CHAIN, 60, 0.0, contested, 1)
    )


def test_every_song_is_drawn_as_often():
    clips = draw_clips(MANY[50:60], CHAIN, 25, np.random.default_rng(0))
    counts = [sum(clip.song == song.track_id for clip in clips) for song in MANY[50:60]]
    assert sorted(counts) == [2] * 5 + [3] * 5


def test_a_share_is_about_what_is_contested_and_says_how_likely_it_was():
    asked = draw_questions(MANY, CHAIN, 300, 0.4, contested, 3)
    parts = {why: [question for question in asked if question.why == why] for why in (RANDOM, DISAGREEING)}
    assert [len(part) for part in parts.values()] == [180, 120]
    least = min(question.disagreement for question in parts[DISAGREEING])
    often, seldom = 0.6 + 0.4 / MOST_DISAGREED, 0.6
    assert {question.times_as_likely for question in parts[DISAGREEING]} == {often}
    assert {question.times_as_likely for question in parts[RANDOM]} == {often, seldom}
    for question in parts[RANDOM]:
        assert question.times_as_likely == (often if question.disagreement >= least - 0.5 else seldom) or (
            abs(question.disagreement - least) < 0.5
        )
    # Weighted back, the contested ones are the tenth that they are among random triplets.
    weights = np.array([1 / question.times_as_likely for question in asked])
    much = np.array([question.times_as_likely == often for question in asked])
    assert weights[much].sum() / weights.sum() == pytest.approx(MOST_DISAGREED, abs=0.04)


def test_what_is_not_known_is_not_asked():
    def some(triplets):
        known = contested(triplets)
        known[::5] = np.nan
        return known

    asked = draw_questions(MANY, CHAIN, 50, 0.5, some, 0)
    assert len(asked) == 20 + 25 and not any(np.isnan(question.disagreement) for question in asked)


@pytest.mark.parametrize("disputed", [0.0, 0.04])
def test_where_little_is_disputed_that_is_asked_and_its_share_is_known(disputed):
    def few(triplets):
        return np.where(contested(triplets) >= np.quantile(contested(triplets), 1 - disputed), 1.0, 0.0) * (
            disputed > 0
        )

    asked = draw_questions(MANY, CHAIN, 200, 0.5, few, 0)
    assert sum(question.why == DISAGREEING for question in asked) == (100 if disputed else 0)
    weights = np.array([1 / question.times_as_likely for question in asked])
    much = np.array([question.disagreement > 0 for question in asked])
    assert weights[much].sum() / weights.sum() == pytest.approx(disputed, abs=0.03)


def test_disagreement_is_the_strength_of_the_weaker_side():
    margins = np.array([[0.3, 30.0], [0.3, -30.0], [0.3, -3.0], [-0.3, 0.0], [np.nan, 1.0]])
    found = disagreement(margins)
    assert found[0] == found[3] == 0 and np.isnan(found[4])
    assert found[1] > found[2] > 0 and np.argsort(-found[:4])[0] == 1
    # Of like spread first: a space of small distances has as much to say.
    np.testing.assert_allclose(found, disagreement(margins * (1, 100)))


def test_sub_spaces_disagree_about_some_songs(trained, dataset):
    asked = draw_questions(songs_to_play(dataset, "test"), CHAIN, 12, 0.0, contested, 0)
    margins = margins_by_space([trained, trained], dataset, [question.clips for question in asked])
    assert margins.shape == (12, 6) and np.isfinite(margins).all()
    np.testing.assert_array_equal(margins[:, :3], margins[:, 3:])
    assert disagreement(margins).max() > 0


def test_a_run_without_audio_to_play_is_one_line(dataset):
    assert [song.track_id for song in songs_to_play(dataset, "test")] == [f"t{n:03d}" for n in range(9)]
    with pytest.raises(UserError, match="0 songs of split 'train' have audio to play.*--data.*--split") as caught:
        songs_to_play(dataset, "train")
    assert "\n" not in str(caught.value)
