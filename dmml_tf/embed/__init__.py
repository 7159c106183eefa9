"""Sound of any origin -> embeddings: records, files, streams of samples."""
