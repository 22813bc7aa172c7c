"""Operations: commands over the kernel (events, workers, preparation of a data folder)."""
