"""A `tracks.csv` with nothing but labels, for what reads no sound."""

import csv


def write_tracks(folder, schema, rows, names=None):
    """Rows of (split, ids of each tag column in turn ..., values in turn ...); None is an empty value.

    `names`: (track id, title, artist, duration) of each; None makes some up.
    """
    with (folder / "tracks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "title", "artist", "split", "duration", *schema.vocabularies, *schema.values])
        for number, (split, *labels) in enumerate(rows):
            tags = ["|".join(names[i] for i in ids) for names, ids in zip(schema.vocabularies.values(), labels)]
            values = ["" if value is None else value for value in labels[len(tags) :]]
            track_id, title, artist, duration = names[number] if names else (f"t{number}", "", "", 10.0)
            writer.writerow([track_id, title, artist, split, duration, *tags, *values])
