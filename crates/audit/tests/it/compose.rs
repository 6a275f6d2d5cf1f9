//! Compose files: what is found.

use expect_test::expect;
use sealift_audit::FileKind::Compose;
use sealift_diagnostic::render_short;

use crate::check::{beside, check, check_rules, found};

/// The settings of `sealift run --hardened`.
const HARDENED: &str = r#"services:
  web:
    image: example.com/web:1.2.3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    user: "10001:10001"
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    mem_limit: 256m
    cpus: 0.5
    pids_limit: 200
    ports: ["127.0.0.1:8080:8080"]
    healthcheck:
      test: [CMD, curl, -f, "http://127.0.0.1:8080/"]
"#;

#[test]
fn hardened_service_is_clean() {
    check(Compose, HARDENED, expect![[r#""#]]);
}

#[test]
fn bare_service_lacks_every_protection() {
    check(
        Compose,
        "services:\n  web:\n    image: nginx\n",
        expect![[r#"
        2:3 warning SL1012 service `web` runs as whoever its image says, which may be root
        2:3 info SL4008 nobody asks how service `web` is
        2:3 warning SL6003 service `web` keeps the default capabilities
        2:3 warning SL6004 service `web` may gain privileges through setuid programs
        2:3 warning SL6005 the root file system of service `web` can be written
        2:3 warning SL6013 service `web` has no memory limit
        2:3 warning SL6014 service `web` has no CPU limit
        2:3 warning SL6015 service `web` has no process limit
        3:12 warning SL2001 image `nginx` has no tag, so it is `latest`
        3:12 info SL2002 image `nginx` is not pinned to a digest
    "#]],
    );
}

/// A service that does everything wrong.
const OPENED: &str = r#"services:
  web:
    image: nginx:1.29.3
    privileged: true
    user: root
    network_mode: host
    pid: "host"
    ipc: host
    userns_mode: host
    cap_add: [SYS_ADMIN, NET_ADMIN, CHOWN]
    cap_drop: [all]
    security_opt:
      - seccomp=unconfined
      - apparmor:unconfined
      - label:disable
      - no-new-privileges
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
      - /:/host
      - /etc/localtime:/etc/localtime:ro
      - data:/data
      - type: bind
        source: /etc
        target: /e
        read_only: true
        bind: {propagation: rshared}
    devices: ["/dev/sda:/dev/xvda"]
    ports:
      - "22:22"
      - 127.0.0.1:5432:5432
      - 0.0.0.0:6379:6379/tcp
      - target: 9000
        published: "9000"
    restart: always
    ulimits: {nofile: -1}
    cgroup_parent: x
    sysctls:
      - kernel.msgmax=1
    deploy:
      resources:
        limits: {cpus: "1", memory: 1G, pids: 10}
    healthcheck: {disable: true}
"#;

#[test]
fn opened_service() {
    check(
        Compose,
        OPENED,
        expect![[r#"
            2:3 warning SL6005 the root file system of service `web` can be written
            3:12 info SL2002 image `nginx:1.29.3` is not pinned to a digest
            4:17 error SL6001 service `web` is privileged
            5:11 warning SL1011 service `web` runs as root
            6:19 error SL6008 service `web` shares the host's network
            7:10 error SL6009 service `web` shares the host's processes
            8:10 error SL6010 service `web` shares the host's shared memory
            9:18 warning SL6012 service `web` shares the host's users
            10:15 error SL6002 service `web` has the capability SYS_ADMIN: mounting file systems and much else
            10:26 warning SL6002 service `web` has the capability NET_ADMIN: changing interfaces, routes and firewalls
            13:9 error SL6016 service `web` runs without the engine's system call filter
            14:9 warning SL6017 service `web` runs without the engine's AppArmor profile
            15:9 warning SL6018 service `web` runs without the engine's SELinux label
            18:9 error SL6006 service `web` can speak to the container engine
            19:9 error SL6007 service `web` can write `/` of the host
            22:9 info SL6007 service `web` sees `/etc` of the host
            22:9 warning SL6024 mounts of service `web` below `/e` appear on the host
            27:15 error SL6022 service `web` uses the device `/dev/sda` of the host
            29:9 error SL1008 service `web` opens port 22, that of SSH
            29:9 info SL6019 service `web` takes port 22 of the host
            29:9 warning SL6020 port 22 of service `web` is open on every interface
            31:9 warning SL1009 service `web` opens port 6379, that of Redis, to everybody
            31:9 warning SL6020 port 6379 of service `web` is open on every interface
            32:9 warning SL6020 port 9000 of service `web` is open on every interface
            34:14 info SL6021 service `web` is started again without end
            35:23 info SL6023 service `web` lifts the limit of `nofile`
            36:20 info SL6026 service `web` is in the control group `x`
            38:23 warning SL6027 service `web` changes the kernel setting `kernel.msgmax`
            42:5 info SL4008 service `web` turns its health check off
        "#]],
    );
}

#[test]
fn secrets_are_found_by_name_and_by_look() {
    check_rules(
        Compose,
        &["SL1001", "SL1002"],
        r#"services:
  web:
    image: nginx
    build:
      context: .
      args:
        NPM_TOKEN: abcdefgh
    environment:
      - DB_PASSWORD=hunter2
      - "API_KEY=${API_KEY}"
      - TOKEN=${TOKEN:-fallback}
      - PLAIN=value
      - PASSWORD_FILE=/run/secrets/x
      - STRIPE=sk_live_abcd1234
    command: redis-server --url redis://me:hunter2@cache/0
"#,
        expect![[r#"
            7:20 error SL1001 service `web` has a secret in `NPM_TOKEN`
            9:21 error SL1001 service `web` has a secret in `DB_PASSWORD`
            11:15 error SL1001 service `web` has a secret in `TOKEN`
            14:16 error SL1002 service `web` has a secret in `STRIPE`: Stripe secret key
            15:14 error SL1002 service `web` has a secret in `command`: password in a URL
        "#]],
    );
}

#[test]
fn merge_keys_anchors_and_extends_are_followed() {
    check_rules(
        Compose,
        &["SL6001", "SL6003", "SL6004", "SL6013"],
        r#"x-safe: &safe
  cap_drop: [ALL]
  security_opt: [no-new-privileges:true]
services:
  base:
    <<: *safe
    image: a:1
    mem_limit: 1g
  web:
    extends: base
    image: b:1
  worker:
    extends: {service: base}
    privileged: true
  alone:
    <<: [*safe]
    image: c:1
"#,
        expect![[r#"
            14:17 error SL6001 service `worker` is privileged
            15:3 warning SL6013 service `alone` has no memory limit
        "#]],
    );
}

#[test]
fn services_of_other_files_are_extended() {
    let text =
        "services:\n  web:\n    extends: {file: common.yaml, service: base}\n    image: a:1\n";
    let common =
        "services:\n  base:\n    privileged: true\n    cap_add: [SYS_ADMIN]\n    mem_limit: 1g\n";
    let mut findings = beside(Compose, text, &[("common.yaml", common)]);
    findings.retain(|it| matches!(it.rule.as_deref(), Some("SL6001" | "SL6002" | "SL6013")));
    expect![[r#"
        2:3 error SL6001 service `web` is privileged
        2:3 error SL6002 service `web` has the capability SYS_ADMIN: mounting file systems and much else
    "#]].assert_eq(&render_short(&findings, "", text));
}

#[test]
fn a_dockerfile_may_give_user_and_health_check() {
    let text = "services:\n  web:\n    build: ./web\n";
    let has = |files: &[(&str, &str)], rule: &str| {
        beside(Compose, text, files).iter().any(|it| it.rule.as_deref() == Some(rule))
    };
    let good = [("web/Dockerfile", "FROM a\nUSER app\nHEALTHCHECK CMD x\n")];
    assert!(has(&[], "SL1012") && has(&[], "SL4008"));
    assert!(!has(&good, "SL1012") && !has(&good, "SL4008"));
    assert!(has(&[("web/Dockerfile", "FROM a\nUSER app\nFROM b\n")], "SL1012"));
}

#[test]
fn mistakes_of_the_file() {
    check_rules(
        Compose,
        &["SL0001", "SL6028", "SL6029", "SL6030", "SL6031"],
        r#"version: "3.8"
x-own: 1
service: {}
services:
  a:
    image: a:1
    priviliged: true
    networks: [inner, default]
    depends_on: {bb: {condition: service_started}}
    secrets: [{source: s}]
    ports: ["8080:80"]
  b:
    image: b:1
    image: c:1
    ports: ["8080:80"]
"#,
        expect![[r#"
            1:1 style SL6031 `version` has no meaning any more
            3:1 error SL6028 `service` is no section of a compose file
            7:5 error SL6028 `priviliged` is no setting of a service
            8:16 error SL6029 `inner` is not declared under `networks`
            9:18 error SL6029 `bb` is not declared under `services`
            10:15 error SL6029 `s` is not declared under `secrets`
            14:5 error SL0001 the key `image` is there twice
            15:13 error SL6030 service `a` has port 8080 of the host already
        "#]],
    );
}

#[test]
fn comments_silence() {
    let text = "services:\n  # sealift: ignore=SL6013,CIS-5.12 reason=measured\n  a:\n    image: a:1\n    privileged: true # trivy:ignore:AVD-KSV-0017\n  b:\n    image: a:1\n    privileged: true\n";
    check_rules(
        Compose,
        &["SL6001", "SL6013", "SL6014"],
        text,
        expect![[r#"
        6:3 warning SL6013 service `b` has no memory limit
        6:3 warning SL6014 service `b` has no CPU limit
        8:17 error SL6001 service `b` is privileged
    "#]],
    );
    let all = "# checkov:skip=CKV_K8S_16:needed\nservices: {a: {image: b, privileged: true}}\n";
    assert!(!found(Compose, all).iter().any(|it| it.rule.as_deref() == Some("SL6001")));
}
