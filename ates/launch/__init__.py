"""What `python3 -m ates` starts: preparation of a machine, and the supervisor of all processes."""
