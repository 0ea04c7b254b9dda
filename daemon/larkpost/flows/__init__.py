"""The verbs: ingest, learn, publish, deliver, feedback, membership, and the tick that runs them."""
