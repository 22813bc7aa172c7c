"""Analytics: what management earned and who is below zero.

Owns read models made from the events of accounting and auth alone; says nothing; hears every event
of the ledger and every change of a person. All of it can be wiped and rebuilt from the log (R21).
"""
