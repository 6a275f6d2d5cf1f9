//! Values that cannot be, and what is said of them.

use expect_test::expect;

use super::check;

#[test]
fn values_of_the_wrong_kind() {
    for (text, expected) in [
        (
            "",
            expect![[r#"
            config.yml:1: error: `version`: is missing
                write `version: 0.1` at the top
            config.yml:1: error: `storage`: says not where images lie
                write `storage: {filesystem: {rootdirectory: /var/lib/registry}}`
            config.yml:1: error: `auth`: is missing: anybody could push and delete from anywhere
                add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`
        "#]],
        ),
        (
            "version: 0.2\nstorage: filesystem\nhttp: {addr: 'localhost:1'}",
            expect![[r#"
            config.yml:1: error: `version`: is not known
                write `version: 0.1`
        "#]],
        ),
        (
            "version: [0.1]",
            expect![[r#"
            config.yml:1: error: `version`: the value must be a text
            config.yml:1: error: `version`: is missing
                write `version: 0.1` at the top
            config.yml:1: error: `storage`: says not where images lie
                write `storage: {filesystem: {rootdirectory: /var/lib/registry}}`
            config.yml:1: error: `auth`: is missing: anybody could push and delete from anywhere
                add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`
        "#]],
        ),
        (
            "version: 0.1\nstorage: {filesystem: , delete: {enabled: maybe}}",
            expect![[r#"
            config.yml:1: error: `auth`: is missing: anybody could push and delete from anywhere
                add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`
            config.yml:2: error: `storage.delete.enabled`: the value must be `true` or `false`
        "#]],
        ),
        (
            "version: 0.1\nstorage: {filesystem: , s3: {bucket: b, region: r}}",
            expect![[r#"
            config.yml:1: error: `auth`: is missing: anybody could push and delete from anywhere
                add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`
            config.yml:2: error: `storage`: there is more than one storage: `filesystem`, `s3`
                delete all but one; a variable may have added one
        "#]],
        ),
    ] {
        check(text, expected);
    }
}

#[test]
fn kinds_that_are_not_there() {
    for (text, expected) in [
        (
            "version: 0.1\nstorage: {azure: {accountname: a}}",
            expect![[r#"
                config.yml:1: error: `auth`: is missing: anybody could push and delete from anywhere
                    add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`
                config.yml:2: error: `storage.azure`: is not supported, and the file promises it
                    no driver of this kind; use `filesystem` or `s3`
            "#]],
        ),
        (
            "version: 0.1\nstorage: {flesystem: }",
            expect![[r#"
            config.yml:1: error: `auth`: is missing: anybody could push and delete from anywhere
                add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`
            config.yml:2: error: `storage.flesystem`: there is no storage of this kind
                use `filesystem`, `s3` or `inmemory`
        "#]],
        ),
        (
            "version: 0.1\nstorage: filesystem\nauth: silly",
            expect![[r#"
                config.yml:3: error: `auth.silly`: is not supported, and the file promises it
                    it lets everybody in; use `htpasswd` or `token`
            "#]],
        ),
        (
            "version: 0.1\nstorage: filesystem\nauth: htpasswd",
            expect![[r#"
            config.yml:3: error: `auth.htpasswd.realm`: is missing
                write any name
            config.yml:3: error: `auth.htpasswd.path`: is missing
                name the file; `sealift registry user add FILE NAME` makes one
            config.yml:1: warning: `http`: there is no TLS: passwords and tokens travel readable
                add `http: {tls: …}`, unless something before the registry has TLS
        "#]],
        ),
        (
            "version: 0.1\nstorage: filesystem\nhttp: {addr: a}",
            expect![[r#"
            config.yml:1: error: `auth`: is missing: anybody could push and delete from anywhere
                add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`
            config.yml:3: error: `http.addr`: is no address with a port
                write `:5000` or `127.0.0.1:5000`
        "#]],
        ),
    ] {
        check(text, expected);
    }
}

#[test]
fn values_that_mean_something_else() {
    for (text, expected) in [
        (
            "version: 0.1\nstorage: filesystem\nhttp: {addr: 'localhost:1', draintimeout: 60}",
            expect![[r#"
            config.yml:3: warning: `http.draintimeout`: a number without a unit is nanoseconds
                write `60s` for seconds
        "#]],
        ),
        (
            "version: 0.1\nstorage: filesystem\nhttp: {addr: 'localhost:1', headers: {a: \"x\\ny\"}}",
            expect![[r#"
                config.yml:3: error: `http.headers`: is no mapping of headers
                    write `Name: [value]`, with what HTTP allows in names and values
            "#]],
        ),
        (
            "version: 0.1\nversion: 0.1\nstorage: filesystem\nhttp: {addr: 'localhost:1'}\n---\na: b",
            expect![[r#"
            config.yml:2: warning: `version`: the key is there twice; the last one counts
                delete one of them
            config.yml:5: warning: only the first document is read
                delete what follows the line `---`
        "#]],
        ),
        (
            "a: [",
            expect![[r#"
            config.yml:2: error: while parsing a node, did not find expected node content
                the file must be YAML
        "#]],
        ),
        (
            "? [a]\n: b",
            expect![[r#"
            config.yml:3: error: a key is not a text
                the file must be YAML
        "#]],
        ),
        (
            "a: !!binary aGk=",
            expect![[r#"
            config.yml:1: error: a value has a tag that means nothing here
                the file must be YAML
        "#]],
        ),
    ] {
        check(text, expected);
    }
}

#[test]
fn addresses_and_patterns() {
    for (text, expected) in [
        (
            "version: 0.1\nstorage: filesystem\nvalidation: {manifests: {urls: {allow: ['(']}}}\nsealift: {open: yes}",
            expect![[r#"
                config.yml:3: error: `validation.manifests.urls.allow`: `(` is no regular expression: error: unclosed group
                    correct it; https://docs.rs/regex has the syntax
            "#]],
        ),
        (
            "version: 0.1\nstorage: filesystem\nproxy: {remoteurl: registry-1.docker.io}\nsealift: {open: 3}",
            expect![[r#"
            config.yml:1: error: `auth`: is missing: anybody could push and delete from anywhere
                add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`
            config.yml:3: error: `proxy.remoteurl`: is no address of a registry
                write `https://registry-1.docker.io`, for example
            config.yml:4: error: `sealift.open`: the value must be `true` or `false`
        "#]],
        ),
        (
            "version: 0.1\nstorage: filesystem\nsealift: {open: true}\nnotifications: {endpoints: [{name: a, url: 'ftp://x'}]}",
            expect![[r#"
                config.yml:4: error: `notifications.endpoints[0].url`: is no address that begins with `https://` or `http://`
                    correct it, or delete the item
            "#]],
        ),
    ] {
        check(text, expected);
    }
}
