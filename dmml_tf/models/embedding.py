"""The embedding network: a log-mel window in, 256 numbers out. Plain Keras layers but for the stem.

Source: Lee et al., ICASSP 2020, section 3.2.
"""

from collections.abc import Sequence

from tensorflow import keras

from dmml_tf.models.blocks import MOMENTUM, block_by_name
from dmml_tf.models.stem import Stem
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

layers = keras.layers

BLOCK_COUNT = 6  # 64x64 -> 32 -> 16 -> 8 -> 4 -> 2 -> 1x1


def build_embedding(block: str = "inception", width: int | Sequence[int] = 64, size: int = 256) -> keras.Model:
    """Functional model: log-mel float32 [batch, 129, 128] -> embedding float32 [batch, size].

    Shapes with the defaults: 129x128 -> stem 64x64x64 -> six blocks -> 1x1x256 -> dense 256.

    Args:
        block: name of the block, see `dmml_tf.models.blocks`.
        width: filters of the stem and of each branch; the paper's network has 64. Seven numbers give
            the stem and each block its own: a small network is best narrow where its maps are large.
        size: numbers of the embedding.

    The input is `log10(1 + 10 S)` as the records hold it; the first layer standardises it with the
    paper's fixed constants, so that no caller can forget to. The output is not of unit length: masks come before that.

    Raises:
        UserError: on an unknown block, or widths that are not seven.
    """
    add_block, chain = block_by_name(block), LogMel()
    widths = [width] * (1 + BLOCK_COUNT) if isinstance(width, int) else list(width)
    if len(widths) != 1 + BLOCK_COUNT:
        raise UserError(f"width takes one number or {1 + BLOCK_COUNT} (stem and blocks), got {len(widths)}")

    # --- layers
    log_mel = layers.Input((chain.window_frames, chain.n_mels), name="log_mel")
    x = layers.Rescaling(1.0 / chain.deviation, offset=-chain.mean / chain.deviation)(log_mel)
    x = Stem(widths[0], name="stem")(x)
    for block_width in widths[1:]:
        x = add_block(x, block_width)
    x = layers.Flatten()(x)
    x = layers.Dense(size, use_bias=False, name="dense")(x)
    # A mean of zero lets the unit vectors use the whole sphere; a shared offset would leave them a small cap.
    embedding = layers.BatchNormalization(momentum=MOMENTUM, name="embedding")(x)

    # --- functional model
    return keras.Model(log_mel, embedding, name="embedding_network")
