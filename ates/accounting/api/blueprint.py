"""Where all JSON endpoints of accounting are declared."""

from ates.web.api import Api

api = Api("accounting")
