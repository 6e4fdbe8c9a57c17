"""``python -m srnet``: the command line."""

from srnet.cli import main

main()
