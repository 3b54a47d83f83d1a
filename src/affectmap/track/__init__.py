"""Tracking: how a voice moves through a recording of any length."""
