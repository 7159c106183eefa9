"""How good a model is: triplet accuracy, the cross table, retrieval."""
