"""Systems without a network, scored alike."""
