"""The shell all parts stand on: identity, access, forms, languages, errors, layout."""
