"""The model that comes with the package: its files, how a run becomes them, how they become a run, its card."""
