"""Plans: duplicates, splits, order, vocabularies and tempo from the store on disk; many rows in little memory."""

import collections
import contextlib
import time
import tracemalloc

import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.split_in_memory import split_by_artist
from tfrecords_tools.build import plan_store
from tfrecords_tools.build.plan import Options, make_plan, shard_count
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.manifest import read_manifest
from tfrecords_tools.tables.rows import Reject
from tfrecords_tools.tables.splits import artist_keys, seeded_order


def plan_of(folder, lines: list[str], options: Options = Options("x"), header="track_id,path,artist,genre"):
    """A plan of a table whose audio is not looked at; to be closed."""
    (folder / "songs.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return contextlib.closing(
        make_plan(read_manifest(folder / "songs.csv", check_audio=False), options, folder / "plan.sqlite")
    )


def test_split_and_order_are_those_of_the_whole_table_in_memory(tmp_path):
    tracks = {f"t{k}": f"Artist {k * k % 37}" if k % 5 else "" for k in range(200)}
    with plan_of(tmp_path, [f"{t},{t}.wav,{a},g" for t, a in tracks.items()], Options("x", seed=3)) as plan:
        rows = [row for shard in plan.shards for row in plan.rows(shard)]
    keys = {track: artist_keys(track, artist)[0] for track, artist in tracks.items()}
    sides = split_by_artist(collections.Counter(keys.values()), 3)
    expected = sorted(tracks, key=lambda t: (SPLITS.index(sides[keys[t]]), seeded_order(3, t)))
    assert [row.track_id for row in rows] == expected
    assert all(row.split == sides[keys[row.track_id]] for row in rows)
    assert all(row.path == f"{tmp_path}/{row.track_id}.wav" for row in rows)


def test_tracks_of_several_artists_keep_each_of_them_on_one_side(tmp_path):
    rng = np.random.default_rng(0)
    artists = ["|".join(f"Artist {a}" for a in rng.integers(0, 90, 1 + k % 7 // 6)) for k in range(150)]
    with plan_of(tmp_path, [f"t{k},{k}.wav,{artist},g" for k, artist in enumerate(artists)], Options("x")) as plan:
        rows = [row for shard in plan.shards for row in plan.rows(shard)]
    sides: dict[str, set[str]] = {}
    for row in rows:
        for artist in row.artist.split("|"):
            sides.setdefault(artist, set()).add(row.split)
    assert len(rows) == 150 and {len(splits) for splits in sides.values()} == {1}
    assert {row.split for row in rows} == set(SPLITS) and any("|" in row.artist for row in rows)


def test_one_of_several_artists_on_both_sides_is_refused(tmp_path):
    lines = ["t1,a.wav,Ann|Bob,train", "t2,b.wav,Cem,test", "t3,c.wav,bob|Dee,test", "t4,d.wav,Eve|Ann,train"]
    with pytest.raises(UserError, match=r"1 artist.*'bob\|Dee' \(train and test\)"):
        with plan_of(tmp_path, lines, header="track_id,path,artist,split"):
            pass
    lines[2] = "t3,c.wav,Cem|Dee,test"
    with plan_of(tmp_path, lines, header="track_id,path,artist,split") as plan:
        assert sum(shard.count for shard in plan.shards) == 4


def test_labels_that_look_wrong_are_noted(tmp_path):
    rows = (
        (f"t{k}", ("Rock", "rock", "rock; pop")[k % 3], 12_593 if k == 9 else 120, 1990 + k % 20) for k in range(120)
    )
    lines = [f"{name},{name}.wav,,{genre},{tempo},{0 if name == 't4' else year}" for name, genre, tempo, year in rows]
    header = "track_id,path,artist,genre,tempo,year:value"
    with plan_of(tmp_path, lines, Options("x", tempo="column"), header=header) as plan:
        notes = list(plan.store.notes())
        assert plan.schema.vocabularies["genre"] == ("Rock", "rock", "rock; pop")
        values = {row.track_id: row.values for shard in plan.shards for row in plan.rows(shard)}
    assert values["t9"]["tempo"] == 12_593 and values["t4"]["year"] == 0
    assert [(note.line, note.track_id, note.kind, note.what) for note in notes] == [
        (1, "", "labels", "genre: 'Rock' (40 rows), 'rock' (40 rows) differ in case, blanks or signs alone"),
        (1, "", "labels", "genre: 'rock; pop' (40 rows) hold ';', and '|' separates tags"),
        (6, "t4", "labels", "year: 0, where half of all rows lie between 1994.75 and 2004.25"),
        (11, "t9", "labels", "tempo: 12593 beats a minute, where music has 20 to 400"),
    ]


def test_shards_partition_the_rows(tmp_path):
    with plan_of(tmp_path, [f"t{k},{k}.wav,a{k},g" for k in range(100)], Options("x", shards=7)) as plan:
        found = [[row.track_id for row in plan.rows(shard)] for shard in plan.shards]
        assert [len(rows) for rows in found] == [shard.count for shard in plan.shards]
        assert len({track for rows in found for track in rows}) == 100 == sum(map(len, found))
        assert sum(shard.split == "train" for shard in plan.shards) == 7
        assert next(shard.file for shard in plan.shards) == "x-train-00000-of-00007.tfrecord"


def test_of_two_rows_with_one_id_the_first_counts(tmp_path):
    lines = ["t1,a.wav,x,one", "t2,b.wav,y,two", "t1,c.wav,z,three", "t1,d.wav,z,four"]
    with plan_of(tmp_path, lines) as plan:
        assert list(plan.store.rejects()) == [Reject(line, "t1", "track_id", "duplicate of line 2") for line in (4, 5)]
        assert plan.schema.vocabularies == {"genre": ("one", "two")}
        assert sum(shard.count for shard in plan.shards) == 2 and plan.store.rejected() == 2


def test_rejects_come_by_line_whatever_found_them(tmp_path):
    lines = ["t1,a.wav,x,", "t2,b.wav,y,train", "t3,,z,train", "t2,d.wav,y,train", "t5,e.wav,q,dev"]
    with plan_of(tmp_path, lines, header="track_id,path,artist,split") as plan:
        plan.store.add_rejects([Reject(3, "t2", "path", "found later \udcff")])
        found = [(reject.line, reject.field, reject.reason.split(" ")[0]) for reject in plan.store.rejects()]
    assert found == [
        (2, "split", "is"),
        (3, "path", "found"),
        (4, "path", "is"),
        (5, "track_id", "duplicate"),
        (6, "split", "unknown"),
    ]


def test_an_artist_on_both_sides_is_named_with_the_option(tmp_path):
    lines = ["t1,a.wav,Ann,train", "t2,b.wav,ann ,test", "t3,c.wav,Bob,test", "t4,d.wav,,train", "t5,e.wav,,test"]
    with pytest.raises(UserError, match=r"1 artist.*'ann' \(train and test\).*--resplit"):
        with plan_of(tmp_path, lines, header="track_id,path,artist,split"):
            pass
    with plan_of(tmp_path, lines, Options("x", resplit=True), header="track_id,path,artist,split") as plan:
        assert sum(shard.count for shard in plan.shards) == 5


@pytest.mark.parametrize(
    "tempo, header, values, lacking",
    [
        (None, "tempo", ("tempo",), 1),
        (None, "mood", (), 0),
        ("madmom", "mood", ("tempo",), 2),
        ("none", "tempo", (), 0),
        ("madmom", "tempo", ("tempo",), 1),
        ("column", "tempo", ("tempo",), 0),
        ("column", "mood", (), 0),
    ],
)
def test_which_tempi_are_written_and_which_estimated(tmp_path, tempo, header, values, lacking):
    lines = ["t1,a.wav,x,120", "t2,b.wav,y,"]
    with plan_of(tmp_path, lines, Options("x", tempo=tempo), header=f"track_id,path,artist,{header}") as plan:
        assert plan.schema.values == values
        assert (plan.store.lacking_tempo() if plan.estimates else 0) == lacking
        rows = {row.track_id: row.values for shard in plan.shards for row in plan.rows(shard)}
    expected = {} if not values else {"tempo": 120.0 if header == "tempo" else None}
    assert rows["t1"] == expected


def test_madmom_beside_a_column_of_tempo_tags_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds tags.*rename the column"):
        with plan_of(tmp_path, ["t,a.wav,x,fast"], Options("x", tempo="madmom"), "track_id,path,artist,tempo:tag"):
            pass


def test_the_key_tells_other_input_and_options_apart(tmp_path):
    keys = []
    for lines, options in [
        (["t,a.wav,x,g"], Options("x")),
        (["t,a.wav,x,h"], Options("x")),
        (["t,a.wav,x,g"], Options("x", max_seconds=9.0)),
        (["t,a.wav,x,g"], Options("x")),
    ]:
        with plan_of(tmp_path, lines, options) as plan:
            keys.append(plan.key)
    assert keys[0] == keys[3] and len(set(keys)) == 3


def test_paths_inside_and_outside_the_audio_root(tmp_path):
    lines = [
        "track_id,path,artist",
        "t1,a/b.wav,",
        f"t2,{tmp_path}/root/c.wav,",
        f"t3,{tmp_path}/d.wav,",
        "t4,../../etc/passwd,",
        f"t5,{tmp_path}/rootless.wav,",
        "t6,a/../b.wav,",
    ]
    (tmp_path / "songs.csv").write_text("\n".join(lines) + "\n")
    found = {row.track_id: row for row in read_manifest(tmp_path / "songs.csv", tmp_path / "root", check_audio=False)}
    assert [found[name].path for name in ("t1", "t2", "t6")] == [
        f"{tmp_path}/root/{name}.wav" for name in ("a/b", "c", "b")
    ]
    assert all(
        "leaves the audio root" in found[name].reason and "--audio_root" in found[name].reason
        for name in ("t3", "t4", "t5")
    )
    free = {row.track_id: row for row in read_manifest(tmp_path / "songs.csv", check_audio=False)}
    assert free["t3"].path == f"{tmp_path}/d.wav" and isinstance(free["t4"], Reject)
    with pytest.raises(UserError, match="--audio_root.*is no folder"):
        read_manifest(tmp_path / "songs.csv", tmp_path / "gone")


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    real = make_plan.__globals__["PlanStore"]

    def small(*arguments):
        store = real(*arguments)
        store.database.execute("PRAGMA max_page_count = 12")
        return store

    monkeypatch.setitem(make_plan.__globals__, "PlanStore", small)
    with pytest.raises(UserError, match="plan.sqlite: cannot be written .*full.*; make room"):
        with plan_of(tmp_path, [f"t{k},{k}.wav,a{k},{'g' * 99}" for k in range(999)]):
            pass


def test_twenty_thousand_rows_are_planned_at_the_rate_of_a_million_in_two_minutes(tmp_path):
    start = time.process_time()
    with plan_of(tmp_path, [f"t{k},{k}.wav,Artist {k // 9},g{k % 50}|h{k % 7}" for k in range(20_000)]) as plan:
        assert sum(shard.count for shard in plan.shards) == 20_000
        assert all(plan.tracks(split) > 1900 for split in SPLITS)
    assert 20_000 / (time.process_time() - start) > 8_333


@pytest.mark.slow
def test_no_more_rows_are_held_than_a_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(plan_store, "_CHUNK", 100)
    peaks = []
    for rows in (1000, 4000):
        with plan_of(tmp_path, [f"t{k},{k}.wav,Artist {k // 9},g{k % 50}" for k in range(rows)]):
            pass
        tracemalloc.start()
        try:
            with contextlib.closing(
                make_plan(read_manifest(tmp_path / "songs.csv", check_audio=False), Options("x"))
            ) as plan:
                assert sum(1 for shard in plan.shards for _ in plan.rows(shard)) == rows
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    # 3,000 rows more as objects would be some two megabytes.
    assert peaks[1] < peaks[0] + 400_000


@pytest.mark.parametrize("lengths", [[1e300], [9e18, 30.0, None], [None], [1e9, 1e9, 30.0, 30.0, 30.0]])
def test_no_length_plans_more_shards_than_tracks_or_takes_memory(tmp_path, monkeypatch, lengths):
    monkeypatch.setattr("tfrecords_tools.build.plan.seconds_of", lambda path: lengths[int(path[-5]) % len(lengths)])
    tracemalloc.start()
    with plan_of(tmp_path, [f"t{k},{k}.wav,a{k},g" for k in range(100)]) as plan:
        assert len(plan.shards) <= 40 and sum(shard.count for shard in plan.shards) == 100
        assert 3.0 <= plan.seconds <= 200_000 and plan.bytes(plan.shards) <= 100 * 2.1e9
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def test_one_wrong_length_among_many_changes_the_estimate_little(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "tfrecords_tools.build.plan.seconds_of", lambda path: 90_000.0 if path.endswith("/3.wav") else 30.0
    )
    with plan_of(tmp_path, [f"t{k},{k}.wav,a{k},g" for k in range(32)]) as plan:
        assert plan.seconds == pytest.approx(30 + 270 / 32) and plan.measured == 32


@pytest.mark.parametrize(
    "tracks, track_bytes, count", [(0, 1e300, 0), (1, 1e300, 1), (9, 1e300, 3), (4000, 1e300, 1000)]
)
def test_shards_are_never_more_than_a_quarter_of_the_tracks(tracks, track_bytes, count):
    assert shard_count(tracks, track_bytes) == count


def test_a_flac_from_a_pipe_plans_what_it_holds(tmp_path):
    soundfile.write(tmp_path / "x.flac", np.zeros(5 * 22_050), 22_050)
    content = bytearray((tmp_path / "x.flac").read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    (tmp_path / "x.flac").write_bytes(content)
    assert soundfile.info(tmp_path / "x.flac").frames > 1 << 60
    with plan_of(tmp_path, [f"t{k},x.flac,a{k},g" for k in range(16)]) as plan:
        assert plan.seconds == pytest.approx(5.0) and len(plan.shards) <= 6
