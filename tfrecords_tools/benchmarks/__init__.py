"""Where the time of a build goes, and how well tempo is estimated."""
