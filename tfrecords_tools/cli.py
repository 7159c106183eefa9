"""`dmml-records`: audio files and labels -> sharded TFRecords."""

import sys
from collections.abc import Sequence

from tfrecords_tools.program import Command, dispatch

COMMANDS = (
    Command("bench", "where the time of a build goes on this machine", "tfrecords_tools.commands.bench"),
    Command("build", "a table of audio files and labels -> records", "tfrecords_tools.commands.build"),
    Command("debian_music", "fetch 32 hours of free music, and its table", "tfrecords_tools.commands.debian_music"),
    Command("demo", "render the demo corpus and its table", "tfrecords_tools.commands.demo_corpus"),
    Command("folder", "a folder of audio without labels -> a table", "tfrecords_tools.commands.folder"),
    Command("inspect", "tables and pictures of what a dataset holds", "tfrecords_tools.commands.inspect"),
    Command("joined", "render songs whose labels change on the way", "tfrecords_tools.commands.joined"),
    Command("msd", "the Million Song Dataset's tagging split -> a table", "tfrecords_tools.commands.msd"),
    Command("mtg_jamendo", "MTG-Jamendo's autotagging files -> a table", "tfrecords_tools.commands.mtg_jamendo"),
    Command("pretraining", "free music and rendered songs in one table", "tfrecords_tools.commands.pretraining"),
    Command("sparse", "the demo's table with most labels hidden", "tfrecords_tools.commands.sparse"),
    Command("tempo_accuracy", "madmom against the true tempo of a table", "tfrecords_tools.commands.tempo_accuracy"),
    Command("verify", "read every record back and compare it with the tables", "tfrecords_tools.commands.verify"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `dmml-records` with `argv` (default: the process's arguments); returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    return dispatch("dmml-records", "audio files and labels -> sharded TFRecords", COMMANDS, arguments)


if __name__ == "__main__":
    sys.exit(main())
