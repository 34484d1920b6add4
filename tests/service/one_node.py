"""A Ray cluster of one machine with the service on it: `python -m tests.service.one_node PORT`.

It is this process and those that end with it, so that killing it is what a power cut is to a cluster's first machine.
"""

import os
import signal
import sys


def main(port: int) -> None:
    """Run until killed; tell the cluster's address once all of it runs."""
    import ray  # noqa: PLC0415
    from ray import serve  # noqa: PLC0415

    from service.cluster import application  # noqa: PLC0415
    from tests.service.ray_nodes import new_cluster  # noqa: PLC0415
    from tests.service.standin import SPEC  # noqa: PLC0415

    cluster = new_cluster(cores=3)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(application({"estimator": SPEC}))
    os.write(sys.stdout.fileno(), f"\n{cluster.address}\n".encode())
    signal.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]))
