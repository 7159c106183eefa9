"""Measurements that people run by hand: the sampler, searches, serving, the forms of a batch, traces of made songs."""
