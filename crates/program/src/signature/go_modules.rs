//! Programs that are known by the module that Go's linker recorded: what they are called elsewhere.

/// A well-known program by its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoModule {
    /// Path of the module, without the number of its major version.
    pub path: &'static str,
    /// Vendor and product in the National Vulnerability Database, as `vendor:product`.
    pub cpe: &'static str,
}

const fn module(path: &'static str, cpe: &'static str) -> GoModule {
    GoModule { path, cpe }
}

const MODULES: &[GoModule] = &[
    module("code.gitea.io/gitea", "gitea:gitea"),
    module("github.com/argoproj/argo-cd", "argoproj:argo_cd"),
    module("github.com/aquasecurity/trivy", "aquasec:trivy"),
    module("github.com/caddyserver/caddy", "caddyserver:caddy"),
    module("github.com/cilium/cilium", "cilium:cilium"),
    module("github.com/cockroachdb/cockroach", "cockroachlabs:cockroachdb"),
    module("github.com/containerd/containerd", "linuxfoundation:containerd"),
    module("github.com/containers/buildah", "buildah_project:buildah"),
    module("github.com/containers/podman", "podman_project:podman"),
    module("github.com/containers/skopeo", "skopeo_project:skopeo"),
    module("github.com/coredns/coredns", "coredns.io:coredns"),
    module("github.com/docker/buildx", "docker:buildx"),
    module("github.com/docker/cli", "docker:command_line_interface"),
    module("github.com/docker/compose", "docker:docker_compose"),
    module("github.com/docker/docker", "mobyproject:moby"),
    module("github.com/elastic/beats", "elastic:beats"),
    module("github.com/etcd-io/etcd", "etcd:etcd"),
    module("github.com/gohugoio/hugo", "gohugo:hugo"),
    module("github.com/google/cadvisor", "google:cadvisor"),
    module("github.com/grafana/grafana", "grafana:grafana"),
    module("github.com/grafana/loki", "grafana:loki"),
    module("github.com/hashicorp/consul", "hashicorp:consul"),
    module("github.com/hashicorp/nomad", "hashicorp:nomad"),
    module("github.com/hashicorp/packer", "hashicorp:packer"),
    module("github.com/hashicorp/terraform", "hashicorp:terraform"),
    module("github.com/hashicorp/vault", "hashicorp:vault"),
    module("github.com/influxdata/influxdb", "influxdata:influxdb"),
    module("github.com/influxdata/telegraf", "influxdata:telegraf"),
    module("github.com/k3s-io/k3s", "k3s:k3s"),
    module("github.com/minio/minio", "minio:minio"),
    module("github.com/moby/buildkit", "mobyproject:buildkit"),
    module("github.com/moby/moby", "mobyproject:moby"),
    module("github.com/nats-io/nats-server", "nats:nats_server"),
    module("github.com/open-policy-agent/opa", "openpolicyagent:open_policy_agent"),
    module("github.com/opencontainers/runc", "linuxfoundation:runc"),
    module("github.com/prometheus/alertmanager", "prometheus:alertmanager"),
    module("github.com/prometheus/node_exporter", "prometheus:node_exporter"),
    module("github.com/prometheus/prometheus", "prometheus:prometheus"),
    module("github.com/rclone/rclone", "rclone:rclone"),
    module("github.com/sigstore/cosign", "sigstore:cosign"),
    module("github.com/syncthing/syncthing", "syncthing:syncthing"),
    module("github.com/traefik/traefik", "traefik:traefik"),
    module("go.etcd.io/etcd", "etcd:etcd"),
    module("helm.sh/helm", "helm:helm"),
    module("istio.io/istio", "istio:istio"),
    module("k8s.io/kubernetes", "kubernetes:kubernetes"),
    module("sigs.k8s.io/kustomize", "kubernetes:kustomize"),
];

/// The well-known program of a module or of a package within it.
pub fn go_module(path: &str) -> Option<&'static GoModule> {
    MODULES.iter().find(|module| {
        path.strip_prefix(module.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_path() {
        let of = |path| go_module(path).map(|module| module.cpe);
        assert_eq!(of("github.com/traefik/traefik/v3"), Some("traefik:traefik"));
        assert_eq!(of("github.com/docker/docker/cmd/dockerd"), Some("mobyproject:moby"));
        assert_eq!(of("github.com/docker/dockers"), None);
    }
}
