"""`python -m engine`, which is what bin/engine runs.

While the modules load, Ctrl-C ends the program without a traceback; from then on each command
sees to it.
"""

import signal


def main() -> None:
    # In the background of a shell it is ignored, and stays so.
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if listens:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from engine.cli import cli

    if listens:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli(prog_name="bin/engine")


main()
