"""A web search as a tool, over any service that a small protocol fits.

hits        what a search finds, and the protocol of what searches
providers   SearXNG and Brave
toolbox     `WebSearch`, the tool
"""
