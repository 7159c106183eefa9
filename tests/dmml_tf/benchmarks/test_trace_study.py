"""Songs that change: measures against counts by hand and mir_eval's own words, and the command on made records."""

import json

import matplotlib.image
import mir_eval
import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.benchmarks import trace_study
from dmml_tf.benchmarks.changes import detection, f_of_all, false_boundaries, joins_of
from dmml_tf.benchmarks.heard_split import HeardSplit, hear_split
from dmml_tf.benchmarks.trace_study import (
    Study,
    SubspaceFigures,
    boundary_ratios,
    choose_threshold,
    named_rightly,
    study_run,
)
from dmml_tf.benchmarks.trace_table import summarise
from dmml_tf.cli import main
from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.data.segment_labels import timelines
from dmml_tf.embed.embedder import Embedder
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.spaces import search_vectors
from dmml_tf.trace.trace import Trace
from tests.single_spaced import single_spaced
from tests.synthetic import SCHEMA, SEGMENTED_SCHEMA, synthetic_track, write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.program import Command, dispatch

CONDITIONS = Conditions([SharedTag("genre", width=4), SharedTag("mood", width=4), Within("tempo", 5.0, width=4)])
GENRE = CONDITIONS[0]


def song(**segments) -> dict:
    """A row of `SEGMENTED_SCHEMA` with genre 0 and no tempo of its own, of 40 s."""
    empty = {
        "segments/start": np.zeros(0),
        "segments/end": np.zeros(0),
        "segments/tags/genre": np.zeros((0, 2)),
        "segments/values/tempo": np.zeros(0),
    }
    return {"tags/genre": [0], "values/tempo": np.nan, **empty, **segments}


def test_joins_are_where_one_label_ends_and_another_begins():
    row = song(
        **{
            "segments/start": np.array([0.0, 10.0, 20.0, 30.0]),
            "segments/end": np.array([10.0, 20.0, 30.0, 40.0]),
            "segments/tags/genre": np.array([[0, 0], [1, 2], [2, 2], [3, 0]]),
            "segments/values/tempo": np.array([np.nan, 90.0, 90.0, 120.0]),
        }
    )
    lines = timelines(SEGMENTED_SCHEMA, row)
    assert joins_of(lines["genre"], 40.0) == [10.0, 30.0]
    # Where a tempo begins to be known is a change of the label, the song's own end is none.
    assert joins_of(lines["tempo"], 40.0) == [10.0, 30.0]
    assert timelines(SEGMENTED_SCHEMA, song()) == {}


@pytest.mark.parametrize("window", [0.5, 3.0])
def test_detection_is_mir_evals(window):
    rng = np.random.default_rng(0)
    for _ in range(20):
        joins, found = (sorted(rng.uniform(1, 39, rng.integers(1, 5)).tolist()) for _ in range(2))

        def parts(boundaries):
            return np.array(list(zip([0.0, *boundaries], [*boundaries, 40.0])))

        expected = mir_eval.segment.detection(parts(joins), parts(found), window=window, trim=True)
        assert detection(joins, found, 40.0, window) == expected
    assert detection([20.0], [], 40.0, window) == (0.0, 0.0, 0.0)


def test_false_boundaries_by_loops():
    assert false_boundaries([20.0], [17.0, 23.0, 23.1, 5.0]) == 2
    assert false_boundaries([], [1.0, 2.0]) == 2 and false_boundaries([3.0], []) == 0
    rng = np.random.default_rng(1)
    for _ in range(20):
        joins, found = (rng.uniform(0, 40, rng.integers(0, 6)).tolist() for _ in range(2))
        count = 0
        for second in found:
            if not any(join - 3 <= second <= join + 3 for join in joins):
                count += 1
        assert false_boundaries(joins, found) == count


def test_f_of_all_counts_songs_without_a_join():
    # One of three joins is found, by one of two boundaries; another song has a false one.
    songs = [([10.0, 30.0], [10.0, 20.0], 40.0), ([20.0], [], 40.0), ([], [7.0], 40.0), ([], [], 40.0)]
    assert f_of_all(songs) == pytest.approx(2 * 1 / (2 * 1 + 2 + 2))
    assert f_of_all([([], [], 40.0)]) == 0.0


def made_trace(name: str, jumps: dict[int, float], windows: int = 60) -> Trace:
    """Half-second hops; before window i the genre's vector turns by an angle."""
    angle = np.cumsum([jumps.get(i, 0.0) for i in range(windows)])
    vectors = np.ones((windows, CONDITIONS.size), np.float32)
    vectors[:, :4] = np.stack([np.cos(angle), np.sin(angle), 0 * angle, 0 * angle], axis=1)
    return Trace(name, 32.5, 0.5, search_vectors(vectors, CONDITIONS), CONDITIONS, 3.0)


@pytest.fixture(scope="module")
def made() -> HeardSplit:
    """Two songs: one with a join at window 30 (16.25 s) and a weaker turn, one with a weak turn and no join."""
    traces = [made_trace("a", {30: 1.5, 10: 0.9}), made_trace("b", {20: 0.9})]
    song_of, second = np.repeat([0, 1], 60), np.tile(np.arange(60), 2)
    genre = np.where((song_of == 0) & (second >= 30), 1, 0)
    genre[[25, 26]] = -1
    labels = {"genre": genre[:, None].astype(np.int32), "track": song_of}
    return HeardSplit(traces, [{"genre": [16.25]}, {}], labels, {"genre": ("folk", "jazz")})


def test_boundaries_are_counted_by_song(made):
    low, high = boundary_ratios(made, GENRE, 0.2), boundary_ratios(made, GENRE, 0.6)
    assert low["hits"].tolist() == high["hits"].tolist() == [[1, 0], [1, 0]]
    assert low["f_measure"][0].tolist() == pytest.approx([2 / 3, 0]) and high["f_measure"][0, 0] == 1
    minutes = 32.5 / 60
    np.testing.assert_allclose(low["false_own"], [[1, 0], [minutes, 0]])
    np.testing.assert_allclose(low["false_others"], [[0, 1], [0, minutes]])
    assert high["false_own"][0].sum() == high["false_others"][0].sum() == 0
    assert 0.2 < choose_threshold(made, GENRE) < 0.8


def test_windows_are_named_by_their_nearest(made):
    # Neighbours of the first part of song 0 (angle 0) and of the second (beyond 1.5) in another split.
    known = HeardSplit(
        [made_trace("c", {6: 2.4}, windows=12)],
        [{}],
        {"genre": np.array([[0]] * 6 + [[1]] * 6, np.int32), "track": np.zeros(12, int)},
        made.vocabularies,
    )
    # 58 windows have a label; those at 0.9 are nearer to 0 than to 2.4.
    assert named_rightly(made, known, GENRE).tolist() == [[58, 0], [58, 0]]
    backwards = HeardSplit(
        known.traces, known.joins, {**known.labels, "genre": known.labels["genre"][::-1]}, made.vocabularies
    )
    assert named_rightly(made, backwards, GENRE).tolist() == [[0, 0], [58, 0]]


def one_study(hits: list[float], right: list[float]) -> Study:
    """Two songs: of the measures all have the same figures."""
    ratios = dict.fromkeys(
        ("hits", "false_own", "false_others", "f_measure", "f_exactly", "named", "hits_default", "false_default"),
        np.array([hits, [1.0, 1.0]]),
    )
    triplets = np.array([[0, 2, 1], [2, 0, 3]])
    correct = {name: np.array(right) for name in ("windows", "within")}
    figures = SubspaceFigures("genre", 0.2, ratios, dict.fromkeys(correct, triplets), correct)
    traces = [made_trace(name, {}, windows=2) for name in "ab"]
    return Study({"genre": figures}, HeardSplit(traces, [{"genre": [1.0]}, {}], {"track": np.array([0, 0, 1, 1])}, {}))


def test_seeds_are_averaged_and_systems_compared_on_the_same_songs():
    systems = {
        "whole": [one_study([0.0, 1.0], [1, 0]), one_study([0.0, 0.0], [0, 0])],
        "segments": [one_study([0.5, 1.5], [1, 1])],
    }
    genre = summarise(systems)["genre"]
    whole, segments, difference = (
        genre["systems"]["whole"],
        genre["systems"]["segments"],
        genre["differences"]["segments"],
    )
    assert genre["changes"] == 1
    assert whole["hits"] == {"value": 0.25, "low": 0.0, "high": 0.5} and whole["windows"]["value"] == 0.25
    assert segments["hits"] == {"value": 1.0, "low": 0.5, "high": 1.5}
    # Every song gains, the first .5 and the second 1.
    assert difference["hits"] == {"value": 0.75, "low": 0.5, "high": 1.0} and difference["within"]["value"] == 0.75
    with pytest.raises(UserError, match="same conditions"):
        summarise({"a": systems["whole"], "b": [Study({}, HeardSplit([], [], {}, {}))]})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Records with segments, and an untrained run."""
    folder = tmp_path_factory.mktemp("study")
    dataset = write_dataset(folder / "data", {"train": 6, "valid": 4, "test": 5}, frames=1300, segments=True)
    keras.utils.set_random_seed(0)
    network = {"block": "conv", "width": 2, "size": CONDITIONS.size}
    run = Run(folder / "run", CONDITIONS, network, LogMel(), SCHEMA, str(dataset.folder))
    run.save(build_embedding(**network))
    return run, dataset


@pytest.mark.slow
def test_the_command_measures_and_draws(place, tmp_path, capsys, monkeypatch):
    run, dataset = place
    heard = hear_split(Embedder.of_run(run), run.conditions, dataset, "test", 0.5)
    # Every fifth track has no segments.
    assert sorted(len(joins) for joins in heard.joins) == [0, 2, 2, 2, 2] and heard.joins[0] and len(heard.traces) == 5
    middle = 650 * 512 / 22050
    assert heard.joins[0]["genre"] == pytest.approx([middle], abs=1e-3)
    # A window that lies three quarters in the first half has its label; one across the middle has none.
    cells, times = heard.cells(GENRE), heard.traces[0].times
    assert all(cell == cells[0] != "" for cell, time in zip(cells, times) if time < middle - 1.5)
    assert cells[int(np.abs(times - middle).argmin())] == "" != cells[len(times) - 1] != cells[0]

    studies = []
    monkeypatch.setattr(trace_study, "TRIPLETS", 500)
    monkeypatch.setattr(trace_study, "study_run", lambda *asked: studies.append(study_run(*asked)) or studies[-1])
    asked = ["trace_study", f"--system=one={run.folder}", f"--data={dataset.folder}", f"--out={tmp_path}"]
    assert main([*asked, f"--picture={tmp_path / 'new' / 'picture.png'}"]) == 0
    (study,) = studies
    assert set(study.subspaces) == {"genre", "tempo"} and len(study.changes("genre")) == 4
    within = study.subspaces["genre"].triplets["within"]
    song_of = heard.labels["track"][within]
    assert len(within) and (song_of[:, 0] == song_of[:, 2]).all() and (song_of[:, 0] != song_of[:, 1]).all()

    content, page = json.loads((tmp_path / "trace_study.json").read_text()), single_spaced(capsys.readouterr().out)
    assert content["runs"] == {"one": [str(run.folder)]} and content["songs"] == 5
    genre = content["summary"]["genre"]
    assert genre["systems"]["one"]["within"]["value"] == study.subspaces["genre"].correct["within"].mean()
    assert "## genre, which changes in 4 songs" in page and "Difference" not in page
    assert matplotlib.image.imread(tmp_path / "new" / "picture.png").ndim == 3


@pytest.mark.slow
def test_what_cannot_be_measured_is_one_line(place, tmp_path, capsys):
    run, dataset = place
    for system in ("runs/demo", "=runs/demo", "demo=", "demo=,"):
        assert main(["trace_study", f"--system={system}", f"--data={dataset.folder}", f"--out={tmp_path}"]) == 2
        assert "takes NAME=RUN" in capsys.readouterr().err
    whole = write_dataset(tmp_path / "whole", {"train": 2, "valid": 2, "test": 2})
    with pytest.raises(UserError, match=r"segments label none.*genre, mood, tempo.*--segments"):
        study_run(run, whole, 0.5)
    splits = {"train": 2, "valid": 2, "test": 2}
    same = write_dataset(tmp_path / "same", splits, segments=True, make_track=synthetic_track)
    with pytest.raises(UserError, match="no label changes within a song of the test split"):
        study_run(run, same, 0.5)


def test_what_the_study_needs_is_named(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    commands = [Command("trace_study", "", "dmml_tf.commands.trace_study")]
    assert dispatch("dmml", "", commands, ["trace_study", "--system", "a=none"]) == 2
    assert "mir_eval; install with: pip install 'dmml[demo]'" in capsys.readouterr().err
