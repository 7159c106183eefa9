"""Files of embeddings hold little beside the numbers."""

import numpy as np
import pyarrow.parquet as pq

from dmml_tf.embed.parquet import embeddings_schema, join_parts, part_name, table_of, write_table

SIZE, ROWS, PARTS = 256, 256, 4


def test_a_file_is_hardly_larger_than_its_numbers(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((PARTS, ROWS, 1, SIZE)).astype(np.float32)
    schema = embeddings_schema(["id", "artist"], SIZE, "float32", False, "model")
    parts = [tmp_path / part_name(number) for number in range(PARTS)]
    for number, part in enumerate(parts):
        tracks = [{"id": f"{number}-{row}", "artist": f"artist {row % 9}"} for row in range(ROWS)]
        write_table(part, table_of(schema, tracks, list(vectors[number])))
    out = tmp_path / "out.parquet"
    assert join_parts(parts, out, schema) == PARTS * ROWS
    column = pq.read_table(out)["vector"].combine_chunks()
    np.testing.assert_array_equal(column.flatten().to_numpy().reshape(vectors.shape), vectors)
    for file, rows in ((out, PARTS * ROWS), (parts[0], ROWS)):
        assert file.stat().st_size < 1.05 * rows * SIZE * vectors.itemsize
