"""What ``scripts/benchmark.py`` is made of: works, contestants, their processes, measures."""
