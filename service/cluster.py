"""The service on a Ray cluster: `serve run service.cluster:application`. Needs the extra `cluster`.

The same app, once per replica and each with one worker; more replicas when requests wait. Settings come from the
environment that `ray start` had on each machine.
"""

import functools
from typing import Any

from fastapi import FastAPI
from ray import serve

from service import logs
from service.cluster_jobs import open_cluster_jobs
from service.main import create_app
from service.settings import Settings
from service.wire import DEFAULT_ESTIMATOR

SCALING = {"min_replicas": 1, "max_replicas": 100, "target_ongoing_requests": 2}
_MOST_AT_A_TIME = 64  # of a replica: those that listen to a job wait long and cost nothing


def application(arguments: dict[str, Any]) -> serve.Application:
    """Return what `serve run` runs. Arguments: `estimator`, options of the deployment such as `autoscaling_config`."""
    options = {"autoscaling_config": SCALING} | arguments
    estimator = options.pop("estimator", DEFAULT_ESTIMATOR)

    def build() -> FastAPI:
        return build_app(estimator)

    return serve.deployment(
        name="FacePulse",
        max_ongoing_requests=_MOST_AT_A_TIME,
        ray_actor_options={"num_cpus": 1},
        health_check_period_s=5,
        **options,
    )(serve.ingress(build)()).bind()


def build_app(estimator: str) -> FastAPI:
    """Return a replica's app. Raises KeysUnusable when there are none: the cluster's own doors are open to a network.

    Ray has metrics of its own; ours would be those of one replica or another.
    """
    settings = Settings(host="0.0.0.0", workers=1, metrics=False)
    logs.configure(settings.log_level)
    return create_app(settings, estimator=estimator, open_jobs=functools.partial(open_cluster_jobs, estimator))
