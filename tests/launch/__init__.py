"""The two commands, as a newcomer gives them."""
