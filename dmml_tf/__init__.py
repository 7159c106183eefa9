"""Disentangled multidimensional metric learning for music similarity (Lee et al., ICASSP 2020)."""
