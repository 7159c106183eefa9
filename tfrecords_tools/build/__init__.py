"""A table of audio files -> sharded TFRecords, in processes or on Apache Beam."""
