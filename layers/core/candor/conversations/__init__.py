"""Conversations: talks with customers, in order, answered by the assistant until a person takes over."""
