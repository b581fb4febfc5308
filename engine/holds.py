"""What holds back an effect that was approved, in the words of its card.

The keys are what `tasks.parked_for` says then. A card is drawn anew when the task is parked
for one of them, and when it goes on (`progress.write`).
"""

from __future__ import annotations

HOLDS = {
    "halted": "everything is stopped, until `/sop resume`",
    "holiday": "today is a holiday, and no customer is written to",
    "away": "somebody is away, and marketing waits until they are back",
}
