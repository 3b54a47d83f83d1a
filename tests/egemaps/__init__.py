"""Tests of eGeMAPSv02; a package, so that they share their signals."""
