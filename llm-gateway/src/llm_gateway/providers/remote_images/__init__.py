"""Images behind addresses, for providers that take nothing but the bytes. Off unless the operator turns it on.

`addresses` says which addresses are allowed, `fetching` calls them, `inlining` is the provider around another one.
"""
