//! SLSA build provenance v1 (<https://slsa.dev/spec/v1.0/provenance>).

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_oci::Digest;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::time;

/// Build type of an image built from a Dockerfile by us. External parameters: `dockerfile`, `target`, `buildArgs`,
/// `platform`; dependencies: the Dockerfile and every base image.
pub const BUILD_TYPE: &str = "https://github.com/sealift/sealift/build/v1";
/// Id of a builder that is somebody's own machine.
pub const BUILDER_LOCAL: &str = "https://github.com/sealift/sealift/builder/local";

/// How an image was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// What kind of build, [`BUILD_TYPE`].
    pub build_type: String,
    /// What the user chose. Never put secrets here.
    pub external_parameters: Map<String, Value>,
    /// What the builder chose.
    pub internal_parameters: Map<String, Value>,
    /// What went in.
    pub dependencies: Vec<Dependency>,
    /// Who built.
    pub builder: Builder,
    /// An id of this run, if there is one.
    pub invocation_id: Option<String>,
    /// Start of the build.
    pub started: Timestamp,
    /// End of the build.
    pub finished: Timestamp,
}

/// Something that went into a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Where it is from: `oci://docker.io/library/python:3.11-slim`, `file:Dockerfile`.
    pub uri: String,
    /// Its digest.
    pub digest: Digest,
    /// Its role: `base`, `dockerfile`.
    pub name: Option<String>,
}

/// Who built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Builder {
    /// URI, [`BUILDER_LOCAL`].
    pub id: String,
    /// Versions of the builder's parts.
    pub version: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate<'a> {
    build_definition: BuildDefinition<'a>,
    run_details: RunDetails<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition<'a> {
    build_type: &'a str,
    external_parameters: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    internal_parameters: &'a Map<String, Value>,
    resolved_dependencies: Vec<ResourceDescriptor<'a>>,
}

#[derive(Serialize)]
struct ResourceDescriptor<'a> {
    uri: &'a str,
    digest: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct RunDetails<'a> {
    builder: WireBuilder<'a>,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct WireBuilder<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    version: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation_id: Option<&'a str>,
    started_on: String,
    finished_on: String,
}

/// The predicate for [`crate::predicate_type::PROVENANCE`].
pub fn encode(provenance: &Provenance) -> Vec<u8> {
    let dependencies = provenance.dependencies.iter().map(|dependency| ResourceDescriptor {
        uri: &dependency.uri,
        digest: [(dependency.digest.algorithm().as_str(), dependency.digest.hex())].into(),
        name: dependency.name.as_deref(),
    });
    let predicate = Predicate {
        build_definition: BuildDefinition {
            build_type: &provenance.build_type,
            external_parameters: &provenance.external_parameters,
            internal_parameters: &provenance.internal_parameters,
            resolved_dependencies: dependencies.collect(),
        },
        run_details: RunDetails {
            builder: WireBuilder {
                id: &provenance.builder.id,
                version: &provenance.builder.version,
            },
            metadata: Metadata {
                invocation_id: provenance.invocation_id.as_deref(),
                started_on: time::text(provenance.started),
                finished_on: time::text(provenance.finished),
            },
        },
    };
    serde_json::to_vec(&predicate).expect("a predicate has string keys only")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn predicate_of_the_specification() {
        let parameters = json!({"dockerfile": "Dockerfile", "buildArgs": {"A": "1"}});
        let provenance = Provenance {
            build_type: BUILD_TYPE.to_owned(),
            external_parameters: parameters.as_object().unwrap().clone(),
            internal_parameters: Map::new(),
            dependencies: vec![Dependency {
                uri: "oci://docker.io/library/python:3.11-slim".to_owned(),
                digest: Digest::sha256(b"base"),
                name: Some("base".to_owned()),
            }],
            builder: Builder {
                id: BUILDER_LOCAL.to_owned(),
                version: [("sealift".to_owned(), "0.1.0".to_owned())].into(),
            },
            invocation_id: None,
            started: Timestamp::from_second(1_700_000_000).unwrap(),
            finished: Timestamp::from_millisecond(1_700_000_001_500).unwrap(),
        };
        let text = String::from_utf8(encode(&provenance)).unwrap();
        expect![[r#"{"buildDefinition":{"buildType":"https://github.com/sealift/sealift/build/v1","externalParameters":{"buildArgs":{"A":"1"},"dockerfile":"Dockerfile"},"resolvedDependencies":[{"uri":"oci://docker.io/library/python:3.11-slim","digest":{"sha256":"cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2"},"name":"base"}]},"runDetails":{"builder":{"id":"https://github.com/sealift/sealift/builder/local","version":{"sealift":"0.1.0"}},"metadata":{"startedOn":"2023-11-14T22:13:20Z","finishedOn":"2023-11-14T22:13:21Z"}}}"#]].assert_eq(&text);
    }
}
