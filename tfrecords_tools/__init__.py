"""Audio files and labels -> sharded TFRecords. Knows no model; never imports Keras."""
