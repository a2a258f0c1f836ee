"""Mail as bytes in and bytes out: no clock, no input or output, no randomness.

message.py     the header as exact byte slices, and what the gateway asks of a message
originator.py  who the message says it is from: the From: field, read strictly
provider.py    control fields: ours, and those by which a provider would widen or unsubscribe
structure.py   the tree of MIME parts, with exact offsets
transfer.py    quoted-printable and base64, changed without touching what surrounds the change
transport.py   what the next hop forces: 8-bit content and lines too long are re-encoded
charset.py     a text as ASCII to look in, and our words in its charset
shapes.py      why a message is wrapped or refused, each reason once
placing.py     in which parts the notice goes
page.py        where in an HTML page it goes, and in what context a place in it stands
markup.py      the markup of an HTML page, as a browser reads it
sight.py       whether an element is styled out of sight
sheet.py       which elements the page's style sheets hide
wayout.py      where a message has a place for the link already
leaf.py        one part that carries the notice, and what changes in it
notice.py      the words of the notice, as text and as HTML
rewrite.py     the copy for one person: splices, or a wrapping
signature.py   DKIM
trace.py       the Received field
report.py      the delivery report (RFC 3464)
receipt.py     the receipt for an objection (L31)
"""
