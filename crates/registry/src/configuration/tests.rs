//! Configurations, and what is said of them.
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod values;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use expect_test::{Expect, expect};

use super::*;

fn findings(reading: &Reading) -> String {
    let mut text = String::new();
    for finding in &reading.findings {
        text.push_str(&finding.line("config.yml"));
        text.push('\n');
        if let Some(hint) = &finding.hint {
            text.push_str("    ");
            text.push_str(hint);
            text.push('\n');
        }
    }
    text
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&findings(&read(text, &[])));
}

fn check_with(text: &str, pairs: &[(&str, &str)], expected: Expect) {
    let reading = read(text, &variables(pairs));
    expected.assert_eq(&format!("{}{}", findings(&reading), reading.to_yaml()));
}

const LAB: &str = "\
version: 0.1
log: {level: info, formatter: json}
storage:
  filesystem: {rootdirectory: /var/lib/registry}
  delete: {enabled: true}
http:
  addr: :5000
  tls: {certificate: /certs/registry.crt, key: /certs/registry.key}
auth:
  htpasswd: {realm: Registry Realm, path: /auth/htpasswd}
middleware:
  registry:
    - name: vulnerabilityscanning
      options: {enabled: true}
    - name: ratelimiting
      options: {requests: 100, window: 1m}
";

const SMALL: &str = "\
version: 0.1
storage: {filesystem: {rootdirectory: /data}}
http: {addr: 127.0.0.1:5000}
";

#[test]
fn the_file_of_the_lab() {
    let reading = read(LAB, &[]);
    assert_eq!(findings(&reading), "");
    let configuration = reading.configuration.unwrap();
    assert_eq!(configuration.log.format, LogFormat::Json);
    assert!(configuration.log.has_requests);
    assert!(configuration.storage.can_delete && configuration.scan_on_push);
    assert_eq!(configuration.storage.upload_age, Some(Duration::from_hours(168)));
    let rate = Rate { requests: 100, window: Duration::from_mins(1) };
    assert_eq!(configuration.rate, Some(rate));
    assert_eq!(configuration.http.address, ":5000");
    assert_eq!(configuration.http.prefix, "/");
    assert_eq!(configuration.http.tls.unwrap().key, PathBuf::from("/certs/registry.key"));
    let auth = Auth::Htpasswd {
        realm: "Registry Realm".to_owned(),
        path: PathBuf::from("/auth/htpasswd"),
    };
    assert_eq!(configuration.auth, Some(auth));
    assert_eq!((configuration.catalog_max, configuration.tags_max), (1000, 1000));
}

// The file that distribution's image and Debian's package come with.
#[test]
fn the_files_that_others_ship() {
    check(
        "\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
  delete:
    enabled: true
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
",
        expect![[r#"
            config.yml:1: error: `auth`: is missing: anybody could push and delete from anywhere
                add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`
            config.yml:7: note: `storage.cache.blobdescriptor`: has no effect: what is asked for often stays in memory
        "#]],
    );
}

#[test]
fn what_is_not_done_is_said() {
    check(
        "\
version: 0.1
loglevel: debug
log: {hooks: [{type: mail, levels: [panic]}], reportcaller: true}
storage:
  s3: {bucket: b, region: r, skipverify: true, v4auth: true, accesskey: hunter2}
  redirect: {disable: true}
auth: {token: {realm: https://a.example/token, service: s, issuer: i, jwks: /j, signingalgorithms: [HS256]}}
http:
  adr: :5000
  host: https://r.example
  secret: hunter2
  tls:
    letsencrypt: {email: a@b.c, hosts: [r.example]}
  http2: {disabled: false}
middleware:
  repository: [{name: anything}]
  storage: [{name: cloudfront, options: {baseurl: https://c.example}}]
  registry: [{name: ratelimiting, options: {requests: 0}}, {name: ratelimiting, options: {rate: 1}}]
redis: {addr: localhost, password: hunter2}
policy: {repository: {classes: [image]}}
sealift: {gat: {}}
",
        expect![[r#"
            config.yml:5: error: `storage.s3.skipverify`: is not supported, and the file promises it
                certificates are always verified; name the authority instead
            config.yml:5: error: `storage.s3`: has only one of `accesskey` and `secretkey`
                give both, or none of them for those of the environment
            config.yml:5: error: `storage.s3`: needs a database of PostgreSQL beside it
                write `sealift: {shared: {database: "postgresql://user@host/name"}}`, the same for all replicas
            config.yml:7: error: `auth.token.signingalgorithms`: none of these is accepted
                have tokens signed with ES256 or RS256
            config.yml:13: error: `http.tls.letsencrypt`: is not supported, and the file promises it
                there is no client of ACME; give `certificate` and `key`, which are read again when they change
            config.yml:16: error: `middleware.repository[0]`: there is no middleware `anything`
                there are `vulnerabilityscanning` and `ratelimiting`, below `registry`
            config.yml:18: error: `middleware.registry[0].options.requests`: must be above 0
                write `requests: 100`
            config.yml:18: error: `middleware.registry[1].options.rate`: there is no such option
                there are `requests`, `window`
            config.yml:20: error: `policy.repository.classes`: is not supported, and the file promises it
                write a rule of the gate (`sealift: {gate: …}`)
            config.yml:21: error: `sealift.gat`: there is no such section
                did you mean `gate`?
            config.yml:3: warning: `log.hooks[0].type`: is not supported
                no mails are sent; watch the log
            config.yml:3: warning: `log.hooks[0].levels`: is not supported
                no mails are sent; watch the log
            config.yml:9: warning: `http.adr`: there is no such key; distribution ignores it too
                did you mean `addr`?
            config.yml:9: warning: `http`: there is no TLS: passwords and tokens travel readable
                add `http: {tls: …}`, unless something before the registry has TLS
            config.yml:17: warning: `middleware.storage[0]`: is not supported: blobs come from the registry or its store
                delete it
            config.yml:3: note: `log.reportcaller`: has no effect: entries name what they are about, not lines of source code
            config.yml:5: note: `storage.s3.v4auth`: has no effect: signatures are always of version 4
            config.yml:6: note: `storage.redirect.disable`: has no effect: blobs always come through the registry, which judges and counts them
            config.yml:11: note: `http.secret`: has no effect: uploads need no signed state
            config.yml:19: note: `redis`: has no effect: nothing is kept in Redis
        "#]],
    );
}

#[test]
fn variables_stand_above_the_file() {
    check_with(
        SMALL,
        &[
            ("REGISTRY_HTTP_ADDR", "127.0.0.1:6000"),
            ("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/elsewhere"),
            ("REGISTRY_STORAGE_DELETE_ENABLED", "true"),
            ("REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED", "true"),
            ("REGISTRY_HTTP_TLS_CLIENTCAS_0", "/ca.pem"),
            ("REGISTRY_HTTP_TLS_CERTIFICATE", "/a.crt"),
            ("REGISTRY_HTTP_TLS_KEY", "/a.key"),
            ("REGISTRY_HTTP_HEADERS_X-FRAME-OPTIONS", "[DENY]"),
            ("REGISTRY_LOG_FIELDS", "a: b"),
            ("REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL", "https://e.example"),
            ("REGISTRY_NOTIFICATIONS_ENDPOINTS_0_HEADERS_AUTHORIZATION", "[hunter2]"),
            ("REGISTRY_MIDDLEWARE_REGISTRY_0_NAME", "ratelimiting"),
            ("REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS_REQUESTS", "7"),
            ("REGISTRY_SEALIFT_OPEN", "true"),
            ("REGISTRY_CONFIGURATION_PATH", "/etc/x.yml"),
            ("PATH", "/bin"),
        ],
        expect![[r#"
            version: 0.1
            storage:
              filesystem:
                rootdirectory: /elsewhere
              delete:
                enabled: true
              maintenance:
                readonly:
                  enabled: true
            http:
              addr: "127.0.0.1:6000"
              headers:
                x-frame-options:
                  - DENY
              tls:
                certificate: /a.crt
                clientcas:
                  - /ca.pem
                key: /a.key
            log:
              fields:
                a: b
            middleware:
              registry:
                -
                  name: ratelimiting
                  options:
                    requests: 7
            notifications:
              endpoints:
                -
                  headers:
                    authorization: "…"
                  url: "https://e.example"
            sealift:
              open: true
        "#]],
    );
}

#[test]
fn a_bucket_and_its_database() {
    let text = "\
version: 0.1
storage:
  s3: {bucket: b, region: r, regionendpoint: http://a:9000, chunksize: 6000000, redirectendpoint: https://c}
http: {addr: 127.0.0.1:5000}
sealift:
  shared: {database: 'postgresql://me:hunter2@db/registry?sslmode=disable', password: hunter2}
";
    check_with(
        text,
        &[("REGISTRY_STORAGE_S3_CHUNKSIZE", "1")],
        expect![[r#"
        REGISTRY_STORAGE_S3_CHUNKSIZE (environment): error: `storage.s3.chunksize`: is too small for a store
            write 5242880 or more; a blob has at most 10,000 parts
        config.yml:3: note: `storage.s3.redirectendpoint`: has no effect: blobs always come through the registry, which judges and counts them
        version: 0.1
        storage:
          s3:
            bucket: b
            region: r
            regionendpoint: "http://a:9000"
            chunksize: 1
            redirectendpoint: "https://c"
        http:
          addr: "127.0.0.1:5000"
        sealift:
          shared:
            database: "postgresql://me:…@db/registry?sslmode=disable"
            password: "…"
    "#]],
    );
}

#[test]
fn variables_replace_whole_sections() {
    check_with(
        SMALL,
        &[
            ("REGISTRY_STORAGE", "s3"),
            ("REGISTRY_STORAGE_S3_BUCKET", "b"),
            ("REGISTRY_STORAGE_S3_REGION", "r"),
            ("REGISTRY_STORAGE_S3_ACCESSKEY", "a"),
            ("REGISTRY_STORAGE_S3_SECRETKEY", "b"),
            ("REGISTRY_AUTH", "htpasswd"),
            ("REGISTRY_AUTH_HTPASSWD_REALM", "r"),
            ("REGISTRY_AUTH_HTPASSWD_PATH", "/p"),
        ],
        expect![[r#"
            REGISTRY_STORAGE (environment): error: `storage.s3`: needs a database of PostgreSQL beside it
                write `sealift: {shared: {database: "postgresql://user@host/name"}}`, the same for all replicas
            version: 0.1
            storage:
              s3:
                accesskey: "…"
                bucket: b
                region: r
                secretkey: "…"
            http:
              addr: "127.0.0.1:5000"
            auth:
              htpasswd:
                path: /p
                realm: r
        "#]],
    );
}

#[test]
fn variables_that_cannot_be_used() {
    check_with(
        SMALL,
        &[
            ("REGISTRY_PORT", "tcp://10.0.0.1:5000"),
            ("REGISTRY_HTTP_ADR", ":1"),
            ("REGISTRY_HTTP_ADDR_X", ":1"),
            ("REGISTRY_STORAGE_S3_BUCKET", "b"),
            ("REGISTRY_HTTP_TLS_CLIENTCAS_2", "x"),
            ("REGISTRY_HTTP_TLS_CLIENTCAS_X", "x"),
            ("REGISTRY_LOG", "["),
            ("REGISTRY_", "x"),
        ],
        expect![[r#"
            config.yml:2: error: `storage`: there is more than one storage: `filesystem`, `s3`
                delete all but one; a variable may have added one
            REGISTRY_HTTP_TLS_CLIENTCAS_2 (environment): error: `http.tls.clientcas`: there is no item 2; the list has 0
                items are counted from 0, without a gap
            REGISTRY_HTTP_TLS_CLIENTCAS_X (environment): error: `http.tls.clientcas`: the variable needs the number of an item
                items are counted from 0, without a gap
            REGISTRY_LOG (environment): error: while parsing a node, did not find expected node content
                the file must be YAML
            REGISTRY_ (environment): warning: no key of the configuration has the name of this variable; it is not used
                unset it if it was meant for the registry
            REGISTRY_HTTP_ADDR_X (environment): warning: `http.addr`: the variable goes deeper than the configuration; it is not used
                correct or unset it
            REGISTRY_HTTP_ADR (environment): warning: no key of the configuration has the name of this variable; it is not used
                did you mean `ADDR` for `ADR`?
            REGISTRY_PORT (environment): warning: no key of the configuration has the name of this variable; it is not used
                unset it if it was meant for the registry
            version: 0.1
            storage:
              filesystem:
                rootdirectory: /data
              s3:
                bucket: b
            http:
              addr: "127.0.0.1:5000"
              tls:
                clientcas: []
        "#]],
    );
}

// A configuration that is read from nine bytes to a gigabyte.
#[test]
fn bombs() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for index in 1..10 {
        let before = format!("*a{}, ", index - 1).repeat(10);
        writeln!(text, "a{index}: &a{index} [{before}]").unwrap();
    }
    let deep = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
    let mut chain = "a0: &a0 [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]\n".to_owned();
    chain.push_str("a1: &a1 [[[[[[[[[[[[[[[[[[[[*a0]]]]]]]]]]]]]]]]]]]]\n");
    let long = "x".repeat(super::tree::BYTES_MAX + 1);
    let many = "- x\n".repeat(30_000);
    for text in [text.as_str(), &deep, &chain, &long, &many, "a: &a [*a]"] {
        let reading = read(text, &[]);
        assert!(reading.configuration.is_none());
        assert_eq!(reading.findings[0].level, Level::Error);
    }
}

#[test]
fn anchors_and_merges() {
    let reading = read(
        "\
version: 0.1
x: &common {name: a, url: https://a.example, timeout: 3s}
storage: filesystem
http: {addr: '[::1]:5000'}
notifications:
  endpoints:
    - *common
    - {<<: *common, name: b}
    - {<<: [{name: c}, *common], disabled: true}
",
        &[],
    );
    let configuration = reading.configuration.unwrap();
    let names: Vec<&str> = configuration
        .notifications
        .endpoints
        .iter()
        .map(|endpoint| endpoint.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(configuration.notifications.endpoints[1].timeout, Duration::from_secs(3));
    assert_eq!(configuration.storage.place, StoragePlace::default());
}

#[test]
fn own_sections_say_where_they_are_wrong() {
    #[derive(Debug, Default, serde::Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        level: Option<u8>,
        names: Vec<String>,
    }
    let section = |text: &str| {
        let text = format!("{SMALL}sealift:\n  gate:\n    {text}\n");
        let own = read(&text, &[]).configuration.unwrap().own;
        own.section::<Settings>("gate").map_err(|finding| finding.line("f"))
    };
    let fine = Settings { level: Some(3), names: vec!["a".to_owned(), "0.1".to_owned()] };
    assert_eq!(section("{level: 3, names: [a, 0.1]}"), Ok(fine));
    expect!["f:6: error: `sealift.gate.level`: the value must be a whole number that fits"]
        .assert_eq(&section("{level: 300}").unwrap_err());
    expect!["f:6: error: `sealift.gate.names`: the value must be a text"]
        .assert_eq(&section("{names: [[a]]}").unwrap_err());
    expect!["f:6: error: `sealift.gate`: there is no key `lvel`; did you mean `level`?"]
        .assert_eq(&section("{level: 3, lvel: 2}").unwrap_err());
    expect!["f:6: error: `sealift.gate`: the value must be a mapping"]
        .assert_eq(&section("[level]").unwrap_err());
    assert_eq!(Own::default().section::<Settings>("gate"), Ok(Settings::default()));
}

#[test]
fn the_table_has_each_key_once_and_is_what_the_page_shows() {
    let mut seen = std::collections::BTreeSet::new();
    assert!(KEYS.iter().all(|key| seen.insert(key.path)));
    let mut table = "| key | here | |\n|---|---|---|\n".to_owned();
    for key in KEYS {
        let (standing, what) = match key.standing {
            Standing::Read(what) => ("read", what),
            Standing::Ignored(what) => ("ignored", what),
            Standing::Missing(what) => ("not supported", what),
            Standing::Refused(what) => ("refused", what),
        };
        writeln!(table, "| `{}` | {standing} | {what} |", key.path).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/registry-configuration.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.contains(&table), "docs/registry-configuration.md must have this:\n{table}");
}
