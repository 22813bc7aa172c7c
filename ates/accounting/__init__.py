"""Accounting: prices tasks, charges and rewards people, closes days, pays, and proves its figures.

Owns the ledger and everything summed from it. Says `day_opened`, `tasks_priced`, `entries_posted`,
`day_closed` and `day_paid`. Hears what tasks says of creations, assignments and completions, and
what auth says of people.
"""
