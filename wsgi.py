"""The application for any WSGI server, and for Flask's command line."""

from ates.app import create_app
from ates.config import Config

app = create_app(Config.from_env())
