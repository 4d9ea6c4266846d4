"""Measures that several kinds of figures share."""
