"""`python -m cpescript`: the same as the `cpescript` command."""

from cpescript.cli import main

if __name__ == "__main__":
    main()
