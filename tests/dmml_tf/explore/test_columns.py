"""What songs can be filtered by."""

from dmml_tf.explore.columns import NUMBERS, TEXT, ValueColumn, filter_columns, kind_of
from tests.dmml_tf.explore.client import ask


def test_values_are_counted_tag_by_tag_and_empty_cells_are_not():
    column = ValueColumn.of("genre", ["folk|jazz", "jazz", "", "folk|jazz", "Éclair"])
    assert column.counts == {"folk": 2, "jazz": 3, "Éclair": 1}
    assert column.most_frequent("", 2) == [("jazz", 3), ("folk", 2)]
    assert column.most_frequent("ECL", 9) == [("Éclair", 1)]
    assert kind_of(column) == TEXT and column.bounds is None


def test_numbers_have_bounds_and_an_artist_called_by_one_is_no_number():
    years = ValueColumn.of("year", ["1999", "", "1967", "1999"])
    assert years.bounds == (1967.0, 1999.0) and kind_of(years) == NUMBERS
    assert kind_of(ValueColumn.of("artist", ["311", "1975"])) == TEXT
    assert ValueColumn.of("year", ["1999", "nan"]).bounds is None and ValueColumn.of("year", [""]).bounds is None


def test_the_page_is_told_what_there_is(address, songs):
    assert filter_columns(songs.index.tracks[0]) == ["artist", "genre", "tempo"]
    _, columns = ask(address, "/api/v1/filters")
    assert [(column["name"], column["kind"]) for column in columns] == [
        ("artist", TEXT),
        ("genre", TEXT),
        ("tempo", NUMBERS),
    ]
    assert (columns[2]["low"], columns[2]["high"]) == (60.0, 83.0)
    _, values = ask(address, "/api/v1/values?column=genre&text=o")
    assert values[0] == {"value": "folk", "songs": 16} and {"value": "rock", "songs": 7} in values
    assert ask(address, "/api/v1/values?column=title")[0] == 404
