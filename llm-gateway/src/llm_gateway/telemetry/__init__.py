"""What is told of calls after their answers: one record each, and the log, the metrics and others that read it."""
