"""Data sets: found by name or path, downloaded, read, and split."""
