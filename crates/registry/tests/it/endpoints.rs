//! Every endpoint, as notary-server has it.

use std::sync::Arc;

use expect_test::expect;
use jiff::{SignedDuration, Timestamp};
use sealift_registry::Error;
use sealift_registry::store::open_folder;
use sealift_tuf::sha256_hex;
use serde_json::Value;

use crate::lab::{Lab, PLACE, Publisher, Setup};

fn published() -> Lab {
    let lab = Lab::new();
    let reply = lab.post(&Publisher::new().first(&lab, &[]), &[]);
    assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{reply:?}");
    lab
}

fn late() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * 13 + 1)
}

#[test]
fn documents() {
    let lab = published();
    for role in ["root", "targets", "snapshot", "timestamp"] {
        let first = lab.get(&format!("{PLACE}{role}.json"));
        assert_eq!(first.status, 200, "{first:?}");
        assert_eq!(first.header("content-type"), Some("text/plain; charset=utf-8"));
        let cache = "public, max-age=300, s-maxage=300, must-revalidate";
        assert_eq!(first.header("cache-control"), Some(cache));
        assert!(first.header("last-modified").unwrap().ends_with(" GMT"));
        assert!(first.header("x-request-id").is_some());
        let hash = sha256_hex(first.body.as_bytes());
        for name in [format!("{role}.{hash}.json"), format!("1.{role}.json")] {
            let same = lab.get(&format!("{PLACE}{name}"));
            assert_eq!((same.status, &same.body), (200, &first.body), "{name}");
            let cache = "public, max-age=2592000, s-maxage=2592000";
            assert_eq!(same.header("cache-control"), Some(cache));
        }
        let tag = format!("\"{hash}\"");
        assert_eq!(first.header("etag"), Some(tag.as_str()));
        for condition in [
            format!("If-None-Match: {tag}"),
            format!("If-None-Match: \"x\", W/{tag}"),
            format!("If-Modified-Since: {}", first.header("last-modified").unwrap()),
        ] {
            let unchanged = lab.request("GET", &format!("{PLACE}{role}.json"), &[&condition], b"");
            assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""), "{condition}");
        }
        let changed =
            lab.request("GET", &format!("{PLACE}{role}.json"), &["If-None-Match: \"x\""], b"");
        assert_eq!(changed.status, 200);
        let head = lab.request("HEAD", &format!("{PLACE}{role}.json"), &[], b"");
        assert_eq!((head.status, head.body.as_str()), (200, ""));
    }
}

#[test]
fn refusals_have_the_words_of_notary() {
    let lab = published();
    let other = "/v2/localhost:5443/none/_trust/tuf/";
    let (kind, body) = crate::lab::form(&[("targets".to_owned(), b"x".to_vec())]);
    let unnamed = b"--XX\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\n{}\r\n--XX--\r\n";
    let replies = [
        lab.get(&format!("{other}root.json")),
        lab.get("/v2/foo"),
        lab.get(&format!("{PLACE}targets.key")),
        lab.get("/v2/a%20b/_trust/tuf/root.json"),
        lab.get("/v2/localhost:5443/team/app/_trust/changefeed"),
        lab.request("POST", PLACE, &["Content-Type: application/x-www-form-urlencoded"], b"{}"),
        lab.request("POST", PLACE, &[&kind], &body),
        lab.request("POST", PLACE, &[&kind], unnamed),
        lab.request("POST", other, &[&kind], b"--XX--\r\n"),
        lab.request("PUT", PLACE, &[], b"{}"),
    ];
    let text: Vec<String> =
        replies.iter().map(|reply| format!("{} {}\n", reply.status, reply.body)).collect();
    expect![[r#"
        404 {"errors":[{"code":"METADATA_NOT_FOUND","detail":{},"message":"You have requested metadata that does not exist."}]}
        404 {"errors":[{"code":"METADATA_NOT_FOUND","message":"You have requested metadata that does not exist."}]}
        404 {"errors":[{"code":"METADATA_NOT_FOUND","message":"You have requested metadata that does not exist."}]}
        400 {"errors":[{"code":"INVALID_GUN","message":"The server does not support actions on images of this name."}]}
        400 {"errors":[{"code":"INVALID_PARAMETERS","detail":"invalid records parameter: strconv.ParseInt: parsing \"\": invalid syntax","message":"The parameters provided are not valid."}]}
        400 {"errors":[{"code":"MALFORMED_UPLOAD","message":"The body of your request is malformed."}]}
        400 {"errors":[{"code":"MALFORMED_JSON","message":"JSON sent by the client could not be parsed by the server"}]}
        400 {"errors":[{"code":"NO_FILENAME","message":"No file/role name provided."}]}
        400 {"errors":[{"code":"INVALID_UPDATE","detail":{"Error":{"Msg":"no pre-existing root and no root provided in update."},"Name":"ErrValidation"},"message":"Update sent by the client is invalid."}]}
        405 {"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}
    "#]].assert_eq(&text.concat());
    for reply in replies {
        assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
    }
}

#[test]
fn changes_are_listed() {
    let lab = published();
    let deleted = lab.request("DELETE", PLACE, &[], b"");
    assert_eq!((deleted.status, deleted.body.as_str()), (200, ""));
    assert_eq!(lab.get(&format!("{PLACE}root.json")).status, 404);
    // Deleting what is not there is no failure and no change.
    assert_eq!(lab.request("DELETE", PLACE, &[], b"").status, 200);
    for path in ["/v2/_trust/changefeed", "/v2/localhost:5443/team/app/_trust/changefeed"] {
        let reply = lab.get(&format!("{path}?change_id=0&records=10"));
        let value: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(value["count"], 2);
        assert_eq!(value["records"][0]["Category"], "update");
        assert_eq!(value["records"][1]["Category"], "deletion");
        let last = lab.get(&format!("{path}?records=-1&change_id=-1"));
        assert!(last.body.contains("\"ID\":\"2\"") && !last.body.contains("\"ID\":\"1\""));
    }
    let audit = lab.log.of("change");
    assert_eq!(audit.len(), 3);
    assert!(
        audit[0].contains(
            "\"action\":\"upload\",\"roles\":[\"root\",\"targets\"],\"outcome\":\"done\""
        ),
        "{}",
        audit[0]
    );
    // A repository can be made again from the start.
    let again = lab.post(&Publisher::new().first(&lab, &[]), &[]);
    assert_eq!(again.status, 200, "{again:?}");
}

#[test]
fn keys_are_held_and_rotated() {
    let lab = Lab::new();
    let key = |method: &str| lab.request(method, &format!("{PLACE}timestamp.key"), &[], b"").body;
    let first = key("GET");
    let value: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(value["keytype"], "ecdsa");
    assert!(value["keyval"]["private"].is_null());
    assert_eq!(key("GET"), first);
    let second = key("POST");
    assert!(second != first && key("GET") == second);
}

#[test]
fn one_of_two_publishers_wins() {
    let lab = Lab::new();
    let publisher = Publisher::new();
    let files = publisher.first(&lab, &[]);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| lab.post(&files, &[]).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    let refused = lab.post(&files, &[]);
    assert!(refused.status == 400 && refused.body.contains("\"VERSION\""), "{refused:?}");
    assert_eq!(lab.log.of("failure"), [""; 0]);
}

#[test]
fn the_folder_outlives_the_server() {
    let mut lab = published();
    let timestamp = lab.get(&format!("{PLACE}timestamp.json")).body;
    let busy = open_folder(lab.folder.path(), None).err().unwrap();
    assert!(matches!(busy, Error::InUse { .. }), "{busy}");
    lab.stop();
    let folder = Some(Arc::clone(&lab.folder));
    let mut next = Lab::start(Setup { folder: folder.clone(), ..Setup::default() });
    assert_eq!(next.get(&format!("{PLACE}timestamp.json")).body, timestamp);
    next.stop();
    // A timestamp that expires soon is signed again, by the key of before, and then kept.
    let late = Lab::start(Setup { folder, clock: late, ..Setup::default() });
    let renewed = late.get(&format!("{PLACE}timestamp.json")).body;
    assert!(renewed.contains("\"version\":2"), "{renewed}");
    assert_eq!(late.get(&format!("{PLACE}timestamp.json")).body, renewed);
    assert_eq!(late.get(&format!("{PLACE}1.timestamp.json")).body, timestamp);
}

#[test]
fn others_are_told_how_it_goes() {
    let lab = published();
    assert_eq!(lab.get("/v2/").body, "{}");
    assert_eq!(lab.get("/_notary_server/health").body, "{}");
    lab.get(&format!("{PLACE}root.json"));
    lab.get(&format!("{PLACE}root.json"));
    let metrics = lab.get("/metrics").body;
    for line in [
        "sealift_trust_requests_total{kind=\"upload\",status=\"2xx\"} 1",
        "sealift_trust_requests_total{kind=\"document\",status=\"2xx\"} 2",
        "sealift_trust_recalled_total 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let requests = lab.log.of("request");
    assert!(requests[0].contains("\"method\":\"GET\",\"path\":\"/v2/localhost:5443/team/app/_trust/tuf/snapshot.key\",\"status\":200"), "{}", requests[0]);
}
