"""`python -m superion.cli` is `superion`."""

from superion.cli import main

if __name__ == "__main__":
    main()
