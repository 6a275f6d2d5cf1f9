//! Rules by who somebody is, by repository, tag and action. A rule that denies wins.

use std::fmt;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::pattern::{Of, Pattern};
use super::{Action, Decision, Kind, Principal, Thing};

const RULES_MAX: usize = 10_000;
const PATTERNS_MAX: usize = 1000;

/// One rule: these may do this with those, or may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    is_denial: bool,
    subjects: Vec<Subject>,
    repositories: Vec<Pattern>,
    // None: whatever the tag.
    tags: Vec<Pattern>,
    actions: Actions,
    text: Arc<str>,
}

// Who a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    Anonymous,
    Name(Pattern),
    Group(Pattern),
    // All of them have to fit.
    Claims(Vec<(String, Pattern)>),
}

impl Subject {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "anonymous" {
            return Ok(Self::Anonymous);
        }
        if let Some(group) = text.strip_prefix("group:") {
            return Ok(Self::Group(Pattern::parse(group, Of::Text)?));
        }
        let Some(claims) = text.strip_prefix("claim:") else {
            return Ok(Self::Name(Pattern::parse(text, Of::Text)?));
        };
        let claims: Result<_, _> = claims.split(',').map(claim).collect();
        Ok(Self::Claims(claims?))
    }

    fn fits(&self, principal: &Principal) -> bool {
        match self {
            Self::Anonymous => principal.name.is_none(),
            Self::Name(pattern) => {
                let name = principal.name.as_deref();
                name.is_some_and(|name| name != "anonymous" && pattern.fits(name))
            }
            Self::Group(pattern) => principal.groups.iter().any(|group| pattern.fits(group)),
            Self::Claims(claims) => claims.iter().all(|(name, pattern)| {
                principal.claims.get(name).is_some_and(|value| pattern.fits(value))
            }),
        }
    }
}

// `repository:acme/*`
fn claim(text: &str) -> Result<(String, Pattern), &'static str> {
    let (name, pattern) = text.split_once(':').ok_or("a claim has no `:` after its name")?;
    if name.is_empty() {
        return Err("a claim has no name");
    }
    Ok((name.to_owned(), Pattern::parse(pattern, Of::Text)?))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Actions(u8);

impl Actions {
    fn with(self, action: Action) -> Self {
        let bits = match action {
            Action::Admin => 0b1111,
            action => 1 << action as u8,
        };
        Self(self.0 | bits)
    }

    fn has(self, action: Action) -> bool {
        self.0 & (1 << action as u8) != 0
    }
}

impl Rule {
    /// Reads `USER=REPOSITORY[:TAG]:ACTIONS`, as in `ci=team/**:v*:pull,push`; `!` before it makes it a denial.
    ///
    /// USER is a pattern of names, `group:PATTERN`, `claim:NAME:PATTERN,…` (all of them), or `anonymous`, which is
    /// whoever gave no name. What follows the last slash of the repository and a colon is a pattern of tags.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (is_denial, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (user, rest) = rest.split_once('=').ok_or("there is no `=` after the user")?;
        let (place, actions) = rest.rsplit_once(':').ok_or("there is no `:` before the actions")?;
        if user.is_empty() || place.is_empty() {
            return Err("the user or the repository is empty");
        }
        // A colon before a slash is that of a port.
        let (repository, tag) = match place.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (place, None),
        };
        let tags: Result<_, _> = tag.map(|tag| Pattern::parse(tag, Of::Text)).into_iter().collect();
        Ok(Self {
            is_denial,
            subjects: vec![Subject::parse(user)?],
            repositories: vec![Pattern::parse(repository, Of::Path)?],
            tags: tags?,
            actions: parse_actions(actions.split(','), is_denial)?,
            text: text.into(),
        })
    }

    fn of_fields(fields: Fields) -> Result<Self, &'static str> {
        let (is_denial, names) = match (&fields.allow[..], &fields.deny[..]) {
            (allowed, []) if !allowed.is_empty() => (false, allowed),
            ([], denied) if !denied.is_empty() => (true, denied),
            _ => return Err("a rule has either `allow` or `deny`, with a list of actions"),
        };
        let parsed =
            |prefix: &'static str, texts: &[String]| -> Result<Vec<Subject>, &'static str> {
                texts.iter().map(|text| Subject::parse(&format!("{prefix}{text}"))).collect()
            };
        let patterns = |texts: &[String], of| -> Result<Vec<Pattern>, &'static str> {
            texts.iter().map(|text| Pattern::parse(text, of)).collect()
        };
        let mut subjects = parsed("", &fields.users)?;
        subjects.extend(parsed("group:", &fields.groups)?);
        subjects.extend(parsed("robot:", &fields.robots)?);
        if !fields.claims.is_empty() {
            let claims = fields
                .claims
                .iter()
                .map(|(name, pattern)| Ok((name.clone(), Pattern::parse(pattern, Of::Text)?)));
            subjects.push(Subject::Claims(claims.collect::<Result<_, &'static str>>()?));
        }
        if subjects.is_empty() {
            return Err("a rule says nothing of `users`, `groups`, `robots` or `claims`");
        }
        let repositories = patterns(&fields.repositories, Of::Path)?;
        if repositories.is_empty() {
            return Err("a rule has no `repositories`");
        }
        if subjects.len().max(repositories.len()).max(fields.tags.len()) > PATTERNS_MAX {
            return Err("a rule has more than 1,000 patterns");
        }
        Ok(Self {
            is_denial,
            repositories,
            tags: patterns(&fields.tags, Of::Text)?,
            actions: parse_actions(names.iter().map(String::as_str), is_denial)?,
            text: fields.text(&subjects).into(),
            subjects,
        })
    }

    /// As it was written, or its name.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it denies.
    pub fn is_denial(&self) -> bool {
        self.is_denial
    }

    fn decides(&self, principal: &Principal, action: Action, thing: Thing<'_>) -> bool {
        self.actions.has(action)
            && self.subjects.iter().any(|subject| subject.fits(principal))
            && self.is_about(action, thing)
    }

    // As it decides of a repository of which not one tag is named yet.
    fn decides_some(&self, principal: &Principal, action: Action, repository: &str) -> bool {
        self.actions.has(action)
            && (!self.is_denial || self.tags.is_empty())
            && self.subjects.iter().any(|subject| subject.fits(principal))
            && self.repositories.iter().any(|pattern| pattern.fits(repository))
    }

    fn is_about(&self, action: Action, thing: Thing<'_>) -> bool {
        let is_repository = |name| self.repositories.iter().any(|repository| repository.fits(name));
        match thing {
            Thing::Tag(name, tag) => {
                let is_tag = self.tags.is_empty() || self.tags.iter().any(|found| found.fits(tag));
                is_tag && is_repository(name)
            }
            // Layers have no tags: who may read or write some tags has to read or write the layers. Who deletes a
            // digest deletes all tags that name it.
            Thing::Repository(name) => {
                let is_layer = !self.is_denial && matches!(action, Action::Pull | Action::Push);
                (self.tags.is_empty() || is_layer) && is_repository(name)
            }
            // What concerns all repositories is for who may do it with all of them.
            Thing::Catalog | Thing::Server => {
                self.tags.is_empty() && self.repositories.iter().any(Pattern::is_everything)
            }
        }
    }
}

fn parse_actions<'a>(
    names: impl Iterator<Item = &'a str>,
    is_denial: bool,
) -> Result<Actions, &'static str> {
    let mut actions = Actions::default();
    for name in names {
        let action = Action::of_name(name.trim());
        let fault = "an action is none of `pull`, `push`, `delete`, `admin` and `*`";
        actions = actions.with(action.ok_or(fault)?);
    }
    // Who may write what cannot be read can do nothing with it.
    let implies = !is_denial && actions.has(Action::Push);
    Ok(if implies { actions.with(Action::Pull) } else { actions })
}

// A rule as a configuration has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Fields {
    name: Option<String>,
    allow: Vec<String>,
    deny: Vec<String>,
    users: Vec<String>,
    groups: Vec<String>,
    robots: Vec<String>,
    claims: std::collections::BTreeMap<String, String>,
    repositories: Vec<String>,
    tags: Vec<String>,
}

impl Fields {
    // What is shown where it has no name.
    fn text(&self, subjects: &[Subject]) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let subject = |subject: &Subject| match subject {
            Subject::Anonymous => "anonymous".to_owned(),
            Subject::Name(pattern) => pattern.as_str().to_owned(),
            Subject::Group(pattern) => format!("group:{}", pattern.as_str()),
            Subject::Claims(claims) => {
                let claims = claims.iter().map(|(name, text)| format!("{name}:{}", text.as_str()));
                format!("claim:{}", claims.collect::<Vec<_>>().join(","))
            }
        };
        let subjects: Vec<String> = subjects.iter().map(subject).collect();
        let (sign, actions) =
            if self.deny.is_empty() { ("", &self.allow) } else { ("!", &self.deny) };
        let tags =
            if self.tags.is_empty() { String::new() } else { format!(":{}", self.tags.join("|")) };
        let place = format!("{}{tags}", self.repositories.join("|"));
        format!("{sign}{}={place}:{}", subjects.join("|"), actions.join(","))
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RuleVisitor)
    }
}

struct RuleVisitor;

impl<'de> Visitor<'de> for RuleVisitor {
    type Value = Rule;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a rule: text as `ci=team/**:pull,push`, or a table with `allow` or `deny`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Rule, E> {
        Rule::parse(text).map_err(|reason| E::custom(format!("the rule `{text}`: {reason}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rule, A::Error> {
        let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Rule::of_fields(fields).map_err(A::Error::custom)
    }
}

/// Rules. Without any, whoever came in with a password or a token of a token server may do everything with all
/// repositories; with some, what none of them allows is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Arc<[Rule]>);

impl Rules {
    /// Of these.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules.into())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are about somebody, as they are written.
    pub fn about(&self, principal: &Principal) -> Vec<String> {
        let is_about = |rule: &&Rule| rule.subjects.iter().any(|subject| subject.fits(principal));
        self.0.iter().filter(is_about).map(|rule| rule.text().to_owned()).collect()
    }

    /// Whether somebody may do something: the first rule that denies it, else the first that allows it.
    pub fn decide(&self, principal: &Principal, action: Action, thing: Thing<'_>) -> Decision {
        if !principal.is_granted(action, thing) {
            return Decision::Denied { rule: None };
        }
        self.judge(principal, thing, |rule| rule.decides(principal, action, thing))
    }

    /// Whether somebody may do something with any tag of a repository, as a token for it has to say.
    pub(crate) fn may(&self, principal: &Principal, action: Action, repository: &str) -> bool {
        let thing = Thing::Repository(repository);
        let decision =
            self.judge(principal, thing, |rule| rule.decides_some(principal, action, repository));
        decision.is_allowed()
    }

    fn judge(
        &self,
        principal: &Principal,
        thing: Thing<'_>,
        decides: impl Fn(&Rule) -> bool,
    ) -> Decision {
        let own = principal.permissions.as_deref().unwrap_or_default();
        if self.0.is_empty() && own.is_empty() {
            return Self::without_any(principal, thing);
        }
        let mut allowed = None;
        for rule in self.0.iter().chain(own) {
            if (rule.is_denial || allowed.is_none()) && decides(rule) {
                if rule.is_denial {
                    return Decision::Denied { rule: Some(Arc::clone(&rule.text)) };
                }
                allowed = Some(rule);
            }
        }
        match allowed {
            Some(rule) => Decision::Allowed { rule: Some(Arc::clone(&rule.text)) },
            None => Decision::Denied { rule: None },
        }
    }

    fn without_any(principal: &Principal, thing: Thing<'_>) -> Decision {
        let is_known = principal.kind == Kind::User || principal.grants.is_some();
        // Nobody is an administrator without being called one.
        if is_known && thing != Thing::Server {
            Decision::Allowed { rule: None }
        } else {
            Decision::Denied { rule: None }
        }
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rules = Vec::<Rule>::deserialize(deserializer)?;
        if rules.len() > RULES_MAX {
            return Err(D::Error::custom("there are more than 10,000 rules"));
        }
        Ok(Self::new(rules))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grant;
    use super::*;

    fn rules(texts: &[&str]) -> Rules {
        Rules(texts.iter().map(|text| Rule::parse(text).unwrap()).collect())
    }

    fn principal(user: Option<&str>) -> Principal {
        user.map_or(Principal::ANONYMOUS, Principal::user)
    }

    #[test]
    fn by_user_and_repository() {
        let rules = rules(&[
            "ci=r.example:5000/team/*:pull,push",
            "root=*:*",
            "anonymous=r.example/open/*:pull",
        ]);
        let allows = |user: Option<&str>, action, name| {
            rules.decide(&principal(user), action, Thing::Repository(name)).is_allowed()
        };
        assert!(allows(Some("ci"), Action::Push, "r.example:5000/team/app"));
        assert!(!allows(Some("ci"), Action::Admin, "r.example:5000/team/app"));
        assert!(!allows(Some("ci"), Action::Delete, "r.example:5000/team/app"));
        assert!(!allows(Some("ci"), Action::Pull, "r.example:5000/other/app"));
        assert!(
            allows(Some("root"), Action::Admin, "x") && allows(Some("root"), Action::Pull, "x")
        );
        assert!(allows(None, Action::Pull, "r.example/open/a"));
        assert!(!allows(None, Action::Push, "r.example/open/a"));
        assert!(!allows(Some("anonymous"), Action::Pull, "r.example/open/a"));
        let of_all = |name: &str, thing| {
            rules.decide(&Principal::user(name), Action::Admin, thing).is_allowed()
        };
        assert!(of_all("root", Thing::Catalog) && !of_all("ci", Thing::Catalog));
        assert!(of_all("root", Thing::Server) && !of_all("ci", Thing::Server));
    }

    #[test]
    fn that_cannot_be_read() {
        for text in [
            "",
            "a",
            "a=b",
            "=b:pull",
            "a=:pull",
            "a=b:read",
            "a=b:",
            "a=*a*a*a*a*a*a*a*a*:pull",
            "!",
            "!a=b",
            "claim:x=b:pull",
            "claim::x=b:pull",
            "group:=b:pull",
        ] {
            assert!(Rule::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_denial_wins_wherever_it_stands() {
        let texts = ["dev=team/**:*", "!*=team/**:v*:push,delete", "!dev=team/secret/**:pull"];
        for order in [[0, 1, 2], [2, 1, 0]] {
            let rules = rules(&order.map(|index| texts[index]));
            let decide = |action, thing| rules.decide(&Principal::user("dev"), action, thing);
            assert_eq!(
                decide(Action::Push, Thing::Tag("team/app", "v1")).rule(),
                Some(texts[1]),
                "{order:?}"
            );
            let fine = decide(Action::Push, Thing::Tag("team/app", "main"));
            assert_eq!((fine.is_allowed(), fine.rule()), (true, Some(texts[0])));
            // The layers of a tag that may not be written are harmless; so is what it names.
            assert!(decide(Action::Push, Thing::Repository("team/app")).is_allowed());
            assert!(decide(Action::Pull, Thing::Tag("team/app", "v1")).is_allowed());
            assert!(!decide(Action::Pull, Thing::Repository("team/secret/app")).is_allowed());
        }
    }

    #[test]
    fn tags_limit_what_is_named_and_not_the_layers() {
        let rules = rules(&["ci=app:v*:push,delete"]);
        let may = |action, name| rules.may(&Principal::user("ci"), action, name);
        assert!(
            may(Action::Delete, "app") && !may(Action::Delete, "b") && !may(Action::Admin, "app")
        );
        let allows =
            |action, thing| rules.decide(&Principal::user("ci"), action, thing).is_allowed();
        assert!(allows(Action::Push, Thing::Tag("app", "v1")));
        assert!(allows(Action::Delete, Thing::Tag("app", "v1")));
        assert!(!allows(Action::Push, Thing::Tag("app", "latest")));
        assert!(allows(Action::Push, Thing::Repository("app")));
        assert!(!allows(Action::Delete, Thing::Repository("app")));
    }

    #[test]
    fn groups_and_claims() {
        let rules = rules(&[
            "group:dev*=team/**:push",
            "claim:repository:acme/*,ref:refs/heads/main=acme/**:push",
        ]);
        let allows = |principal: &Principal, name| {
            rules.decide(principal, Action::Push, Thing::Repository(name)).is_allowed()
        };
        let mut one = Principal::user("x");
        assert!(!allows(&one, "team/a"));
        one.groups = vec!["ops".to_owned(), "developers".to_owned()];
        assert!(allows(&one, "team/a") && !allows(&one, "acme/a"));
        let claim = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        one.claims.extend([claim("repository", "acme/app")]);
        assert!(!allows(&one, "acme/a"));
        one.claims.extend([claim("ref", "refs/heads/main")]);
        assert!(allows(&one, "acme/a"));
    }

    #[test]
    fn of_a_configuration() {
        let read =
            |text: &str| serde_json::from_str::<Rules>(text).map_err(|error| error.to_string());
        let rules = read(
            r#"["ci=team/**:push", {"name": "no releases", "deny": ["push"], "users": ["*"],
                "repositories": ["team/**"], "tags": ["v*", "r*"]},
                {"allow": ["push"], "robots": ["rel*"], "groups": ["ops"], "repositories": ["**"]}]"#,
        )
        .unwrap();
        let decide = |user: &str, thing| rules.decide(&Principal::user(user), Action::Push, thing);
        assert_eq!(decide("ci", Thing::Tag("team/a", "r1")).rule(), Some("no releases"));
        assert_eq!(
            decide("robot:release", Thing::Tag("x", "y")).rule(),
            Some("group:ops|robot:rel*=**:push")
        );
        let fault = |text: &str| read(text).unwrap_err();
        assert!(fault(r#"[{"allow": ["push"], "repository": []}]"#).contains("`repository`"));
        assert!(fault(r#"[{"allow": ["push"], "deny": ["pull"]}]"#).contains("either"));
        assert!(fault(r#"[{"allow": ["push"], "repositories": ["a"]}]"#).contains("says nothing"));
        assert!(fault(r#"["a"]"#).contains("the rule `a`"));
        assert!(fault("[1]").contains("a rule: text"));
    }

    #[test]
    fn robots_bring_their_own() {
        let own = Rule::parse("robot:ci=team/**:push").unwrap();
        let robot = Principal {
            name: Some("robot:ci".to_owned()),
            kind: Kind::Robot,
            permissions: Some([own].into()),
            ..Principal::ANONYMOUS
        };
        let allows = |rules: &Rules, name| {
            rules.decide(&robot, Action::Push, Thing::Repository(name)).is_allowed()
        };
        let none = Rules::default();
        assert!(allows(&none, "team/a") && !allows(&none, "b"));
        let some = rules(&["alice=**:*", "!robot:*=team/secret:*"]);
        assert!(allows(&some, "team/a") && !allows(&some, "team/secret") && !allows(&some, "b"));
    }

    #[test]
    fn without_any() {
        let rules = Rules::default();
        let allows = |principal: &Principal, thing| {
            rules.decide(principal, Action::Delete, thing).is_allowed()
        };
        let alice = Principal::user("alice");
        assert!(allows(&alice, Thing::Repository("a")) && !allows(&alice, Thing::Server));
        assert!(!allows(&Principal::ANONYMOUS, Thing::Repository("a")));
        for kind in [Kind::Robot, Kind::Workload, Kind::Certificate] {
            let principal = Principal { kind, ..alice.clone() };
            assert!(!allows(&principal, Thing::Repository("a")), "{kind:?}");
        }
    }

    #[test]
    fn a_token_allows_no_more_than_it_says() {
        let grant = |name: &str, actions: &[Action]| Grant {
            kind: "repository".to_owned(),
            name: name.to_owned(),
            actions: actions.to_vec(),
        };
        let grants = vec![grant("a", &[Action::Pull]), grant("b", &[Action::Push, Action::Pull])];
        let principal = Principal { grants: Some(grants), ..Principal::ANONYMOUS };
        let allows = |action, name| {
            Rules::default().decide(&principal, action, Thing::Repository(name)).is_allowed()
        };
        assert!(allows(Action::Pull, "a") && !allows(Action::Push, "a"));
        assert!(allows(Action::Push, "b") && !allows(Action::Admin, "b"));
        assert!(!allows(Action::Pull, "c"));
        let of_all = Rules::default().decide(&principal, Action::Admin, Thing::Catalog);
        assert!(!of_all.is_allowed());
    }
}
