"""`python -m causalkit` is the command line."""

from causalkit.cli.app import main

if __name__ == "__main__":
    main()
