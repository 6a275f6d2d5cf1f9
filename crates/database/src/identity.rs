//! Which advisories speak of one flaw.
//!
//! Ids are joined over `aliases`, never over `related`, and never so that two CVEs become one. A record that itself
//! names several CVEs speaks of each. `upstream` joins nothing: a distribution's advisory names the CVEs that it
//! repairs, and so speaks of each of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sealift_model::Advisory;

/// Ids of one flaw, and the records that speak of it.
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) records: Vec<usize>,
}

/// Groups the records; the second list has, for each record, the groups it belongs to.
pub(crate) fn group(records: &[Advisory]) -> (Vec<Group>, Vec<Vec<usize>>) {
    let mut sets = Sets::default();
    // CVEs first, so that what is joined later is joined to the right one.
    for record in records {
        let node = sets.node(&record.id);
        let cves: Vec<&String> = cves_of(record).collect();
        if let [cve] = cves[..] {
            let other = sets.node(cve);
            sets.join(node, other);
        }
    }
    for record in records {
        let node = sets.node(&record.id);
        for alias in record.aliases.iter().filter(|alias| !is_cve(alias)) {
            let other = sets.node(alias);
            sets.join(node, other);
        }
    }
    let members = sets.members();
    let known: HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
    let mut flaws: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        for id in flaws_of(record, &known, &mut sets, &members) {
            flaws.entry(id).or_default().push(index);
        }
    }
    let mut groups = Vec::with_capacity(flaws.len());
    let mut groups_of = vec![Vec::new(); records.len()];
    for (id, list) in flaws {
        for record in &list {
            groups_of[*record].push(groups.len());
        }
        let aliases = aliases_of(&id, records, &list, &mut sets, &members);
        groups.push(Group { id, aliases, records: list });
    }
    (groups, groups_of)
}

// The flaws that a record speaks of, by the id that is preferred.
fn flaws_of(
    record: &Advisory,
    known: &HashSet<&str>,
    sets: &mut Sets,
    members: &[Vec<String>],
) -> Vec<String> {
    let own: BTreeSet<&String> = cves_of(record).collect();
    if !own.is_empty() {
        return own.into_iter().cloned().collect();
    }
    let node = sets.node(&record.id);
    let root = sets.root(node);
    let ids = &members[root];
    if let Some(cve) = ids.iter().find(|id| is_cve(id)) {
        return vec![cve.clone()];
    }
    let upstream: BTreeSet<&String> = record.upstream.iter().filter(|id| is_cve(id)).collect();
    if !upstream.is_empty() {
        return upstream.into_iter().cloned().collect();
    }
    // An alias that no record here has may lead nowhere.
    let ghsa = ids.iter().find(|id| id.starts_with("GHSA-"));
    let preferred = ghsa.or_else(|| ids.iter().find(|id| known.contains(id.as_str())));
    vec![preferred.unwrap_or(&record.id).clone()]
}

fn aliases_of(
    id: &str,
    records: &[Advisory],
    list: &[usize],
    sets: &mut Sets,
    members: &[Vec<String>],
) -> Vec<String> {
    let mut aliases = BTreeSet::new();
    for index in list {
        let record = &records[*index];
        // The ids of a record with several CVEs, or of a distribution's advisory, are not ids of this one flaw.
        if cves_of(record).any(|cve| cve != id) {
            continue;
        }
        let node = sets.node(&record.id);
        let root = sets.root(node);
        if members[root].iter().any(|member| member == id) {
            aliases.extend(members[root].iter().filter(|member| *member != id).cloned());
        }
    }
    aliases.into_iter().collect()
}

fn cves_of(record: &Advisory) -> impl Iterator<Item = &String> {
    let ids = std::iter::once(&record.id).chain(&record.aliases);
    ids.filter(|id| is_cve(id))
}

fn is_cve(id: &str) -> bool {
    id.starts_with("CVE-")
}

// Disjoint sets of ids, each with at most one CVE.
#[derive(Default)]
struct Sets {
    node_of: HashMap<String, usize>,
    parents: Vec<usize>,
    has_cve: Vec<bool>,
}

impl Sets {
    fn node(&mut self, id: &str) -> usize {
        if let Some(node) = self.node_of.get(id) {
            return *node;
        }
        let node = self.parents.len();
        self.parents.push(node);
        self.has_cve.push(is_cve(id));
        self.node_of.insert(id.to_owned(), node);
        node
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.parents[node] != node {
            self.parents[node] = self.parents[self.parents[node]];
            node = self.parents[node];
        }
        node
    }

    // Joins two sets, unless each has a CVE of its own.
    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        if left == right || (self.has_cve[left] && self.has_cve[right]) {
            return;
        }
        let (low, high) = (left.min(right), left.max(right));
        self.parents[high] = low;
        self.has_cve[low] |= self.has_cve[high];
    }

    // The ids of every set, at the place of its root, sorted.
    fn members(&mut self) -> Vec<Vec<String>> {
        let mut members = vec![Vec::new(); self.parents.len()];
        let ids: Vec<(String, usize)> =
            self.node_of.iter().map(|(id, node)| (id.clone(), *node)).collect();
        for (id, node) in ids {
            let root = self.root(node);
            members[root].push(id);
        }
        for ids in &mut members {
            ids.sort_unstable();
        }
        members
    }
}
