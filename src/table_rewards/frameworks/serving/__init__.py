"""Rewards as a service: what goes over the wire, the Ray Serve application, and the client that trainers use."""
