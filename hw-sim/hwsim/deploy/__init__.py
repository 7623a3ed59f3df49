"""A whole deployment on one machine: authority, watchlist, broker, room and van."""
