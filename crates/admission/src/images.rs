//! Where the images of an object stand.

use serde_json::Value;

use crate::review::{Kind, Review};

/// An image of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The place of its name, as RFC 6901 writes it.
    pub(crate) pointer: String,
    /// The container or volume.
    pub(crate) of: String,
    /// The name of the image, as it stands there.
    pub(crate) image: String,
}

/// The pod that an object is or makes.
pub(crate) struct Pod {
    pub(crate) images: Vec<Place>,
    /// The account by which it will run.
    pub(crate) service_account: String,
}

// Group, kind, and where the description of the pod stands.
const KINDS: [(&str, &str, &str); 9] = [
    ("", "Pod", "/spec"),
    ("", "PodTemplate", "/template/spec"),
    ("", "ReplicationController", "/spec/template/spec"),
    ("apps", "Deployment", "/spec/template/spec"),
    ("apps", "StatefulSet", "/spec/template/spec"),
    ("apps", "DaemonSet", "/spec/template/spec"),
    ("apps", "ReplicaSet", "/spec/template/spec"),
    ("batch", "Job", "/spec/template/spec"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template/spec"),
];

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The pod of a review's object.
pub(crate) fn pod(review: &Review, containers_max: usize) -> Result<Pod, String> {
    if !review.is_of_its_kind() {
        return Err("the object is not of the kind that the request says".to_owned());
    }
    pod_of(&review.kind, &review.object, containers_max)
}

/// The names of the images that an object had before.
pub(crate) fn images_before(review: &Review, containers_max: usize) -> Result<Vec<String>, String> {
    if review.old_object.is_null() {
        return Ok(Vec::new());
    }
    let pod = pod_of(&review.kind, &review.old_object, containers_max)?;
    Ok(pod.images.into_iter().map(|place| place.image).collect())
}

fn pod_of(kind: &Kind, object: &Value, containers_max: usize) -> Result<Pod, String> {
    let known = KINDS.iter().find(|(group, name, _)| *group == kind.group && *name == kind.name);
    let Some((.., base)) = known else {
        return Err(format!(
            "`{}` of `{}` is not a kind whose images are known",
            short(&kind.name),
            short(&kind.group)
        ));
    };
    if !object.is_object() {
        return Err("there is no object".to_owned());
    }
    // A replication controller may have no template; what is there is an object.
    let Some(spec) = find(object, base)? else {
        return Ok(Pod { images: Vec::new(), service_account: "default".to_owned() });
    };
    let mut images = Vec::new();
    for list in LISTS {
        containers(spec, base, list, containers_max, &mut images)?;
    }
    volumes(spec, base, containers_max, &mut images)?;
    let account = ["serviceAccountName", "serviceAccount"]
        .iter()
        .find_map(|name| spec.get(*name)?.as_str().filter(|text| !text.is_empty()));
    Ok(Pod { images, service_account: account.unwrap_or("default").to_owned() })
}

// What stands below a path of fields. What is not an object on the way is an error, and what is not there is nothing.
fn find<'a>(object: &'a Value, path: &str) -> Result<Option<&'a Value>, String> {
    let mut value = object;
    for name in path.split('/').skip(1) {
        match value.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(next) if next.is_object() => value = next,
            Some(_) => return Err(format!("`{name}` is not an object")),
        }
    }
    Ok(Some(value))
}

fn entries<'a>(spec: &'a Value, list: &str, containers_max: usize) -> Result<&'a [Value], String> {
    let found = match spec.get(list) {
        None | Some(Value::Null) => return Ok(&[]),
        Some(Value::Array(found)) => found,
        Some(_) => return Err(format!("`{list}` is not a list")),
    };
    if found.len() > containers_max {
        return Err(format!("`{list}` has more than {containers_max} entries"));
    }
    Ok(found)
}

fn containers(
    spec: &Value,
    base: &str,
    list: &str,
    containers_max: usize,
    images: &mut Vec<Place>,
) -> Result<(), String> {
    for (number, container) in entries(spec, list, containers_max)?.iter().enumerate() {
        let of = name_of(container, list, number)?;
        if let Some(image) = text(container, "image", &of)? {
            images.push(Place { pointer: format!("{base}/{list}/{number}/image"), of, image });
        }
    }
    check_count(images, containers_max)
}

// Volumes that are images (Kubernetes 1.31).
fn volumes(
    spec: &Value,
    base: &str,
    containers_max: usize,
    images: &mut Vec<Place>,
) -> Result<(), String> {
    for (number, volume) in entries(spec, "volumes", containers_max)?.iter().enumerate() {
        let of = name_of(volume, "volumes", number)?;
        let image = match volume.get("image") {
            None | Some(Value::Null) => continue,
            Some(image) if image.is_object() => image,
            Some(_) => return Err(format!("`image` of `{of}` is not an object")),
        };
        if let Some(image) = text(image, "reference", &of)? {
            let pointer = format!("{base}/volumes/{number}/image/reference");
            images.push(Place { pointer, of, image });
        }
    }
    check_count(images, containers_max)
}

fn check_count(images: &[Place], containers_max: usize) -> Result<(), String> {
    if images.len() > containers_max {
        return Err(format!("there are more than {containers_max} images"));
    }
    Ok(())
}

fn name_of(entry: &Value, list: &str, number: usize) -> Result<String, String> {
    if !entry.is_object() {
        return Err(format!("entry {number} of `{list}` is not an object"));
    }
    let name = entry.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    Ok(name.map_or_else(|| format!("{list}[{number}]"), short))
}

// An image that is not named cannot run; templates may leave it to others.
fn text(entry: &Value, field: &str, of: &str) -> Result<Option<String>, String> {
    match entry.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{field}` of `{of}` is not text")),
    }
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(group: &str, kind: &str, object: Value) -> String {
        let kind =
            Kind { group: group.to_owned(), version: "v1".to_owned(), name: kind.to_owned() };
        match pod_of(&kind, &object, 4) {
            Ok(pod) => {
                let images = pod.images.iter().map(|place| {
                    assert_eq!(object.pointer(&place.pointer), Some(&json!(place.image)));
                    format!("{} {}={}", place.pointer, place.of, place.image)
                });
                format!("{} {}", pod.service_account, images.collect::<Vec<_>>().join(" "))
            }
            Err(reason) => format!("error: {reason}"),
        }
    }

    #[test]
    fn every_place() {
        let spec = json!({
            "serviceAccountName": "runner",
            "containers": [{"name": "a", "image": "x:1"}, {"image": "y"}],
            "initContainers": [{"name": "i", "image": "z"}, {"name": "none"}],
            "volumes": [{"name": "v", "image": {"reference": "w:2"}}, {"name": "e", "emptyDir": {}}],
        });
        assert_eq!(
            check("", "Pod", json!({ "spec": spec })),
            "runner /spec/containers/0/image a=x:1 /spec/containers/1/image containers[1]=y \
             /spec/initContainers/0/image i=z /spec/volumes/0/image/reference v=w:2"
        );
        let small = json!({"spec": {"containers": [{"name": "a", "image": "x"}]}});
        for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] {
            let object = json!({"spec": {"template": small}});
            assert_eq!(
                check("apps", kind, object),
                "default /spec/template/spec/containers/0/image a=x"
            );
        }
        assert_eq!(
            check(
                "batch",
                "CronJob",
                json!({"spec": {"jobTemplate": {"spec": {"template": small}}}})
            ),
            "default /spec/jobTemplate/spec/template/spec/containers/0/image a=x"
        );
        assert_eq!(
            check("", "PodTemplate", json!({"template": small})),
            "default /template/spec/containers/0/image a=x"
        );
        let debug = json!({"spec": {"ephemeralContainers": [{"name": "d", "image": "sh"}]}});
        assert_eq!(check("", "Pod", debug), "default /spec/ephemeralContainers/0/image d=sh");
        assert_eq!(check("", "ReplicationController", json!({"spec": {}})), "default ");
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (group, kind, object) in [
            ("", "Secret", json!({})),
            ("example.com", "Pod", json!({"spec": {}})),
            ("", "Pod", json!(null)),
            ("", "Pod", json!([])),
            ("", "Pod", json!({"spec": []})),
            ("apps", "Deployment", json!({"spec": {"template": "x"}})),
            ("", "Pod", json!({"spec": {"containers": {}}})),
            ("", "Pod", json!({"spec": {"containers": ["x"]}})),
            ("", "Pod", json!({"spec": {"containers": [{"image": 1}]}})),
            ("", "Pod", json!({"spec": {"volumes": [{"image": "x"}]}})),
            ("", "Pod", json!({"spec": {"containers": [{}, {}, {}, {}, {}]}})),
            (
                "",
                "Pod",
                json!({"spec": {
                    "containers": [{"image": "1"}, {"image": "2"}, {"image": "3"}],
                    "initContainers": [{"image": "4"}, {"image": "5"}],
                }}),
            ),
        ] {
            let found = check(group, kind, object.clone());
            assert!(found.starts_with("error: "), "{kind} {object}: {found}");
        }
    }
}
