//! D9: several replicas on one S3-compatible store and one PostgreSQL.
#![allow(clippy::print_stderr, reason = "a test says that it could not run")]

use std::process::Stdio;
use std::time::Duration;

use sealift_testkit::{Postgres, S3Server, TestContext};

use crate::lab::empty_lab;
use crate::serving::{PASSWORD, Server, add_user, free_host, image};

const STATUS: [&str; 4] = ["-o", "/dev/null", "-w", "%{http_code}"];

pub(crate) struct Stores {
    postgres: Postgres,
    pub(crate) s3: S3Server,
    pub(crate) database: String,
}

pub(crate) fn stores() -> Option<Stores> {
    let (Some(postgres), Some(s3)) = (Postgres::start(), S3Server::start()) else {
        eprintln!("SKIPPED: PostgreSQL or moto is not installed; tests/setup does that");
        return None;
    };
    s3.make_bucket("images");
    let database = postgres.database("registry");
    Some(Stores { postgres, s3, database })
}

// Distribution's keys, and a section of ours.
fn configure(context: &TestContext, stores: &Stores, host: &str, name: &str) -> String {
    let file = format!("{name}.yml");
    let work = context.work();
    let text = format!(
        "version: 0.1
storage:
  s3: {{bucket: images, region: us-east-1, regionendpoint: '{}', rootdirectory: /registry, chunksize: 5242880}}
  delete: {{enabled: true}}
http: {{addr: {host}}}
auth: {{htpasswd: {{realm: r, path: {}}}}}
sealift:
  shared: {{database: '{}', folder: {}}}
",
        stores.s3.address(),
        work.join("htpasswd").display(),
        stores.database,
        work.join(name).display(),
    );
    context.write(&file, text);
    file
}

fn start(context: &TestContext, stores: &Stores, name: &str) -> Server {
    let host = free_host();
    let file = configure(context, stores, &host, name);
    let mut command = context.command(&["registry", "serve", &file]);
    command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
    Server::start(&mut command, &host, None)
}

// An upload begun here and ended there; the store's own minimum is told.
fn upload_over_two(one: &Server, two: &Server, credentials: &str) {
    let as_anna = [&STATUS[..], &["-u", credentials]].concat();
    let begun = one.curl(&["-u", credentials, "-i", "-X", "POST"], "/v2/team/app/blobs/uploads/");
    let header = |name: &str| {
        let line = begun.lines().find(|line| line.to_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.trim().to_owned())
    };
    assert_eq!(header("oci-chunk-min-length").as_deref(), Some("5242880"), "{begun}");
    let place = header("location").unwrap();
    let octets = ["-H", "Content-Type: application/octet-stream"];
    let part = [&as_anna[..], &octets, &["-X", "PATCH", "--data-binary", "hello "]].concat();
    assert_eq!(one.curl(&part, &place), "202");
    let last = [&as_anna[..], &octets, &["-X", "PUT", "--data-binary", "world"]].concat();
    let digest = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    assert_eq!(two.curl(&last, &format!("{place}?digest={digest}")), "201");
    let blob = format!("/v2/team/app/blobs/{digest}");
    assert_eq!(one.curl(&["-u", credentials], &blob), "hello world");
}

#[test]
fn d9_replicas_share_a_store_and_a_database() {
    let Some(mut stores) = stores() else { return };
    let context = empty_lab();
    add_user(&context, "htpasswd");
    image(&context, "app", "3.1.3");
    let (one, two) = (start(&context, &stores, "one"), start(&context, &stores, "two"));
    let credentials = format!("anna:{PASSWORD}");
    let as_anna = [&STATUS[..], &["-u", &credentials]].concat();
    // What one took in the other gives out, and what one deleted the other does not.
    one.push(&context, "app", "team/app:1.0");
    assert!(two.inspect("team/app:1.0").0);
    let path = "/v2/team/app/manifests/1.0";
    assert_eq!(two.curl(&[&as_anna[..], &["-X", "DELETE"]].concat(), path), "202");
    assert_eq!(one.curl(&as_anna, path), "404");
    upload_over_two(&one, &two, &credentials);
    // One is killed while it takes in images: what was answered is there.
    let pushed: Vec<String> = std::thread::scope(|scope| {
        let pushing = scope.spawn(|| {
            let names = (0..40).map(|number| format!("team/app{number}:1"));
            names.take_while(|name| one.try_push(&context, "app", name).0).collect()
        });
        std::thread::sleep(Duration::from_secs(3));
        one.kill();
        pushing.join().unwrap()
    });
    for name in &pushed {
        assert!(two.inspect(name).0, "{name} is lost");
    }
    assert!(!pushed.is_empty() && pushed.len() < 40, "{} pushes", pushed.len());
    // It comes back; the database goes and comes back.
    let one = start(&context, &stores, "one");
    two.push(&context, "app", "team/late:1");
    stores.postgres.stop();
    let (status, headers) = (one.curl(&as_anna, path), one.curl(&["-u", &credentials, "-i"], path));
    assert_eq!(status, "503");
    assert!(headers.to_lowercase().contains("retry-after:"), "{headers}");
    stores.postgres.resume();
    assert!(one.inspect("team/late:1").0);
    // The operator asks the storage, whatever servers there are.
    let ask = |arguments: &[&str]| {
        let mut command = context.command(arguments);
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), text)
    };
    let (code, told) = ask(&["registry", "scrub", "--registry-config", "one.yml"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = ask(&["registry", "gc", "--registry-config", "one.yml"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = ask(&["registry", "backup", "--registry-config", "one.yml", "copy"]);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("by their own means"), "{told}");
    // A second one in the same folder would take its socket away.
    let (code, told) = ask(&["registry", "serve", "one.yml"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(two.inspect("team/late:1").0);
}

#[test]
fn d9_what_lacks_is_said() {
    let context = empty_lab();
    let text = "version: 0.1
storage: {s3: {bucket: images, region: us-east-1}}
http: {addr: '127.0.0.1:1'}
";
    context.write("bare.yml", text);
    let told = context.expect(1, &["registry", "config", "check", "bare.yml"]).stdout;
    assert!(told.contains("needs a database of PostgreSQL beside it"), "{told}");
    assert_eq!(told.matches("error:").count(), 1, "{told}");
}
