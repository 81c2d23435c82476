"""Images behind addresses, for providers that take nothing but the bytes. Off unless the operator turns it on.

`addresses` says where we go at all, `fetching` goes there, `inlining` is the provider around another one.
"""
