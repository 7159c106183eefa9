"""People's judgements: files of votes, their division into splits, and the clips that they are about."""
