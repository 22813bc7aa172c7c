"""The Awesome Task Exchange System: tasks by lot, fees and rewards, paid every day."""

__version__ = "0.1.0"
