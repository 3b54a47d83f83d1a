"""Synthetic speech for the demo: what is said, how emotions sound, and who speaks."""
