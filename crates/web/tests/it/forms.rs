//! What a form may do, and whose form is believed.

use crate::site::Site;

#[test]
fn a_form_of_elsewhere_does_nothing() {
    let site = Site::start();
    let (anna, other) = (site.browser_of("anna"), site.browser_of("anna"));
    let path = "/-/admin/collect";
    let token = anna.get(path).token();
    let check = |headers: &[&str], body: &str| anna.request("POST", path, headers, body).status;
    assert_eq!(check(&[], "dry="), 403);
    assert_eq!(check(&[], "token=&dry="), 403);
    // Not the token of another session, nor that of nobody's.
    assert_eq!(check(&[], &format!("token={}&dry=", other.get(path).token())), 403);
    assert_eq!(check(&[], &format!("token={}&dry=", site.browser().get("/-/login").token())), 403);
    let body = format!("token={token}&dry=");
    for header in [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: http://here.evil.example",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        assert_eq!(check(&[header], &body), 403, "{header}");
    }
    assert!(site.clerk.deeds.lock().unwrap().is_empty());
    assert_eq!(check(&["Origin: http://here", "Sec-Fetch-Site: same-origin"], &body), 200);
    assert_eq!(*site.clerk.deeds.lock().unwrap(), ["collect, dry: false"]);
    // By a link nothing is done at all.
    assert_eq!(anna.get(&format!("{path}?{body}")).status, 200);
    assert_eq!(site.clerk.deeds.lock().unwrap().len(), 1);
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        assert_eq!(anna.request(method, path, &[], "").status, 405, "{method}");
    }
    let long = format!("token={token}&dry={}", "x".repeat(20_000));
    assert_eq!(check(&[], &long), 400);
}

#[test]
fn administrators_do_things_and_that_is_written_down() {
    let site = Site::start();
    let anna = site.browser_of("anna");
    let made =
        anna.send("/-/admin/robots", "name=ci&repositories=team/**&actions=pull&days=30").body;
    assert!(made.contains("sealift_robot_x") && made.contains("role=\"status\""), "{made}");
    for days in ["0", "366", "-1", "x", ""] {
        let fields = format!("name=ci&repositories=**&actions=pull&days={days}");
        let refused = anna.send("/-/admin/robots", &fields).body;
        assert!(refused.contains("from 1 to 365 days") && refused.contains("role=\"alert\""));
    }
    anna.send("/-/admin/robots", "remove=ci");
    anna.send("/-/admin", "deed=password&user=eve&password=a+long+secret");
    anna.send("/-/admin", "deed=remove&user=ben");
    assert!(
        anna.send("/-/admin", "deed=remove&user=anna").body.contains("Nobody removes themselves")
    );
    assert!(anna.send("/-/admin", "deed=burn&user=ben").body.contains("role=\"alert\""));
    anna.send("/-/admin/collect", "dry=yes");
    anna.send("/-/admin/collect", "dry=");
    assert_eq!(
        *site.clerk.deeds.lock().unwrap(),
        [
            "robot ci team/**:pull 30",
            "no robot ci",
            "password of eve: 13 bytes",
            "remove ben",
            "collect, dry: true",
            "collect, dry: false",
        ]
    );
    let users = anna.get("/-/admin").body;
    assert!(users.contains("Remove ben") && !users.contains("Remove anna"), "{users}");
    // What was done is told, what was only looked at or did not work is not.
    let heard = site.heard.0.lock().unwrap();
    let told: Vec<_> = heard.iter().filter(|line| line.starts_with("administered anna")).collect();
    assert_eq!(told.len(), 4, "{heard:?}");
    assert!(!heard.join(" ").contains("long") && !heard.join(" ").contains("sealift_robot"));
}

#[test]
fn retention_shows_what_would_go() {
    let site = Site::start();
    let page = site.browser_of("anna").send("/-/admin/retain", "").body;
    assert!(page.contains("600 tags and manifests would be removed"), "{page}");
    assert!(page.contains("and 100 more") && page.contains("/r/team/app/-/sha256:"));
}
