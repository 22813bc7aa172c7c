"""Auth keeps people, roles, passwords and sessions; says who was registered and who changed.

It hears nobody. It alone signs access tokens; every part verifies them by itself (R1).
"""
