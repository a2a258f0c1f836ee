"""The HTTP API for machines, under /api/v1 (contract section 5).

bearer.py      who asks, and what they may
problem.py     what a request that fails is answered with
reading.py     a body as strict JSON, a query, and their shapes
route.py       one thing that can be asked; everything.py lists them all
rows.py        the shape of evidence
evidence.py signups.py decisions.py objections.py log.py people.py    what is done
openapi.py     the document, made from the same routes and models
"""

from gateway.web.api.everything import Api, Rooms, Stories

__all__ = ["Api", "Rooms", "Stories"]
