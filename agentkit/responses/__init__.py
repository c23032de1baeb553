"""The wire: items, requests, responses, stream events. Has never heard of agents."""
