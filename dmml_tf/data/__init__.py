"""Records -> tracks -> windows -> triplets: one tf.data pipeline."""
