//! The packs: their own tests, and the good image of these tests.

use sealift_policy::{
    Facts, PACKS, Policies, ProvenanceFacts, Settings, Source, TrialOptions, facts_schema,
    run_tests,
};
use serde_json::{Value, json};

use crate::{NOW_NS, good};

const TESTS: [(&str, &str); 4] = [
    ("baseline", include_str!("../../packs/baseline_test.rego")),
    ("strict", include_str!("../../packs/strict_test.rego")),
    ("cis", include_str!("../../packs/cis_test.rego")),
    ("slsa-l2", include_str!("../../packs/slsa-l2_test.rego")),
];

#[test]
fn every_pack_passes_its_own_tests() {
    for pack in PACKS {
        let mut sources = pack.sources();
        let (_, tests) = TESTS.iter().find(|(name, _)| *name == pack.name).unwrap();
        sources.push(Source::new("tests.rego", *tests));
        let options = TrialOptions { with_coverage: true, ..TrialOptions::default() };
        let trials = run_tests(&Settings::default(), &sources, &Value::Null, &options).unwrap();
        let failures: Vec<_> = trials.failures().collect();
        assert!(failures.is_empty(), "{}: {failures:#?}", pack.name);
        let own = format!("pack:{}.rego", pack.name);
        let coverage = trials.coverage.iter().find(|file| file.file == own).unwrap();
        assert!(coverage.percent() > 99.0, "{}: {:?}", pack.name, coverage.missed);
    }
}

#[test]
fn packs_judge_images() {
    let mut facts = Facts {
        secrets: Some(Vec::new()),
        provenance: Some(ProvenanceFacts {
            verified: true,
            builder: "b".to_owned(),
            build_type: "t".to_owned(),
            materials: Vec::new(),
        }),
        ..good()
    };
    facts.config.env.clear();
    facts.base.as_mut().unwrap().digest = Some(sealift_oci::Digest::sha256(b"x"));
    facts.digest = facts.base.as_ref().unwrap().digest.clone();
    let data = json!({"parameters": {"trusted_builders": ["b"]}});
    let settings = Settings { now_ns: Some(NOW_NS), ..Settings::default() };
    for pack in PACKS {
        let policies = Policies::load(&settings, &pack.sources(), &data).unwrap();
        let verdict = policies.judge(&facts.input()).unwrap().verdict;
        assert_eq!(verdict.violations, [], "{}", pack.name);
        let verdict = policies.judge(&Facts::default().input()).unwrap().verdict;
        assert!(!verdict.violations.is_empty(), "{}", pack.name);
        let errors = verdict.violations.iter().filter(|it| it.level == sealift_model::Level::Error);
        assert_eq!(errors.count(), 0, "{:?}", verdict.violations);
    }
}

#[test]
fn the_schema_knows_what_is_there() {
    let schema = facts_schema();
    let mut missing = Vec::new();
    let mut pending = vec![("input".to_owned(), good().input(), schema)];
    while let Some((path, value, schema)) = pending.pop() {
        match value {
            Value::Object(object) => {
                for name in schema["required"].as_array().into_iter().flatten() {
                    assert!(object.contains_key(name.as_str().unwrap()), "{path}: {name}");
                }
                for (name, item) in object {
                    let own = &schema["properties"][&name];
                    let inner = if own.is_null() { &schema["additionalProperties"] } else { own };
                    if inner.is_null() {
                        missing.push(format!("{path}.{name}"));
                    }
                    pending.push((format!("{path}.{name}"), item, inner.clone()));
                }
            }
            Value::Array(items) => {
                for item in items {
                    pending.push((format!("{path}[_]"), item, schema["items"].clone()));
                }
            }
            other => {
                let kind = match other {
                    Value::String(_) => "string",
                    Value::Number(_) => "number",
                    _ => "boolean",
                };
                assert_eq!(schema["type"], kind, "{path}");
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
