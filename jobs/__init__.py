"""What a worker knows how to do. The list is written by hand: importing it declares all."""

from jobs import tasks, timetable

__all__ = ["tasks", "timetable"]
