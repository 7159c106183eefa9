"""The embedding network, frontend -> body -> head: a window in, 256 numbers out.

Source: Lee et al., ICASSP 2020, section 3.2.
"""

from collections.abc import Callable, Sequence

from tensorflow import keras

from dmml_tf.models.blocks import block_by_name
from dmml_tf.models.frontends import MAPS, audio_input
from dmml_tf.models.musicnn import musicnn_vector
from dmml_tf.models.normalisation import MOMENTUM
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
# Of the tower's map, so many bands become one: what counts there is when something sounds, not how high.
BANDS_A_TOWER_BAND = 4


def build_embedding(
    block: str = "inception",
    width: int | Sequence[int] = 64,
    size: int = 256,
    frontend: str = "log_mel",
    *,
    features: LogMel = PAPER_CHAIN,
    offset: bool = True,
    tower_size: int = 0,
    tower_width: int | Sequence[int] = 4,
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
        tower_size: the last so many numbers come from a body of their own, the tower, which sees the map with every
            four bands as one. Under a condition whose sub-space they are (the tempo, where it is the last), it learns
            without being heard in the others. 0: one body for all, as in the paper; as many as `size`: a tower alone.
        tower_width: as `width`, of the tower.

    A log-mel window is `log10(1 + 10 S)` as the records hold it; the first layer standardises it with the
    paper's fixed constants, so that no caller can forget to. The output is not of unit length: masks come before that.

    Raises:
        UserError: on an unknown block or frontend, widths that are not seven, a tower of more numbers than there are
            or beside a body that takes no block, or `musicnn` without its package.
    """
    add_block = block_by_name(block)
    if frontend not in FRONTENDS:
        raise UserError(f"unknown frontend '{frontend}'; known are: {', '.join(FRONTENDS)}")
    if not 0 <= tower_size <= size:
        raise UserError(f"tower_size {tower_size} is not in 0..{size}, the embedding's numbers")
    if tower_size and frontend in BODIES:
        raise UserError(f"a tower reads the map of a frontend, and {frontend} has none; leave out tower_size")

    # --- layers
    numbers = []
    if frontend == "sample_cnn":
        window = audio_input(features)
        x = sample_cnn_vector(window, _widths(width, count=1)[0])
    elif frontend == "musicnn":
        window = audio_input(features)
        x = musicnn_vector(window, features.sample_rate)
    else:
        window, sound = MAPS[frontend](features)
        x = _body(sound, _widths(width), add_block, "stem") if tower_size < size else None
    if x is not None:
        numbers.append(layers.Dense(size - tower_size, use_bias=False, name="dense")(x))
    if tower_size:
        channels = 1 if len(sound.shape) == 3 else sound.shape[3]  # by number: LiteRT takes no unknown one
        bands = layers.Reshape((*sound.shape[1:3], channels))(sound)
        bands = layers.AveragePooling2D((1, BANDS_A_TOWER_BAND))(bands)
        tower = _body(bands, _widths(tower_width, "tower_width"), add_block, "tower_stem")
        numbers.append(layers.Dense(tower_size, use_bias=False, name="tower_dense")(tower))
    x = layers.Concatenate()(numbers) if len(numbers) > 1 else numbers[0]
    # A mean of zero lets the unit vectors use the whole sphere; a shared offset leaves them a small cap.
    embedding = layers.BatchNormalization(momentum=MOMENTUM, center=offset, name="embedding")(x)

    # --- functional model
    return keras.Model(window, embedding, name="embedding_network")


def _body(sound, widths: Sequence[int], add_block: Callable, stem: str):
    """The stem and the blocks after it: a map [H, W] or [H, W, C] -> [N], N the channels at the single place left."""
    x = Stem(widths[0], name=stem)(sound)
    for block_width in widths[1:]:
        x = add_block(x, block_width)
    return layers.Flatten()(x)


def _widths(width: int | Sequence[int], name: str = "width", count: int = 1 + BLOCK_COUNT) -> list[int]:
    widths = [width] * count if isinstance(width, int) else list(width)
    if len(widths) != count:
        takes = f"one number or {count} (stem and blocks)" if count > 1 else "one number with frontend sample_cnn"
        raise UserError(f"{name} takes {takes}, got {len(widths)}")
    return widths
