"""`make bench`: the house against the bare driver, in one run, on one machine."""
