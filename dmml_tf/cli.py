"""`dmml`: train, evaluate, export and search. Each command is a thin door to a function."""

import sys
from collections.abc import Sequence

from tfrecords_tools.program import Command, dispatch

COMMANDS = (
    Command("demo", "the whole job on a made corpus or on your own music", "dmml_tf.commands.demo"),
    Command("train", "train a model on records", "dmml_tf.commands.train"),
    Command("heads", "train the last layer alone, of a trained run or on musicnn", "dmml_tf.commands.heads"),
    Command("models", "parameters and multiply-adds of every block and frontend", "dmml_tf.commands.models"),
    Command("evaluate", "score a run on held-out triplets", "dmml_tf.commands.evaluate"),
    Command("table", "train and score every system of a paper, in its own tables", "dmml_tf.commands.table"),
    Command("embed", "turn audio files or records of any number into embeddings", "dmml_tf.commands.embed"),
    Command("index", "index a run's tracks for search", "dmml_tf.commands.index"),
    Command("scan", "a library of your own music, kept up to date with its folders", "dmml_tf.commands.scan"),
    Command("search", "find similar tracks, with a weight on each condition", "dmml_tf.commands.search"),
    Command("duplicates", "recordings that are in a library more than once", "dmml_tf.commands.duplicates"),
    Command("path", "songs that lead from one to another in small steps", "dmml_tf.commands.path"),
    Command("playlist", "songs like some and unlike others, and not too like each other", "dmml_tf.commands.playlist"),
    Command("heard", "fit what the sub-spaces say of songs without labels", "dmml_tf.commands.heard"),
    Command("explore", "a local web page to search a run by ear and eye", "dmml_tf.commands.explore"),
    Command("judge", "a local page on which people say which clip is more like another", "dmml_tf.commands.judge"),
    Command("card", "what a model that comes with the package is, and was trained on", "dmml_tf.commands.card"),
    Command("zero_shot", "find tracks by a tag, also one never trained with", "dmml_tf.commands.zero_shot"),
    Command("projector", "show a run's sub-spaces in TensorBoard", "dmml_tf.commands.projector"),
    Command("trace", "follow a song through time in every sub-space", "dmml_tf.commands.trace"),
    Command("trace_study", "how well runs hear labels change within songs", "dmml_tf.commands.trace_study"),
    Command("export", "write a run's SavedModel for serving", "dmml_tf.commands.export"),
    Command("pack", "make a run a model that comes with the package", "dmml_tf.commands.pack"),
    Command("bench search", "recall and time of searches among made vectors", "dmml_tf.commands.bench_search"),
    Command("bench paths", "paths beside a greedy walk and a shortest path", "dmml_tf.commands.bench_paths"),
    Command(
        "bench growth", "time and memory of each step over more and more made tracks", "dmml_tf.commands.bench_growth"
    ),
    Command("bench scale", "what a million songs or more cost, by measured rates", "dmml_tf.commands.bench_scale"),
    Command("bench library", "load, search, path and playlist of many made songs", "dmml_tf.commands.bench_library"),
    Command("bench input", "windows a second that the input delivers, part by part", "dmml_tf.commands.bench_input"),
    Command("bench step", "time a training step, beside PyTorch where it is", "dmml_tf.commands.bench_step"),
    Command("bench sampler", "check and time the drawing of triplets", "dmml_tf.commands.bench_sampler"),
    Command("bench songs", "runs beside other systems on the same whole songs", "dmml_tf.commands.bench_songs"),
    Command("bench listeners", "simulated listeners: put in and measured", "dmml_tf.commands.bench_listeners"),
    Command("bench duplicates", "how many of made copies are found", "dmml_tf.commands.bench_duplicates"),
    Command("bench excerpts", "what excerpts of songs lose and gain", "dmml_tf.commands.bench_excerpts"),
    Command("bench stretches", "what an index of stretches of songs finds", "dmml_tf.commands.bench_stretches"),
    Command("bench self_search", "whether changed songs find themselves", "dmml_tf.commands.bench_self_search"),
    Command("bench inference", "the network by each engine, and a query by audio", "dmml_tf.commands.bench_inference"),
    Command("bench serve", "time a run's exported model, by batch size", "dmml_tf.commands.bench_serve"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `dmml` with `argv` (default: the process's arguments); returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    return dispatch("dmml", "search music by how it is similar", COMMANDS, arguments)


if __name__ == "__main__":
    sys.exit(main())
