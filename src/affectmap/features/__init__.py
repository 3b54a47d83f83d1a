"""Features: the 88 functionals of every utterance, or those of a speech encoder, measured once and cached."""
