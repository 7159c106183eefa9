"""Short songs and a table of their segments, good rows and bad ones, for builds that are compared."""

from pathlib import Path

from tests.tfrecords_tools.build.test_killed import make_songs

# Row of segments.csv -> field and reason that rejected.csv must give; every other row is kept.
BAD = {
    "t0,2,4,rock,,": ("end", "4 s lies after the end of the track, 3.200 s"),
    "t0,9,9.5,rock,,": ("end", "9.5 s lies after the end of the track"),
    "t0,3.3,3.4,rock,,": ("start", "3.3 s lies after the end of the track"),
    "t1,-1,2,rock,,": ("start", "lies before the song"),
    "t1,2,1,rock,,": ("end", "is not after the start"),
    "t1,2,2,rock,,": ("end", "is not after the start"),
    "t1,one,2,rock,,": ("start", "'one' is no number"),
    "t1,0,nan,rock,,": ("end", "not a finite number"),
    "t1,0:10,1,rock,,": ("start", "give seconds, such as 83.5 for 1:23.5"),
    "t1,0,1,rock,fast,": ("tempo", "'fast' is no number"),
    "t1,0,1,,,": ("", "labels nothing"),
    "t1,0,1,rock": ("", "has 4 cells, the header 6"),
    ",0,1,rock,,": ("track_id", "is empty"),
    "nobody,0,1,rock,,": ("track_id", "no row of the manifest that can be used has this id"),
    "t2,0.5,1.5,jazz,,": ("genre", "'jazz' begins before 1 s, up to where line "),
    "t2,2.2,3,,99,": ("tempo", "'99' begins before 2.5 s, up to where line "),
}
GOOD = [
    "t2,0,1,rock,,calm",
    "t2,0.5,0.75,rock,,",  # equal where it overlaps
    "t2,2,2.5,,120,",
    "t2,1,2.25,,,wild|calm",  # another dimension than those that it overlaps
    "t3,1.5,6.4,pop|rock,90.5,",  # ends .2 s after the song
    "t3,0,1.5,g1,,",
    "t4,0.1,0.2,,0.5,",
    "bad,0,1,rock,,",  # of a song that cannot be read
]


def make_segmented_songs(folder: Path, tracks: int) -> tuple[Path, Path]:
    """A manifest with songs, and segments.csv: the dimension `genre` is the songs' too, `tempo` and `mood` are not."""
    folder.mkdir(exist_ok=True)
    manifest = make_songs(folder, tracks)
    rows = [row for pair in zip(BAD, [*GOOD, *[""] * len(BAD)]) for row in pair]
    (folder / "segments.csv").write_text("\n".join(["track_id,start,end,genre,tempo,mood", *rows]) + "\n")
    return manifest, folder / "segments.csv"
