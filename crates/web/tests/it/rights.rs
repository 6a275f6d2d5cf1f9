//! Who sees what.

use crate::site::{CONFIG, PASSWORD, Site};

const VIEWS: [&str; 8] =
    ["", "layers", "packages", "findings", "trust", "referrers", "history", "manifest"];

#[test]
fn nobody_sees_what_they_may_not_pull() {
    let site = Site::start();
    let open = site.push("team/app", "1.0", CONFIG);
    let hidden = site.push("other/app", "1.0", CONFIG);
    site.push("team/app", "secret-1", CONFIG);
    let ben = site.browser_of("ben");
    let list = ben.get("/").body;
    assert!(list.contains("team/app") && !list.contains("other/app"), "{list}");
    let tags = ben.get("/r/team/app").body;
    assert!(tags.contains("/-/1.0\"") && !tags.contains("secret-1"), "{tags}");
    assert!(!ben.get("/r/team/app?q=secret").body.contains("secret-1\""));
    for view in VIEWS {
        let status = |path: &str| ben.get(&format!("{path}?view={view}")).status;
        assert_eq!(status("/r/team/app/-/1.0"), 200, "{view}");
        assert_eq!(status(&format!("/r/team/app/-/{open}")), 200, "{view}");
        // What is elsewhere is not here, whatever the repository in the address.
        for path in [
            "/r/other/app/-/1.0".to_owned(),
            format!("/r/other/app/-/{hidden}"),
            format!("/r/team/app/-/{hidden}"),
            "/r/team/app/-/secret-1".to_owned(),
            "/r/no/such/-/1.0".to_owned(),
        ] {
            assert_eq!(status(&path), 404, "{path} {view}");
        }
    }
    assert_eq!(ben.get("/r/other/app").status, 404);
    // What may not be seen and what is not there look the same.
    assert_eq!(ben.get("/r/other/app").body, ben.get("/r/other/none").body);
}

#[test]
fn rules_of_groups_count_on_the_pages() {
    let site = Site::start();
    site.push("team/app", "1.0", CONFIG);
    site.push("other/app", "1.0", CONFIG);
    let carl = site.browser_of("carl");
    let list = carl.get("/").body;
    assert!(list.contains("other/app") && !list.contains("team/app"), "{list}");
    assert_eq!(carl.get("/r/team/app/-/1.0").status, 404);
    let account = carl.get("/-/account").body;
    assert!(account.contains("out") && account.contains("!group:out=team/**:pull"), "{account}");
}

#[test]
fn the_name_beside_a_token_makes_nobody_that_user() {
    let site = Site::start();
    site.push("team/app", "1.0", CONFIG);
    let token = site.robot();
    for user in ["anna", "ci", "robot:ci", "oidc"] {
        let mut browser = site.browser();
        let reply = browser.log_in(user, &token);
        assert_eq!((reply.status, reply.header("set-cookie")), (401, None), "{user}: {reply:?}");
    }
    let heard = site.heard.0.lock().unwrap().join("\n");
    assert!(heard.contains("denied :"), "{heard}");
}

#[test]
fn the_desk_is_for_administrators() {
    let site = Site::start();
    let desks = [
        "/-/admin",
        "/-/admin/robots",
        "/-/admin/retain",
        "/-/admin/collect",
        "/-/admin/log",
        "/-/storage",
    ];
    let ben = site.browser_of("ben");
    for path in desks {
        assert_eq!(site.browser().get(path).status, 303, "{path}");
        assert_eq!(ben.get(path).status, 403, "{path}");
        let token = ben.get("/").token();
        let sent = ben.request("POST", path, &[], &format!("token={token}&user=ben&deed=remove"));
        assert_ne!(sent.status, 200, "{path}");
        assert_eq!(site.browser_of("anna").get(path).status, 200, "{path}");
    }
    assert!(!ben.get("/").body.contains("/-/admin"));
    assert!(site.clerk.deeds.lock().unwrap().is_empty());
}

#[test]
fn whoever_did_not_log_in_learns_nothing() {
    let site = Site::start();
    site.push("team/app", "1.0", CONFIG);
    let nobody = site.browser();
    for path in ["/", "/r/team/app", "/r/no/such", "/r/team/app/-/1.0?view=layers", "/-/account"] {
        let reply = nobody.get(path);
        let next = path.replace('?', "%3f").replace('=', "%3d");
        assert_eq!(reply.status, 303, "{path}");
        assert_eq!(reply.header("location"), Some(format!("/-/login?next={next}").as_str()));
        assert_eq!(reply.body, "");
    }
    // After the login one is where one wanted to go, if that is here.
    let fields = |next: &str| format!("user=ben&password={PASSWORD}&next={next}");
    let went = |next: &str| {
        let reply = site.browser().send("/-/login", &fields(next));
        reply.header("location").unwrap().to_owned()
    };
    assert_eq!(went("/r/team/app/-/1.0%3fview%3dlayers"), "/r/team/app/-/1.0?view=layers");
    assert_eq!(went("//evil.example/"), "/");
    assert_eq!(went("/%0d%0aSet-Cookie:+a=b"), "/");
}
