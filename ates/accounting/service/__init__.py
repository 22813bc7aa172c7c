"""What people may do with the books: each function is one use case in the caller's transaction."""
