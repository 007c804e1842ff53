"""Workers as actors of a Ray cluster, and jobs on it. Ray is imported only where it is used.

Ray says where a worker runs and starts it again when its node is gone. Frames never pass through
it: each worker connects to the line's dispatcher, as any worker on another machine does, and what a
dead or silent one held goes to others by its lease.
"""
