"""Sockets without venues: web sockets, requests, limits, the wall clock."""
