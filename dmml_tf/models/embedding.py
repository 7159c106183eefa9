"""The embedding network, frontend -> body -> head: a window in, 256 numbers out.

Source: Lee et al., ICASSP 2020, section 3.2.
"""

from collections.abc import Sequence

from tensorflow import keras

from dmml_tf.models.blocks import MOMENTUM, block_by_name
from dmml_tf.models.frontends import MAPS, audio_input
from dmml_tf.models.musicnn import musicnn_vector
from dmml_tf.models.sample_cnn import sample_cnn_vector
from dmml_tf.models.stem import Stem
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel

layers = keras.layers

BLOCK_COUNT = 6  # 64x64 -> 32 -> 16 -> 8 -> 4 -> 2 -> 1x1
# Frontend and body in one: they take no block.
BODIES = ("sample_cnn", "musicnn")
# Those of `MAPS`, which a body of blocks follows, and the rest.
FRONTENDS = (*MAPS, *BODIES)


def build_embedding(
    block: str = "inception",
    width: int | Sequence[int] = 64,
    size: int = 256,
    frontend: str = "log_mel",
    *,
    features: LogMel = PAPER_CHAIN,
    offset: bool = True,
) -> keras.Model:
    """Functional model: a window -> embedding float32 [batch, size].

    >>> network = dmml.embedding_network(block="conv", width=(4, 1, 1, 1, 2, 4, 8))    # the paper's without arguments
    >>> network(np.zeros((2, 129, 128), np.float32)).shape.as_list()
    [2, 256]

    Shapes with the defaults: 129x128 -> stem 64x64x64 -> six blocks -> 1x1x256 -> dense 256.

    Args:
        block: name of the block, see `dmml_tf.models.blocks`; `sample_cnn` and `musicnn` have bodies of their own and
            take none.
        width: filters of the stem and of each branch; the paper's network has 64. Seven numbers give
            the stem and each block its own: a small network is best narrow where its maps are large.
            `sample_cnn` takes one number; 64 gives the published filters. `musicnn` takes none.
        size: numbers of the embedding.
        frontend: what a window is. `log_mel`: the record's, float32 [batch, 129, 128]. Others take samples,
            float32 [batch, 66150]: `log_mel_audio` (the same features, in the graph), `leaf` (learned filters),
            `multi_input` (log-mel, chroma and tempogram as three channels), `sample_cnn` (no filters at all),
            `musicnn` (the 400 features of two trained networks that stay as they are, see `dmml_tf.models.musicnn`).
        features: the signal chain of the records, by which windows are sized and standardised.
        offset: whether the last normalisation may add an offset that all embeddings share. In a long training at a high
            rate it grows, since closer vectors cost a hinge less, until all lie in a narrow cone.

    A log-mel window is `log10(1 + 10 S)` as the records hold it; the first layer standardises it with the
    paper's fixed constants, so that no caller can forget to. The output is not of unit length: masks come before that.

    Raises:
        UserError: on an unknown block or frontend, widths that are not seven, or `musicnn` without its package.
    """
    add_block = block_by_name(block)
    if frontend not in FRONTENDS:
        raise UserError(f"unknown frontend '{frontend}'; known are: {', '.join(FRONTENDS)}")

    # --- layers
    if frontend == "sample_cnn":
        window = audio_input(features)
        x = sample_cnn_vector(window, _widths(width, 1)[0])
    elif frontend == "musicnn":
        window = audio_input(features)
        x = musicnn_vector(window, features.sample_rate)
    else:
        widths = _widths(width, 1 + BLOCK_COUNT)
        window, x = MAPS[frontend](features)
        x = Stem(widths[0], name="stem")(x)
        for block_width in widths[1:]:
            x = add_block(x, block_width)
        x = layers.Flatten()(x)
    x = layers.Dense(size, use_bias=False, name="dense")(x)
    # A mean of zero lets the unit vectors use the whole sphere; a shared offset leaves them a small cap.
    embedding = layers.BatchNormalization(momentum=MOMENTUM, center=offset, name="embedding")(x)

    # --- functional model
    return keras.Model(window, embedding, name="embedding_network")


def _widths(width: int | Sequence[int], count: int) -> list[int]:
    widths = [width] * count if isinstance(width, int) else list(width)
    if len(widths) != count:
        takes = f"one number or {count} (stem and blocks)" if count > 1 else "one number with frontend sample_cnn"
        raise UserError(f"width takes {takes}, got {len(widths)}")
    return widths
