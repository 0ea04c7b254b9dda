"""How feeds are answered: the request, the cache, conditional requests."""
