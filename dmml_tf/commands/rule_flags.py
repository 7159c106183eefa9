"""The flags of `dmml_tf.search.rules.Rules`, which search, path and playlist share."""

from absl import flags

from dmml_tf.search.filters import parse_filter
from dmml_tf.search.rules import Rules


def define_rule_flags(fv: flags.FlagValues) -> None:
    """Defines what results must be, besides similar."""
    flags.DEFINE_multi_string(
        "filter",
        [],
        "What results must have, in any column: artist=NAME, genre=TAG, tempo=90..120, year=1990..1999, "
        "seconds=120..300; genre!=TAG: must not have; path=Live/* and path!=Live/*: the id by a pattern (* is any "
        "text, ? one character). Given several times, all of them.",
        flag_values=fv,
    )
    flags.DEFINE_bool("not_its_artist", False, "Leave out the artists of the tracks asked by.", flag_values=fv)
    flags.DEFINE_bool("not_its_album", False, "Leave out the albums of the tracks asked by.", flag_values=fv)
    flags.DEFINE_integer("most_per_artist", None, "Tracks of one artist, at most.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("most_per_album", None, "Tracks of one album, at most.", lower_bound=1, flag_values=fv)
    flags.DEFINE_float(
        "vary",
        0.0,
        "Variation: the share of all tracks, 0 to below 1, left out at random; another --seed leaves out others.",
        flag_values=fv,
    )
    flags.DEFINE_integer("seed", 0, "Of --vary.", lower_bound=0, flag_values=fv)


def chosen_rules(fv: flags.FlagValues) -> Rules:
    """The rules that the flags state.

    Raises:
        UserError: if a filter cannot be read, or `--vary` is no share.
    """
    return Rules(
        filters=[parse_filter(text) for text in fv.filter],
        not_its_artist=fv.not_its_artist,
        not_its_album=fv.not_its_album,
        most_per_artist=fv.most_per_artist,
        most_per_album=fv.most_per_album,
        vary=fv.vary,
        seed=fv.seed,
    )
