"""`dmml card`: the card of a model that comes with the package."""

from absl import flags

from dmml_tf.pretrained.card import card_text, songs_text
from dmml_tf.pretrained.contents import MODELS, PRETRAINED


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string("run", PRETRAINED, f"Whose card: {' or '.join(MODELS)}.", flag_values=fv)
    flags.DEFINE_bool("songs", False, "List every song of the corpus: artist, title, package, licence.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the card, or the list of songs."""
    print(songs_text() if fv.songs else card_text(fv.run))
