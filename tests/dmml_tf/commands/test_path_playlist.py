"""`dmml path`, `dmml playlist` and what `dmml search` shares with them, on a made index."""

import csv
import json
from pathlib import Path

import pytest

from dmml_tf.search.index import Index
from tests.dmml_tf.search.made import CONDITIONS, raw_vectors, rows
from tfrecords_tools.program import Command, dispatch

COMMANDS = [Command(name, name, f"dmml_tf.commands.{name}") for name in ("search", "path", "playlist", "bench_paths")]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A run's folder with an index alone, `run`, and a dataset's table of where its songs are, `data`."""
    folder = tmp_path_factory.mktemp("place")
    tracks = [{**row, "album": f"Album {i % 5}", "year": str(1990 + i % 20)} for i, row in enumerate(rows(40))]
    tracks = [{**track, "seconds": "60.0"} for track in tracks]
    Index.build(raw_vectors(40), CONDITIONS, tracks).save(folder / "run" / "index")
    (folder / "data").mkdir()
    with (folder / "data" / "tracks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "path"])
        # Of the last two no file is known.
        writer.writerows([track["id"], folder / "music" / f"{track['id']}.mp3"] for track in tracks[:-2])
    return folder


def dmml(capsys, place, *arguments) -> tuple[int, str, str]:
    """(exit status, standard output, standard error)."""
    capsys.readouterr()
    command, *rest = map(str, arguments)
    status = dispatch(
        "dmml", "", COMMANDS, [command, "--run", str(place / "run"), "--data", str(place / "data"), *rest]
    )
    return status, *capsys.readouterr()


def test_a_path_as_a_table_json_and_playlist(place, capsys, tmp_path):
    asked = ("path", "--from", "t001", "--to", "t008", "--steps", "4", "--weights", "mood=1,tempo=0.5")
    status, out, _ = dmml(capsys, place, *asked, "--m3u", tmp_path / "way.m3u8")
    lines = out.splitlines()
    assert status == 0 and lines[0].split()[:6] == ["#", "id", "title", "artist", "progress", "step"]
    ids = [line.split()[1] for line in lines[1:6]]
    assert ids[0] == "t001" and ids[-1] == "t008" and len(set(ids)) == 5
    assert lines[6].startswith("largest step ") and lines[7] == f"{tmp_path / 'way.m3u8'}: 5 songs"
    listed = (tmp_path / "way.m3u8").read_text().splitlines()
    assert [Path(line).stem for line in listed[2::2]] == ids and listed[1].startswith("#EXTINF:60,artist ")
    assert (tmp_path / listed[2]).resolve() == place / "music" / "t001.mp3"
    status, out, _ = dmml(capsys, place, *asked, "--format=json")
    found = json.loads(out)
    assert [song["id"] for song in found["songs"]] == ids and found["query"]["steps"] == 4
    assert found["songs"][0]["path"] == str(place / "music" / "t001.mp3") and found["songs"][0]["seconds"] == 60.0
    assert max(song["step"] for song in found["songs"]) == pytest.approx(found["largest_step"])
    assert found["songs"][0]["labels"].keys() == {"genre", "mood", "tempo"}
    status, out, _ = dmml(capsys, place, *asked, "--format=json", "--keep=genre", "--most_per_artist=2", "--vary=0.1")
    kept = json.loads(out)["songs"]
    assert status == 0 and max(sum(song["artist"] == f"artist {n}" for song in kept) for n in range(4)) <= 2


def test_a_playlist_as_a_table_json_and_playlist(place, capsys, tmp_path):
    asked = ("playlist", "--track", "t001", "--track", "t002", "--like", "t003", "--dislike", "t004", "--songs", "9")
    status, out, _ = dmml(capsys, place, *asked, "--m3u", tmp_path / "new" / "list.m3u8", "--most_per_album=2")
    lines = out.splitlines()
    ids = [line.split()[1] for line in lines[1:10]]
    assert status == 0 and ids[:2] == ["t001", "t002"] and not {"t003", "t004"} & {*ids}
    unknown = [track["id"] for track in rows(40)[-2:] if track["id"] in ids]
    assert len((tmp_path / "new" / "list.m3u8").read_text().splitlines()) == 1 + 2 * (9 - len(unknown))
    status, out, _ = dmml(capsys, place, *asked, "--format=json", "--variety=0")
    songs = json.loads(out)["songs"]
    assert status == 0 and [song["rank"] for song in songs] == [*range(1, 10)]
    likeness = [song["likeness"] for song in songs]
    assert likeness[:2] == [1, 1] and likeness[2:] == sorted(likeness[2:], reverse=True)
    status, out, _ = dmml(capsys, place, "playlist", "--track", "t001", "--minutes", "5")
    assert status == 0 and len(out.splitlines()) == 6


def test_search_has_paths_rules_and_a_playlist(place, capsys, tmp_path):
    asked = ("search", "--track", "t001", "-k", "6", "--filter", "artist!=artist 2", "--filter", "year=1995..2005")
    asked = (*asked, "--filter", "path!=t00*", "--not_its_album", "--m3u", tmp_path / "like.m3u8")
    status, out, _ = dmml(capsys, place, *asked, "--format=json")
    results = json.loads(out)["results"]
    assert status == 0 and len(results) == 6
    own = next(track for track in rows(40) if track["id"] == "t001")
    for result in results:
        assert result["artist"] != "artist 2" and 1995 <= int(result["year"]) <= 2005 and result["id"] > "t00~"
        assert (result["album"], result["artist"]) != (f"Album {rows(40).index(own) % 5}", own["artist"])
        assert result["path"] in (None, str(place / "music" / f"{result['id']}.mp3"))
    status, out, _ = dmml(capsys, place, *asked)
    assert status == 0 and "like.m3u8: " in out.splitlines()[-1]
    seeds = [dmml(capsys, place, "search", "--track", "t001", "--vary=0.5", f"--seed={seed}")[1] for seed in (0, 0, 1)]
    assert seeds[0] == seeds[1] != seeds[2]


def test_ways_are_compared(place, capsys):
    capsys.readouterr()
    status = dispatch("dmml", "", COMMANDS, ["bench_paths", "--run", str(place / "run"), "--pairs=6", "--steps=4"])
    lines = capsys.readouterr().out.splitlines()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    assert status == 0 and table[0][2:5] == ["largest step", "mean step", "uneven by"]
    ours, greedy = table[2], table[3]
    assert ours[:2] == ["4 steps", "dmml path"] and greedy[:2] == ["4 steps", "greedy walk"]
    assert float(ours[2]) <= float(greedy[2]) and {row[1] for row in table[4:]} == {
        "dmml path",
        "greedy walk",
        "shortest path",
    }


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (("path", "--from", "t001", "--to", "t001"), "the path's ends are the same song, 't001'; name two"),
        (("path", "--from", "t001", "--to", "t0088"), "t0088: no such file, and no track 't0088' in the index"),
        (("path", "--from", "t001", "--to", "t008", "--steps=50"), "songs lie between the path's ends"),
        (("path", "--from", "t001", "--to", "t008", "--filter", "gnre=x"), "no column 'gnre' to filter by"),
        (("path", "--from", "t001", "--to", "t008", "--filter", "genre=polka"), "no songs lie between"),
        (("path", "--from", "t001", "--to", "t008", "--keep=mod"), "no condition 'mod' to keep"),
        (("path", "--from", "t001", "--to", "t008", "--weights=mood=-1,tempo=1"), "the weight of 'mood' is -1"),
        (("path", "--from", "t001", "--to", "t008", "--m3u=x.txt"), "x.txt: a playlist's name ends in .m3u8"),
        (("playlist",), "no song to ask by"),
        (("playlist", "--track", "t001", "--songs=5", "--minutes=5"), "in songs or in minutes, not both"),
        (("playlist", "--track", "t001", "--variety=2"), "variety is 2.0"),
        (("playlist", "--track", "nowhere"), "nowhere: no such file, and no track 'nowhere'"),
        (("search", "--track", "t001", "--vary=1"), "vary is 1.0"),
        (("search", "--track", "t001", "--library=x"), "give one of --run FOLDER and --library FOLDER"),
    ],
)
def test_bad_input_is_one_line(place, capsys, arguments, reason):
    status, out, error = dmml(capsys, place, *arguments)
    assert status == 2 and out == "" and reason in error and len(error.strip().splitlines()) == 1


def test_a_playlist_of_songs_whose_files_nobody_knows(place, capsys, tmp_path):
    (tmp_path / "tracks.csv").write_text("track_id,path\n")
    status, _, error = dmml(
        capsys, place, "search", "--track", "t001", "--data", tmp_path, "--m3u", tmp_path / "a.m3u8"
    )
    assert status == 2 and "no audio file is known of" in error and not (tmp_path / "a.m3u8").exists()
