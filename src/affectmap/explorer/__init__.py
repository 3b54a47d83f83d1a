"""One page of activation and valence in which every utterance is a point that can be heard."""
