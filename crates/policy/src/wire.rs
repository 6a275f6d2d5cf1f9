//! The document in which policies see an image: `input`. docs/facts.md and the schema are made from these types.

#![allow(clippy::zero_sized_map_values, reason = "Docker writes sets so")]

use std::collections::BTreeMap;

use sealift_oci::Empty;
use serde_json::{Value as Json, json};

use crate::shape::{Described, Shape, documents};

/// Docker's way of writing a set.
type Names = BTreeMap<String, Empty>;

documents! {
    /// What policies see as `input`.
    struct Input {
        /// The image's config, in the shape of `docker inspect`.
        config as "Config": Config,
        /// Processor, `amd64`.
        architecture as "Architecture": String,
        /// Operating system, `linux`.
        os as "Os": String,
        /// The image itself: name, age, size, signatures, base.
        image as "image": Image,
        /// Where it is to run, as `--data environment=production` or sealift.toml say.
        environment as "environment": Option<String>,
        /// Its distribution; an empty object if it has none.
        distro as "distro": Distro,
        /// What is installed.
        packages as "packages": Vec<Package>,
        /// Known vulnerabilities of the packages; empty also if it was not scanned, see `image.scan_status`.
        vulnerabilities as "vulnerabilities": Vec<Vulnerability>,
        /// Findings of the linter on its Dockerfile; empty unless it is judged by `ship`.
        lint as "lint": Vec<Lint>,
        /// Secrets in it, masked; absent if nobody looked for any.
        secrets as "secrets": Option<Vec<Secret>>,
        /// How it was made, attested by a trusted key.
        provenance as "provenance": Option<Provenance>,
        /// Its history, first step first.
        history as "history": Vec<Step>,
        /// Its layers, lowest first.
        layers as "layers": Vec<Layer>,
    }

    /// The config.
    struct Config {
        /// `user[:group]`; empty if the image does not say, which is root.
        user as "User": String,
        /// Working directory; empty if the image does not say.
        working_dir as "WorkingDir": String,
        /// Variables, each `NAME=value`.
        env as "Env": Vec<String>,
        /// Arguments.
        cmd as "Cmd": Option<Vec<String>>,
        /// Program and first arguments.
        entrypoint as "Entrypoint": Option<Vec<String>>,
        /// Ports, `8080/tcp`.
        exposed_ports as "ExposedPorts": Option<Names>,
        /// Paths of volumes.
        volumes as "Volumes": Option<Names>,
        /// Labels.
        labels as "Labels": Option<BTreeMap<String, String>>,
        /// The health check; absent also if it is switched off.
        healthcheck as "Healthcheck": Option<Healthcheck>,
        /// Signal that stops the container.
        stop_signal as "StopSignal": Option<String>,
        /// Shell of the shell form.
        shell as "Shell": Option<Vec<String>>,
        /// Instructions for images that are built on this one.
        on_build as "OnBuild": Option<Vec<String>>,
        /// Windows only.
        args_escaped as "ArgsEscaped": Option<bool>,
        /// Name of the base image as the Dockerfile has it.
        image as "Image": Option<String>,
    }

    /// Docker's health check; times in nanoseconds.
    struct Healthcheck {
        /// `CMD` or `CMD-SHELL`, and the command.
        test as "Test": Vec<String>,
        /// Time between two checks.
        interval as "Interval": Option<i64>,
        /// Time after which a check has failed.
        timeout as "Timeout": Option<i64>,
        /// Time in which failures do not count.
        start_period as "StartPeriod": Option<i64>,
        /// Time between two checks in the start period.
        start_interval as "StartInterval": Option<i64>,
        /// Failures in a row until the container is unhealthy.
        retries as "Retries": Option<i64>,
    }

    /// The image.
    struct Image {
        /// Full name, `registry.example.com/team/app:1.0`.
        name as "name": Option<String>,
        /// Host and port of its registry.
        registry as "registry": Option<String>,
        /// Name within the registry.
        repository as "repository": Option<String>,
        /// Tag; absent if it is named by digest alone.
        tag as "tag": Option<String>,
        /// Digest of its manifest.
        digest as "digest": Option<String>,
        /// Time of creation in nanoseconds since 1970; 0 if the image does not say.
        created as "created": i64,
        /// Days since its creation, rounded down.
        age_days as "age_days": Option<i64>,
        /// Bytes of all layers as they are stored.
        size_bytes as "size_bytes": u64,
        /// `passed`, `failed`, or `unknown` if it was not scanned.
        scan_status as "scan_status": String,
        /// Whether its user is root, as far as the config tells.
        runs_as_root as "runs_as_root": bool,
        /// Signatures that were looked at.
        signatures as "signatures": Vec<Signature>,
        /// What its last stage was built on.
        base as "base": Option<Base>,
    }

    /// A signature.
    struct Signature {
        /// Whether it is good and by a trusted key.
        verified as "verified": bool,
        /// Name of the key.
        key as "key": Option<String>,
        /// Fingerprint of the key, hex.
        fingerprint as "fingerprint": Option<String>,
    }

    /// The base image.
    struct Base {
        /// Name as the Dockerfile has it.
        name as "name": String,
        /// Digest of its manifest.
        digest as "digest": Option<String>,
    }

    /// The distribution.
    struct Distro {
        /// `debian`.
        id as "id": Option<String>,
        /// `12`.
        version_id as "version_id": Option<String>,
        /// `bookworm`.
        codename as "codename": Option<String>,
        /// Whether nobody looks after this release any more, if that is known.
        end_of_life as "end_of_life": Option<bool>,
        /// The day until which it is looked after, `2028-06-30`.
        end_of_life_date as "end_of_life_date": Option<String>,
    }

    /// A package.
    struct Package {
        /// Name.
        name as "name": String,
        /// Kind, as package URLs have it: `deb`, `npm`.
        kind as "type": String,
        /// Package URL.
        purl as "purl": String,
        /// Version.
        version as "version": Option<String>,
        /// Processor.
        architecture as "architecture": Option<String>,
        /// The source package.
        source as "source": Option<Source>,
        /// Licences, SPDX where they could be read.
        licenses as "licenses": Vec<String>,
        /// The layer that brought it.
        layer as "layer": Option<LayerPlace>,
    }

    /// A source package.
    struct Source {
        /// Name.
        name as "name": String,
        /// Version.
        version as "version": String,
    }

    /// A place among the layers.
    struct LayerPlace {
        /// Number, from 0.
        index as "index": usize,
        /// Digest of its content.
        diff_id as "diff_id": String,
    }

    /// A vulnerability.
    struct Vulnerability {
        /// `CVE-…`, or the advisory's own name.
        id as "id": String,
        /// Package.
        package as "package": String,
        /// Version that is installed.
        installed_version as "installed_version": String,
        /// First version without it.
        fixed_version as "fixed_version": Option<String>,
        /// `critical`, `high`, `medium`, `low`, `negligible` or `unknown`.
        severity as "severity": String,
        /// CVSS base score.
        score as "score": Option<f64>,
        /// One line.
        title as "title": String,
    }

    /// A finding of the linter.
    struct Lint {
        /// Rule, `SL1001`.
        rule as "rule": String,
        /// `error`, `warning`, `info` or `style`.
        level as "level": String,
        /// What.
        message as "message": String,
        /// File.
        file as "file": String,
        /// Line, from 1.
        line as "line": usize,
    }

    /// A secret; never the secret itself.
    struct Secret {
        /// Rule, `github-pat`.
        rule as "rule": String,
        /// What it is.
        title as "title": String,
        /// How bad.
        severity as "severity": String,
        /// Where: a path, `ENV API_KEY`, `history 3`.
        place as "place": String,
        /// Line, from 1; 0 if the place has no lines.
        line as "line": usize,
        /// Its first and last characters.
        masked as "masked": String,
        /// Number of its layer, from 0.
        layer as "layer": Option<usize>,
        /// Whether a later layer deleted it; it is in the image all the same.
        hidden as "hidden": bool,
    }

    /// How the image was made.
    struct Provenance {
        /// Whether a trusted key attested it.
        verified as "verified": bool,
        /// URI of the builder.
        builder as "builder": String,
        /// URI of the kind of build.
        build_type as "build_type": String,
        /// What went in.
        materials as "materials": Vec<Material>,
    }

    /// Something that went into a build.
    struct Material {
        /// Where it is from.
        uri as "uri": String,
        /// Its digest.
        digest as "digest": Option<String>,
    }

    /// A step of the history.
    struct Step {
        /// When, RFC 3339.
        created as "created": Option<String>,
        /// The instruction.
        created_by as "created_by": Option<String>,
        /// Who.
        author as "author": Option<String>,
        /// A comment.
        comment as "comment": Option<String>,
        /// Whether it made no layer.
        empty_layer as "empty_layer": bool,
    }

    /// A layer.
    struct Layer {
        /// Digest as stored.
        digest as "digest": String,
        /// Digest of its content, uncompressed.
        diff_id as "diff_id": String,
        /// Bytes as stored.
        size as "size": u64,
    }
}

/// The shape of `input`.
pub(crate) fn shape() -> Shape {
    Input::shape()
}

/// The JSON schema of what policies see of an image.
pub fn facts_schema() -> Json {
    let mut schema = shape().schema();
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".to_owned(), json!("Facts"));
        object.insert(
            "description".to_owned(),
            json!("What sealift's policies see of an image as `input`."),
        );
    }
    schema
}

/// The table of docs/facts.md: a row for each field.
pub fn facts_table() -> String {
    let mut out = "| path | what it is | meaning |\n|---|---|---|\n".to_owned();
    shape().table("input", &mut out);
    out
}
