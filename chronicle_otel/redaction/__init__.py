"""Redaction that still replays."""
