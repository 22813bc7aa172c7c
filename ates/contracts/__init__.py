"""The events, one module per producer, and the words in them: all that two parts share."""
