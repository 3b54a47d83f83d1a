"""Audio: recordings of any length and format, where speech is in them, and what is wrong with them."""
