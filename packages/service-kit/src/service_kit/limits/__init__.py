"""Limits: rates of requests, and fair shares of bounded resources."""
