"""Speech corpora, one file each."""
