"""``python -m larkpost``: the command line, where its script is not on the path."""

from larkpost.cli import main

main(prog_name="python -m larkpost")
