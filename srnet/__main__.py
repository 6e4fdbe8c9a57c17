"""``python -m srnet``: the command line."""

from srnet.commands.cli import main

main()
