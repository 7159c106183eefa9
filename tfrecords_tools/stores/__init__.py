"""Files at addresses such as `s3://bucket/songs.csv`: told from paths, fetched, put whole, listed; retried."""
