"""``python -m larkpost``: the command line, if its script is not on the path."""

from larkpost.cli import main

main(prog_name="python -m larkpost")
