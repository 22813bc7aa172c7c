"""What every part stands on: database, events and their delivery, worker, letters, clock, ids."""
