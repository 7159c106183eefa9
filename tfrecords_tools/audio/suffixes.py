"""Suffixes of files that the decoders read, libsndfile or FFmpeg; a table may name files of any suffix."""

AUDIO_SUFFIXES = (
    # Samples as they are.
    *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".voc"),
    # Packed without loss, and one-bit sound.
    *(".flac", ".wv", ".ape", ".tta", ".tak", ".shn", ".mlp", ".thd", ".dsf", ".dff"),
    *(".mp3", ".mp2", ".mp1", ".mpga"),
    *(".ogg", ".oga", ".ogx", ".ogv", ".opus", ".spx"),
    *(".m4a", ".m4b", ".m4r", ".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".aac", ".adts"),
    *(".mka", ".mkv", ".webm", ".weba"),
    *(".wma", ".asf", ".wmv", ".avi", ".flv", ".mpg", ".mpeg", ".ra", ".rm"),
    *(".ac3", ".eac3", ".ec3", ".dts", ".dtshd", ".amr", ".awb", ".mpc", ".mpp", ".mp+", ".oma", ".aa3", ".at3"),
)
