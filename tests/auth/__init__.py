"""What auth promises."""
