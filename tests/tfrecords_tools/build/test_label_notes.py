"""What is said of a column of tags, and what is not."""

import pytest

from tfrecords_tools.build.label_notes import tag_notes


@pytest.mark.parametrize(
    "counts, said",
    [
        ({"rock": 3, "pop": 2}, []),
        (
            {"Rock": 3, "rock": 2, "ROCK": 1, "pop": 1},
            ["'ROCK' (1 rows), 'Rock' (3 rows), 'rock' (2 rows) differ in case"],
        ),
        ({"hip hop": 3, "Hip-Hop": 2, "hop": 5}, ["'Hip-Hop' (2 rows), 'hip hop' (3 rows) differ in"]),
        ({"r\u00f6ck": 3, "rock": 2}, []),
        ({"+": 3, "-": 2}, []),
        ({"rock; pop": 3, "jazz": 2}, ["'rock; pop' (3 rows) hold ';', and '|' separates tags"]),
        ({"rock, pop": 3, "Pop": 2}, ["'rock, pop' (3 rows) hold ','"]),
        ({"AC/DC": 3, "Earth, Wind & Fire": 2}, []),
        ({"rock/pop": 3, "rock": 2, "a/b": 2}, ["'rock/pop' (3 rows) hold '/'"]),
        ({f"{a}; {a + 1}": 2 for a in range(10, 17)}, ["'14; 15' (2 rows) and 2 more hold ';'"]),
        ({f"song {number}": 1 for number in range(20)}, ["genre: no two rows share one of its 20 tags"]),
        ({"a": 1, "b": 1}, []),
        ({}, []),
    ],
)
def test_what_is_said(counts, said):
    notes = list(tag_notes("genre", counts))
    assert len(notes) == len(said) and all(note.kind == "labels" for note in notes)
    for note, words in zip(notes, said):
        assert words in note.what and "taken" in note.done
