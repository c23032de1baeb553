"""Pages of the web as tools: fetched from public addresses alone, read as text.

addresses     which addresses may be reached
urls          a URL, taken apart once
settings      what a toolbox may do, checked when it is made
pacing        how long to wait between two requests to one host
connecting    a name to checked addresses, and the connection to one of them
unpacking     a body as it comes, unpacked within a bound
fetching      a page over HTTP, redirect by redirect
seeing        text without what nobody sees
reader/       HTML and PDF as text, in a process of its own
reading       what was fetched as a page of text
pages         parts and passages of a page, and the last pages
toolbox       `Web`, the tools
"""
