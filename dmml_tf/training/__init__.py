"""Training: the loop, its callbacks, losses, metrics, miners, optimizers and schedules."""
