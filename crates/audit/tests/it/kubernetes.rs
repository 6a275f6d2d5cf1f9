//! Kubernetes manifests: what is found, and what mending makes of them.

use expect_test::expect;
use sealift_audit::FileKind::Kubernetes;
use sealift_diagnostic::{Level, Tier};

use crate::check::{check, check_rules, mended};

const BARE: &str = "\
# Source: site/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: site
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web   # the front
          image: nginx:1.29.3
          ports:
            - containerPort: 8080
";

#[test]
fn bare_deployment_lacks_every_protection() {
    check(
        Kubernetes,
        BARE,
        expect![[r#"
        5:9 warning SL7001 Deployment `web` is given a token for the API
        5:9 warning SL7003 Deployment `web` filters no system calls
        13:17 warning SL1012 container `web` runs as whoever its image says, which may be root
        13:17 info SL4008 nobody asks how container `web` is
        13:17 warning SL6003 container `web` keeps the default capabilities
        13:17 warning SL6004 container `web` may gain privileges through setuid programs
        13:17 warning SL6005 the root file system of container `web` can be written
        13:17 warning SL6013 container `web` has no memory limit
        13:17 warning SL6014 container `web` has no CPU limit
        13:17 info SL7015 container `web` does not say how much cpu and memory it needs
        14:18 info SL2002 image `nginx:1.29.3` is not pinned to a digest
    "#]],
    );
}

#[test]
fn bare_deployment_gets_every_protection() {
    let fixed = mended(Kubernetes, BARE, Tier::Suggested);
    expect![[r#"
        # Source: site/templates/web.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
          namespace: site
        spec:
          template:
            metadata:
              labels: {app: web}
            spec:
              containers:
                - name: web   # the front
                  image: nginx:1.29.3
                  ports:
                    - containerPort: 8080
                  securityContext:
                    runAsNonRoot: true
                    runAsUser: 10001
                    capabilities:
                      drop:
                        - ALL
                    allowPrivilegeEscalation: false
                    readOnlyRootFilesystem: true
                  resources:
                    limits:
                      memory: 256Mi
                      cpu: 500m
              automountServiceAccountToken: false
              securityContext:
                seccompProfile:
                  type: RuntimeDefault
    "#]]
    .assert_eq(&fixed.text);
    assert!(!fixed.left.iter().any(|it| it.level >= Level::Warning), "{:#?}", fixed.left);
}

/// A pod that does everything wrong.
const OPENED: &str = r#"apiVersion: batch/v1
kind: CronJob
metadata: {name: job, namespace: kube-system}
spec:
  jobTemplate:
    spec:
      template:
        metadata:
          annotations: {container.apparmor.security.beta.kubernetes.io/job: unconfined}
        spec:
          hostNetwork: true
          hostPID: true
          hostIPC: true
          securityContext:
            runAsUser: 0
            seccompProfile: {type: Unconfined}
            sysctls: [{name: kernel.msgmax, value: "1"}]
          volumes:
            - {name: sock, hostPath: {path: /run/containerd/containerd.sock}}
            - {name: logs, hostPath: {path: /srv/logs}}
          initContainers:
            - {name: first, image: busybox@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}
          containers:
            - name: job
              image: busybox
              env:
                - {name: API_TOKEN, value: abcdefgh}
                - name: FROM
                  valueFrom: {secretKeyRef: {name: a, key: b}}
              securityContext:
                privileged: true
                allowPrivilegeEscalation: true
                capabilities: {add: [CAP_SYS_PTRACE], drop: [ALL]}
              ports: [{containerPort: 80, hostPort: 8080}]
              volumeMounts:
                - {name: sock, mountPath: /run/sock}
                - {name: logs, mountPath: /logs, readOnly: true, mountPropagation: Bidirectional}
"#;

#[test]
fn opened_pod() {
    check(
        Kubernetes,
        OPENED,
        expect![[r#"
            3:18 warning SL7001 CronJob `job` is given a token for the API
            3:34 info SL7011 CronJob `job` is in the namespace `kube-system`
            9:77 warning SL6017 container `job` runs without the engine's AppArmor profile
            11:24 error SL6008 container `job` shares the host's network
            12:20 error SL6009 container `job` shares the host's processes
            13:20 error SL6010 container `job` shares the host's shared memory
            15:24 warning SL1011 container `job` runs as root
            15:24 warning SL1011 container `first` runs as root
            16:36 error SL6016 container `job` runs without the engine's system call filter
            16:36 error SL6016 container `first` runs without the engine's system call filter
            17:30 warning SL6027 container `job` changes the kernel setting `kernel.msgmax`
            22:22 warning SL6003 container `first` keeps the default capabilities
            22:22 warning SL6004 container `first` may gain privileges through setuid programs
            22:22 warning SL6005 the root file system of container `first` can be written
            22:22 warning SL6013 container `first` has no memory limit
            22:22 warning SL6014 container `first` has no CPU limit
            22:22 info SL7015 container `first` does not say how much cpu and memory it needs
            24:21 warning SL6005 the root file system of container `job` can be written
            24:21 warning SL6013 container `job` has no memory limit
            24:21 warning SL6014 container `job` has no CPU limit
            24:21 info SL7015 container `job` does not say how much cpu and memory it needs
            25:22 warning SL2001 image `busybox` has no tag, so it is `latest`
            25:22 info SL2002 image `busybox` is not pinned to a digest
            27:44 error SL1001 container `job` has a secret in `API_TOKEN`
            31:29 error SL6001 container `job` is privileged
            33:38 error SL6002 container `job` has the capability SYS_PTRACE: reading and changing other processes
            34:53 warning SL6019 container `job` takes port 8080 of its node
            36:43 error SL6006 container `job` can speak to the container engine
            37:43 info SL6007 container `job` sees `/srv/logs` of the host
            37:43 warning SL6024 mounts of container `job` below `/logs` appear on the host
        "#]],
    );
}

#[test]
fn lists_and_json() {
    check_rules(
        Kubernetes,
        &["SL6001", "SL7006", "SL7008"],
        r#"{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
   "spec": {"containers": [{"name": "c", "image": "d:1", "securityContext": {"privileged": true}}]}},
  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"},
   "rules": [{"verbs": ["*"], "resources": ["*"], "apiGroups": ["*"]}]}
]}"#,
        expect![[r#"
            3:92 error SL6001 container `c` is privileged
            5:24 error SL7006 ClusterRole `r` allows everything
        "#]],
    );
}

#[test]
fn roles_that_lead_further() {
    check_rules(
        Kubernetes,
        &["SL7007", "SL7008"],
        r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
rules:
  - {verbs: [get], resources: [pods, secrets]}
  - {verbs: [impersonate], resources: [users]}
  - {verbs: ["*"], resources: [pods]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {kind: ClusterRole, name: view}
subjects:
  - {kind: Group, name: "system:unauthenticated"}
"#,
        expect![[r#"
            5:13 warning SL7007 ClusterRole `r` lets its holder read secrets
            6:13 warning SL7007 ClusterRole `r` lets its holder act as others
            14:25 error SL7008 ClusterRoleBinding `b` is for everybody on the network
        "#]],
    );
}

#[test]
fn annotations_and_templates() {
    // A template is no manifest before Helm has filled it in: that is said, and nothing else.
    let template = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n";
    check(
        Kubernetes,
        template,
        expect![[r#"
        1:1 info SL0001 this is a template of Helm, and is not audited before it is filled in
    "#]],
    );
}
