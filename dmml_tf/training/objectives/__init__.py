"""What a network learns from: each objective gives a graph for `model.fit` and the form of its batches."""
