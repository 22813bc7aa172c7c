"""The books on trial: real databases, acts of everybody around them, and what must always hold."""
