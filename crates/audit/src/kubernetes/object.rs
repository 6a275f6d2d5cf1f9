//! The objects of a file: its documents, and what lists in them hold.

use sealift_diagnostic::Span;

use super::pod::Pod;
use crate::yaml::{Tree, View};

/// An object.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) map: View<'a>,
    pub(super) kind: &'a str,
    pub(super) version: &'a str,
}

pub(super) fn objects<'a>(tree: &'a Tree<'a>) -> Vec<Object<'a>> {
    let mut objects = Vec::new();
    for document in tree.documents() {
        let Some(object) = Object::of(document) else { continue };
        // A list of lists is none that the server takes.
        if object.kind.ends_with("List")
            && let Some(items) = document.get("items")
        {
            objects.extend(items.items().filter_map(Object::of));
        } else {
            objects.push(object);
        }
    }
    objects
}

impl<'a> Object<'a> {
    fn of(map: View<'a>) -> Option<Self> {
        Some(Self { map, kind: map.word("kind")?, version: map.word("apiVersion")? })
    }

    pub(super) fn name(&self) -> &'a str {
        self.map.find(&["metadata", "name"]).and_then(View::text).unwrap_or("?")
    }

    /// Where what is missing is reported.
    pub(super) fn span(&self) -> Span {
        let name = self.map.find(&["metadata", "name"]);
        name.or_else(|| self.map.get("kind")).map_or(self.map.span(), View::place)
    }

    /// `Deployment "web"`, as messages call it.
    pub(super) fn title(&self) -> String {
        let name: String = self.name().chars().take(80).collect();
        let kind: String = self.kind.chars().take(40).collect();
        format!("{kind} `{name}`")
    }

    pub(super) fn annotations(&self) -> Option<View<'a>> {
        self.map.find(&["metadata", "annotations"])
    }

    /// The pod that it is, or makes.
    pub(super) fn pod(&self) -> Option<Pod<'a>> {
        let path: &[&str] = match self.kind {
            "Pod" => &[],
            "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicaSet"
            | "ReplicationController"
            | "Job" => &["spec", "template"],
            "CronJob" => &["spec", "jobTemplate", "spec", "template"],
            "PodTemplate" => &["template"],
            _ => return None,
        };
        let template = self.map.find(path)?;
        let spec = template.get("spec")?;
        let is_job = matches!(self.kind, "Job" | "CronJob");
        Some(Pod { template, spec, is_job, title: self.title(), span: self.span() })
    }
}
