"""Jobs: videos that take longer than a caller waits. What is asked for, kept, worked on and thrown away."""
