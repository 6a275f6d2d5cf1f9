//! The manifests that install the webhook in a cluster.
//!
//! They are text that people read and change, so they are written as such, with the reasons as comments.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_oci::Reference;

const FILE_BYTES_MAX: usize = 900 << 10;

/// What is to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// The namespace of the webhook.
    pub namespace: String,
    /// The image of Sealift, best with a digest.
    pub image: String,
    /// Certificate of the authority that signed the webhook's certificate, PEM.
    pub authority: String,
    /// Files of policies and keys, by their names.
    pub files: Vec<(String, String)>,
    /// Options of `sealift admit serve` besides those that the manifests need.
    pub options: Vec<String>,
    /// Namespaces whose objects are not sent to the webhook.
    pub exempt_namespaces: Vec<String>,
    /// How many run.
    pub replicas: u32,
    /// The webhook that replaces tags is installed too.
    pub has_mutation: bool,
}

/// What cannot be installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{text}`: {reason}")]
pub struct InstallError {
    /// What it is.
    pub what: &'static str,
    /// How it was given, cut to 100 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The manifests, as one YAML stream.
pub fn manifests(install: &Install) -> Result<String, InstallError> {
    check(install)?;
    let mut text = String::new();
    head(install, &mut text);
    config_map(install, &mut text);
    deployment(install, &mut text);
    service(install, &mut text);
    webhook(install, "Validating", "validate", &mut text);
    if install.has_mutation {
        webhook(install, "Mutating", "mutate", &mut text);
    }
    Ok(text)
}

fn check(install: &Install) -> Result<(), InstallError> {
    let fault = |what, text: &str, reason| InstallError {
        what,
        text: text.chars().take(100).collect(),
        reason,
    };
    for name in install.exempt_namespaces.iter().chain([&install.namespace]) {
        if !is_label(name) {
            let reason = "it is not 1 to 63 lower-case letters, digits and `-`";
            return Err(fault("the namespace", name, reason));
        }
    }
    if Reference::parse(&install.image).is_err() {
        return Err(fault("the image", &install.image, "it is no name of an image"));
    }
    let is_pem = install.authority.contains("-----BEGIN CERTIFICATE-----")
        && install.authority.contains("-----END CERTIFICATE-----");
    if !is_pem {
        return Err(fault("the authority", "--ca", "it has no certificate in PEM"));
    }
    let mut total = 0;
    for (name, content) in &install.files {
        let is_key = !name.is_empty()
            && name.len() <= 253
            && !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !is_key {
            let reason = "its name is not letters, digits, `-`, `_` and `.`";
            return Err(fault("the file", name, reason));
        }
        if install.files.iter().filter(|(other, _)| other == name).count() > 1 {
            return Err(fault("the file", name, "another file has this name too"));
        }
        total += content.len();
    }
    if total > FILE_BYTES_MAX {
        return Err(fault("the files", "", "together they are too large for a ConfigMap"));
    }
    Ok(())
}

// RFC 1123.
fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(is_inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

// Writing to a String does not fail.
macro_rules! put {
    ($text:expr, $($part:tt)*) => { let _ = write!($text, $($part)*); };
}

fn head(install: &Install, text: &mut String) {
    let namespace = &install.namespace;
    put!(
        text,
        "\
# Sealift's admission webhooks. Before this is applied, the certificate has to be there:
#   kubectl create namespace {namespace}
#   kubectl -n {namespace} create secret tls sealift-admission-tls --cert=tls.crt --key=tls.key
# It is for the name sealift-admission.{namespace}.svc. Credentials of registries, if there are any:
#   kubectl -n {namespace} create secret generic sealift-admission-registries --from-file=config.json
apiVersion: v1
kind: Namespace
metadata:
  name: {namespace}
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: sealift-admission
  namespace: {namespace}
automountServiceAccountToken: false
---
"
    );
}

fn config_map(install: &Install, text: &mut String) {
    let namespace = &install.namespace;
    put!(
        text,
        "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: sealift-admission
  namespace: {namespace}
data:"
    );
    if install.files.is_empty() {
        text.push_str(" {}\n");
    } else {
        text.push('\n');
    }
    for (name, content) in &install.files {
        put!(text, "  {}: {}\n", quoted(name), block(content));
    }
    text.push_str("---\n");
}

fn deployment(install: &Install, text: &mut String) {
    let Install { namespace, image, replicas, .. } = install;
    put!(
        text,
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: sealift-admission
  namespace: {namespace}
  labels: {{app.kubernetes.io/name: sealift-admission}}
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app.kubernetes.io/name: sealift-admission}}
  template:
    metadata:
      labels: {{app.kubernetes.io/name: sealift-admission}}
    spec:
      serviceAccountName: sealift-admission
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: {{type: RuntimeDefault}}
      # One lost machine must not stop everybody's pods.
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{app.kubernetes.io/name: sealift-admission}}
      containers:
        - name: sealift
          image: {image}
          args:
            - admit
            - serve
            - --listen=:8443
            - --tls-cert=/etc/sealift/tls/tls.crt
            - --tls-key=/etc/sealift/tls/tls.key
",
        image = quoted(image),
    );
    for option in &install.options {
        put!(text, "            - {}\n", quoted(option));
    }
    text.push_str(POD_REST);
    put!(
        text,
        "\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: sealift-admission
  namespace: {namespace}
spec:
  minAvailable: 1
  selector:
    matchLabels: {{app.kubernetes.io/name: sealift-admission}}
---
"
    );
}

const POD_REST: &str = "          env:
            - {name: HOME, value: /var/lib/sealift}
            - {name: DOCKER_CONFIG, value: /etc/sealift/registries}
          ports:
            - {name: https, containerPort: 8443}
          readinessProbe:
            httpGet: {path: /readyz, port: https, scheme: HTTPS}
          livenessProbe:
            httpGet: {path: /healthz, port: https, scheme: HTTPS}
            periodSeconds: 30
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {cpu: \"2\", memory: 512Mi}
          volumeMounts:
            - {name: tls, mountPath: /etc/sealift/tls, readOnly: true}
            - {name: files, mountPath: /etc/sealift/files, readOnly: true}
            - {name: registries, mountPath: /etc/sealift/registries, readOnly: true}
            - {name: data, mountPath: /var/lib/sealift}
      volumes:
        - name: tls
          secret: {secretName: sealift-admission-tls, defaultMode: 0440}
        - name: files
          configMap: {name: sealift-admission}
        - name: registries
          secret: {secretName: sealift-admission-registries, optional: true, defaultMode: 0440}
        # Images that were looked at; they come again if they are gone.
        - name: data
          emptyDir: {sizeLimit: 10Gi}
---
";

fn service(install: &Install, text: &mut String) {
    let namespace = &install.namespace;
    put!(
        text,
        "\
apiVersion: v1
kind: Service
metadata:
  name: sealift-admission
  namespace: {namespace}
spec:
  selector: {{app.kubernetes.io/name: sealift-admission}}
  ports:
    - {{name: https, port: 443, targetPort: https}}
---
# Questions come to one port; answers need registries and DNS.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: sealift-admission
  namespace: {namespace}
spec:
  podSelector:
    matchLabels: {{app.kubernetes.io/name: sealift-admission}}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports:
        - {{port: 8443, protocol: TCP}}
  egress:
    - ports:
        - {{port: 53, protocol: UDP}}
        - {{port: 53, protocol: TCP}}
        - {{port: 443, protocol: TCP}}
        - {{port: 5000, protocol: TCP}}
---
"
    );
}

fn webhook(install: &Install, kind: &str, path: &str, text: &mut String) {
    let namespace = &install.namespace;
    let authority = STANDARD.encode(&install.authority);
    // Its own pods must come up while nobody answers yet.
    let mut exempt = vec![namespace.clone(), "kube-system".to_owned()];
    for name in &install.exempt_namespaces {
        if !exempt.contains(name) {
            exempt.push(name.clone());
        }
    }
    let exempt: Vec<String> = exempt.iter().map(|name| quoted(name)).collect();
    let again = match kind {
        "Mutating" => {
            "\n    # Other webhooks may add containers.\n    reinvocationPolicy: IfNeeded"
        }
        _ => "",
    };
    put!(
        text,
        "\
apiVersion: admissionregistration.k8s.io/v1
kind: {kind}WebhookConfiguration
metadata:
  name: sealift-{path}
webhooks:
  - name: {path}.sealift.dev
    admissionReviewVersions: [v1]
    # A dry run leaves no trace; other questions may raise the marks of what was seen.
    sideEffects: NoneOnDryRun
    timeoutSeconds: 10
    # What cannot be judged does not run.
    failurePolicy: Fail
    matchPolicy: Equivalent{again}
    namespaceSelector:
      matchExpressions:
        - key: kubernetes.io/metadata.name
          operator: NotIn
          values: [{exempt}]
    clientConfig:
      service: {{name: sealift-admission, namespace: {namespace}, path: /{path}, port: 443}}
      caBundle: {authority}
    rules:
      - operations: [CREATE, UPDATE]
        apiGroups: [\"\"]
        apiVersions: [v1]
        resources: [pods, pods/ephemeralcontainers, podtemplates, replicationcontrollers]
        scope: Namespaced
      - operations: [CREATE, UPDATE]
        apiGroups: [apps]
        apiVersions: [v1]
        resources: [deployments, statefulsets, daemonsets, replicasets]
        scope: Namespaced
      - operations: [CREATE, UPDATE]
        apiGroups: [batch]
        apiVersions: [v1]
        resources: [jobs, cronjobs]
        scope: Namespaced
",
        exempt = exempt.join(", "),
    );
    if path == "validate" && install.has_mutation {
        text.push_str("---\n");
    }
}

// A text of JSON is one of YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

// Lines as they are, if YAML gives them back as they are.
fn block(content: &str) -> String {
    let is_plain = content.ends_with('\n')
        && !content.ends_with("\n\n")
        && !content.starts_with([' ', '\n', '\t'])
        && content
            .chars()
            .all(|letter| letter == '\n' || letter == '\t' || (' '..='~').contains(&letter));
    if !is_plain {
        return quoted(content);
    }
    let lines = content
        .lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") });
    let lines: String = lines.collect();
    format!("|\n{}", lines.trim_end_matches('\n'))
}
