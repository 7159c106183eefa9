"""`dmml models`: what each block and each frontend costs."""

from absl import flags
from tensorflow import keras

from dmml_tf.models import musicnn
from dmml_tf.models.blocks import BLOCKS
from dmml_tf.models.count import multiply_adds
from dmml_tf.models.embedding import BODIES, FRONTENDS, build_embedding


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_integer(
        "width",
        64,
        "Filters of the stem and of each branch; the paper's network has 64.",
        lower_bound=1,
        flag_values=fv,
    )


def run(fv: flags.FlagValues) -> None:
    """Prints one line a combination: parameters (those of normalisations too), multiply-adds of one 3 s window."""
    head = f"{'frontend':<14}{'block':<11}{'parameters':>12}{'multiply-adds':>17}"
    print(f"{head}   (one window of 3 s, width {fv.width})")
    for frontend, block in combinations():
        keras.backend.clear_session()
        model = build_embedding(block or "inception", fv.width, frontend=frontend)
        print(f"{frontend:<14}{block or '-':<11}{model.count_params():>12,}{multiply_adds(model):>17,}")


def combinations() -> list[tuple[str, str]]:
    """(frontend, block) of every network that can be built here; no block for a frontend with a body of its own."""
    built = [frontend for frontend in FRONTENDS if frontend != "musicnn" or musicnn.installed()]
    return [(frontend, block) for frontend in built for block in ([""] if frontend in BODIES else BLOCKS)]
