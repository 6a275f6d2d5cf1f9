//! What mending makes of files.

use expect_test::{Expect, expect};
use sealift_audit::FileKind::Compose;
use sealift_diagnostic::{Level, Tier};

use crate::check::mended;

fn check(text: &str, tier: Tier, expected: Expect) {
    expected.assert_eq(&mended(Compose, text, tier).text);
}

#[test]
fn bare_service_gets_every_protection() {
    let text = "# our site\nservices:\n    web:   # the front\n        image: nginx:1.29.3\n        ports:\n            - \"80:8080\"   # public\n\n    db:\n        image: postgres:18.1\n        environment:\n            POSTGRES_PASSWORD: hunter2\n            TZ: UTC\n# the end\n";
    check(
        text,
        Tier::Suggested,
        expect![[r##"
        # our site
        services:
            web:   # the front
                image: nginx:1.29.3
                ports:
                    - "127.0.0.1:80:8080"   # public
                user: "10001:10001"
                cap_drop:
                    - ALL
                security_opt:
                    - no-new-privileges:true
                read_only: true
                tmpfs:
                    - /tmp
                mem_limit: 256m
                cpus: 0.5
                pids_limit: 200

            db:
                image: postgres:18.1
                environment:
                    POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password
                    TZ: UTC
                user: "10001:10001"
                cap_drop:
                    - ALL
                security_opt:
                    - no-new-privileges:true
                read_only: true
                tmpfs:
                    - /tmp
                mem_limit: 256m
                cpus: 0.5
                pids_limit: 200
                secrets:
                    - postgres_password
        secrets:
            postgres_password:
                environment: POSTGRES_PASSWORD
        # the end
    "##]],
    );
    let fixed = mended(Compose, text, Tier::Suggested);
    assert!(!fixed.left.iter().any(|it| it.level >= Level::Warning), "{:#?}", fixed.left);
}

#[test]
fn safe_fixes_only() {
    check(
        "version: '3'\nservices:\n  web: {image: nginx, privileged: false}\n",
        Tier::Safe,
        expect![[r#"
            services:
              web: {image: nginx, privileged: false, security_opt: [no-new-privileges:true]}
        "#]],
    );
}

#[test]
fn line_ends_and_missing_last_line_are_kept() {
    let text = "services:\r\n  web:\r\n    image: nginx:1.29.3 # ä\r\n    privileged: true";
    let fixed = mended(Compose, text, Tier::Suggested).text;
    assert!(fixed.starts_with(
        "services:\r\n  web:\r\n    image: nginx:1.29.3 # ä\r\n    privileged: false\r\n"
    ));
    assert_eq!(fixed.matches('\n').count(), fixed.matches("\r\n").count());
    assert!(!fixed.ends_with('\n'));
}

#[test]
fn flow_style_and_json() {
    check(
        "services: {web: {image: 'nginx:1.29.3', cap_add: [SYS_ADMIN, CHOWN], ports: [\"80:80\"]}}\n",
        Tier::Suggested,
        expect![[r#"
            services: {web: {image: 'nginx:1.29.3', cap_add: [CHOWN], ports: ["127.0.0.1:80:80"], user: "10001:10001", cap_drop: [ALL], security_opt: [no-new-privileges:true], read_only: true, tmpfs: [/tmp], mem_limit: 256m, cpus: 0.5, pids_limit: 200}}
        "#]],
    );
    check(
        "{\n  \"services\": {\n    \"web\": {\n      \"image\": \"nginx:1.29.3\",\n      \"network_mode\": \"host\"\n    }\n  }\n}\n",
        Tier::Suggested,
        expect![[r#"
            {
              "services": {
                "web": {
                  "image": "nginx:1.29.3",
                  "user": "10001:10001",
                  "cap_drop": ["ALL"],
                  "security_opt": ["no-new-privileges:true"],
                  "read_only": true,
                  "tmpfs": ["/tmp"],
                  "mem_limit": "256m",
                  "cpus": 0.5,
                  "pids_limit": 200
                }
              }
            }
        "#]],
    );
}

#[test]
fn what_is_open_is_closed() {
    check(
        r#"services:
  web:
    image: nginx:1.29.3
    network_mode: host
    pid: host
    cap_add:
    - NET_ADMIN
    security_opt:
    - seccomp:unconfined
    - no-new-privileges:false
    volumes:
    - /etc:/host/etc:rw,z
    - {type: bind, source: /root, target: /r}
    ports:
    - 5432:5432/tcp
    - target: 9000
      published: 9000
    environment:
    - API_TOKEN=abcdefgh
    - MYSQL_PASSWORD=hunter2
    restart: always
    deploy: {resources: {limits: {memory: 1G}}}
    command: |+
      run it


"#,
        Tier::Suggested,
        expect![[r#"
            services:
              web:
                image: nginx:1.29.3
                security_opt:
                - no-new-privileges:true
                volumes:
                - /etc:/host/etc:rw,z
                - {type: bind, source: /root, target: /r}
                ports:
                - "127.0.0.1:5432:5432/tcp"
                - target: 9000
                  published: 9000
                  host_ip: 127.0.0.1
                environment:
                - "API_TOKEN=${API_TOKEN:?}"
                - "MYSQL_PASSWORD=${MYSQL_PASSWORD:?}"
                restart: on-failure:5
                deploy: {resources: {limits: {memory: 1G, cpus: "0.5", pids: 200}}}
                command: |+
                  run it


        "#]],
    );
}
