"""One inner-product index; weights, several examples, mix and match."""
