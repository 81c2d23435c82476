"""The prompt API over gRPC, on GRPC_PORT. Nothing here but `port` may be imported before that is known to be set:
grpcio takes a quarter of a second and 20 MB."""
