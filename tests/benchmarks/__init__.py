"""Speed and memory, as ratios against a limit or a peer taken in the same run.

Never a timed assertion: `bin/bench SCENARIO` prints a table, or one object with --json.
docs/performance.md says what bounds each figure.
"""
