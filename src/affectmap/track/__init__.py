"""Tracking: how a voice moves through a recording of any length, or through a stream."""

from __future__ import annotations

from affectmap.track.recording import Track, track, track_stream

__all__ = ["Track", "track", "track_stream"]
