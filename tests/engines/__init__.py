"""The machinery of the tests: real servers, fresh databases, browsers and whole installations."""
