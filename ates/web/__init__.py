"""The shell: identity, access, forms, languages, errors, layout. Parts stand on it, it knows none."""
