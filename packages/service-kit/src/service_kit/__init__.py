"""The parts that every service of the suite shares: settings, logs, ids, errors, health, the edge, and serving."""
