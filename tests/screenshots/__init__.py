"""Pictures of the demonstration company, taken by a real Chromium: `make screenshots`."""
