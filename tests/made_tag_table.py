"""A `tracks.csv` with nothing but labels, for what reads no sound."""

import csv


def write_tracks(folder, schema, rows):
    """Rows of (split, ids of each tag column in turn ..., values in turn ...); None is an empty value."""
    with (folder / "tracks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "title", "artist", "split", "duration", *schema.vocabularies, *schema.values])
        for number, (split, *labels) in enumerate(rows):
            tags = ["|".join(names[i] for i in ids) for names, ids in zip(schema.vocabularies.values(), labels)]
            values = ["" if value is None else value for value in labels[len(tags):]]
            writer.writerow([f"t{number}", "", "", split, "10.0", *tags, *values])
