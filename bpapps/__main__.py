"""``python -m bpapps`` is the ``bpapps`` command."""

from bpapps.cli import main

if __name__ == "__main__":
    main()
