"""The main job: corpus, records, training, evaluation, index, export and report in one command."""
