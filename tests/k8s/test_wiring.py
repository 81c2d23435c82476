"""Selectors find pods, ports are the code's, and what calls another service calls one that is there."""

import tomllib


def _port(ports, name):
    (port,) = [port for port in ports if port["name"] == name]
    return port


def test_a_deployment_and_its_service_select_its_pods_and_no_others(manifests, fit):
    deployment = manifests.one("Deployment", fit.deployment)
    service = manifests.one("Service", fit.service)
    assert manifests.selected(deployment["spec"]["selector"]) == {fit.deployment}
    assert manifests.selected({"matchLabels": service["spec"]["selector"]}) == {fit.deployment}


def test_ports_are_the_ones_that_the_code_listens_on(manifests, fit, compose):
    container = manifests.container(fit.deployment)
    service = manifests.one("Service", fit.service)
    port = compose.port(fit.folder)
    assert _port(container["ports"], "http")["containerPort"] == port
    assert _port(service["spec"]["ports"], "http") == {"name": "http", "port": port, "targetPort": "http"}


def test_metrics_are_where_the_gateway_is_told_to_serve_them(manifests, secrets):
    container = manifests.container("llm-gateway")
    service = manifests.one("Service", "llm-gateway")
    port = _port(container["ports"], "metrics")["containerPort"]
    assert manifests.environment("llm-gateway", secrets)["METRICS_PORT"] == str(port)
    assert _port(service["spec"]["ports"], "metrics") == {"name": "metrics", "port": port, "targetPort": "metrics"}
    assert service["metadata"]["annotations"]["prometheus.io/port"] == str(port)


def test_grpc_is_where_the_gateway_is_told_to_serve_it(manifests, secrets):
    port = _port(manifests.container("llm-gateway")["ports"], "grpc")["containerPort"]
    assert manifests.environment("llm-gateway", secrets)["GRPC_PORT"] == str(port) == "50051"
    published = _port(manifests.one("Service", "llm-gateway")["spec"]["ports"], "grpc")
    assert (published["port"], published["targetPort"], published["appProtocol"]) == (port, "grpc", "kubernetes.io/h2c")


def test_images_are_the_ones_that_compose_builds_and_of_this_version(manifests, fit, root, compose):
    version = tomllib.loads((root / fit.folder / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    image = manifests.container(fit.deployment)["image"]
    assert image == compose.image(fit.folder) == f"agent-suite/{fit.folder}:{version}"
    labels = manifests.one("Deployment", fit.deployment)["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/version"] == version


def test_containers_start_as_their_images_do(manifests, fit):
    container = manifests.container(fit.deployment)
    assert "command" not in container
    assert "args" not in container


def test_the_ingress_sends_each_prefix_to_the_agent_that_runs_under_it(manifests, fits, secrets):
    (ingress,) = manifests.all("Ingress")
    (rule,) = ingress["spec"]["rules"]
    assert ingress["spec"]["ingressClassName"] == "alb"
    paths = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}
    agents = [fit for fit in fits if fit.prefix]
    assert paths == {fit.prefix: {"name": fit.service, "port": {"name": "http"}} for fit in agents}
    assert {path["pathType"] for path in rule["http"]["paths"]} == {"Prefix"}
    for fit in agents:
        assert manifests.environment(fit.deployment, secrets)["ROOT_PATH"] == fit.prefix


def test_the_load_balancer_waits_as_long_as_a_pod_may_live(manifests, fits):
    (ingress,) = manifests.all("Ingress")
    annotations = ingress["metadata"]["annotations"]
    attributes = dict([annotations["alb.ingress.kubernetes.io/target-group-attributes"].split("=")])
    graces = {manifests.pod(fit.deployment)["terminationGracePeriodSeconds"] for fit in fits if fit.prefix}
    assert {int(attributes["deregistration_delay.timeout_seconds"])} == graces


def test_no_deployment_says_how_many_so_that_an_apply_undoes_no_scaling(manifests):
    assert [body["metadata"]["name"] for body in manifests.all("Deployment") if "replicas" in body["spec"]] == []


def test_what_may_have_several_pods_has_two_or_more_and_lets_one_go_at_a_time(manifests):
    scalers = {
        body["spec"]["scaleTargetRef"]["name"]: body["spec"] for body in manifests.all("HorizontalPodAutoscaler")
    }
    budgets = {
        name for body in manifests.all("PodDisruptionBudget") for name in manifests.selected(body["spec"]["selector"])
    }
    assert scalers.keys() == budgets == {"llm-gateway", "mcp-toolbox"}
    for name, spec in scalers.items():
        assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        assert 2 <= spec["minReplicas"] < spec["maxReplicas"]
        assert "cpu" in manifests.container(name)["resources"]["requests"]  # what the percentage is of


def test_what_keeps_its_state_in_memory_is_never_there_twice(manifests):
    assert manifests.one("Deployment", "websocket-agent")["spec"]["strategy"] == {"type": "Recreate"}


def test_names_are_asked_of_the_clusters_resolver_alone(manifests, fits):
    dns = manifests.one("NetworkPolicy", "dns")["spec"]
    assert manifests.selected(dns["podSelector"]) == {fit.deployment for fit in fits}
    resolver = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    assert dns["egress"] == [{"to": [resolver], "ports": ports}]


def test_every_way_out_says_whereto(manifests):
    for body in manifests.all("NetworkPolicy"):
        assert all(rule.get("to") for rule in body["spec"].get("egress", ())), body["metadata"]["name"]


def test_network_policies_open_exactly_the_ways_that_are_used(manifests, fits, compose):
    policies = {body["metadata"]["name"]: body["spec"] for body in manifests.all("NetworkPolicy")}
    everything = {fit.deployment for fit in fits}
    agents = {fit.deployment for fit in fits if fit.prefix}
    assert manifests.selected(policies["default-deny"]["podSelector"]) == everything
    assert policies["default-deny"].keys() == {"podSelector", "policyTypes"}
    for name in ("llm-gateway", "mcp-toolbox"):
        assert manifests.selected(policies[name]["podSelector"]) == {name}
        callers = policies[name]["ingress"][0]
        assert manifests.selected(callers["from"][0]["podSelector"]) == agents
        assert callers["ports"] == [{"port": compose.port(name)}]
    assert manifests.selected(policies["agents"]["podSelector"]) == agents
    reached = {
        (name, rule["ports"][0]["port"])
        for rule in policies["agents"]["egress"]
        for name in manifests.selected(rule["to"][0]["podSelector"])
    }
    assert reached == {(name, compose.port(name)) for name in ("llm-gateway", "mcp-toolbox")}
    published = {port["port"] for rule in policies["agents"]["ingress"] for port in rule["ports"]}
    assert published == {compose.port(fit.folder) for fit in fits if fit.prefix}
