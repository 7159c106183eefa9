"""`dmml duplicates`: the recordings that are in a library more than once; nothing is deleted."""

import json

from absl import flags

from dmml_tf.library.duplicates import COSINE, find_duplicates
from dmml_tf.library.library import Library
from dmml_tf.library.same_recording import SAME


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string("library", None, "Folder of a library, as dmml scan makes it.", required=True, flag_values=fv)
    flags.DEFINE_float(
        "cosine",
        COSINE,
        "Two songs are compared if their cosine in each sub-space is at least that; lower finds copies that sound "
        "different, and takes longer.",
        flag_values=fv,
    )
    flags.DEFINE_float(
        "similarity",
        SAME,
        "Two files are one recording if 9 in 10 of their 2 s segments correlate at least that much.",
        flag_values=fv,
    )
    flags.DEFINE_integer("workers", 0, "Processes that decode; 0: one a core.", lower_bound=0, flag_values=fv)
    flags.DEFINE_enum("format", "table", ["table", "json"], "How the groups are printed.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the groups."""
    library = Library.open(fv.library)
    found = find_duplicates(
        library.index, library.sound, cosine=fv.cosine, similarity=fv.similarity, workers=fv.workers
    )
    print(json.dumps(found.to_json(), indent=1, ensure_ascii=False) if fv.format == "json" else found)
