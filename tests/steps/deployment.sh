#!/bin/sh
# The Kubernetes objects: well-formed, under the agreed names, each setting one that aisle knows.
cd "$(dirname "$0")/../.." || exit 1
exec python3 - <<'PYTHON'
import os
import subprocess
import sys

import yaml

number = failed = 0


def check(name, good):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}")


with open("deploy/kubernetes/deployment.yaml", encoding="utf-8") as file:
    objects = {o["kind"]: o for o in yaml.safe_load_all(file)}
deployment, service = objects["Deployment"], objects["Service"]
pod = deployment["spec"]["template"]["spec"]
container = pod["containers"][0]
labels = deployment["spec"]["template"]["metadata"]["labels"]
check("the Deployment is ai-recommender with three replicas",
      deployment["metadata"]["name"] == "ai-recommender" and deployment["spec"]["replicas"] == 3)
check("Deployment and Service select the pods' label",
      labels == deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == {"app": "ai-recommender"})
check("the container listens on 5000", container["ports"][0]["containerPort"] == 5000)
check("requests are 500m and 1Gi, limits 1 and 2Gi",
      container["resources"] == {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}})
check("the probes ask /healthz and /readyz",
      (container["livenessProbe"]["httpGet"]["path"], container["readinessProbe"]["httpGet"]["path"]) == ("/healthz", "/readyz"))
for command in [c["args"] for c in pod["initContainers"] + pod["containers"]]:
    result = subprocess.run([os.environ["AISLE"], *command, "--help"], capture_output=True, check=False)
    check("aisle knows `" + " ".join(command) + "`", result.returncode == 0)
sys.exit(failed > 0)
PYTHON
