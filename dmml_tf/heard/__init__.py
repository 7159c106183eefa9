"""What each sub-space hears in a song: the tags, or the value, that its training labels suggest, with a share.

Such a label is heard, not read: a guess about a song that nobody labelled, with the probability that it is right.
"""
