"""The admin pages, under /admin, behind a login (contract section 5).

operator.py    who asks, and what they may
route.py       one thing that can be asked; everything.py lists them all
gate.py        who is let through to a page, and what happens when one fails
origin.py      whether a request came from a page of ours    cookie.py  where the session's token is kept
form.py        the fields of a form      pages.py  a page from its template
signing_in.py  the way in and out        account.py  one's own account    operators.py  everybody's
audit.py       what operators did, written and shown
"""
