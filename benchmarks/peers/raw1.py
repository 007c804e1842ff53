"""The limit of one process; its median inference is what added latency is counted from."""

from benchmarks.peers import raw

if __name__ == "__main__":
    raw.main(processes=1)
