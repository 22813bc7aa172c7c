"""Operations: pages and commands over the kernel (events, workers, letters, checks)."""
