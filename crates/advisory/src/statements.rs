//! What a vendor says of packages in its products, as entries: one for all products of which the same is said.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{
    Affected, Ecosystem, Qualifier, QualifierKind, RangeEvent, Rating, RatingBasis, Statement,
};

use crate::csaf::Answer;
use crate::rating;

/// Where a statement belongs.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) ecosystem: Ecosystem,
    pub(crate) name: String,
    /// The module that the package is part of.
    pub(crate) module: Option<String>,
    /// The product, if that is a condition of its own.
    pub(crate) product: Option<String>,
}

/// A statement in its place.
pub(crate) struct Placed<'a> {
    pub(crate) place: Place,
    pub(crate) answer: Answer,
    /// The version that has the repair.
    pub(crate) version: Option<String>,
    /// The vendor's word on how bad it is here.
    pub(crate) word: Option<&'a str>,
}

#[derive(Default)]
struct Answers {
    fixed: BTreeSet<String>,
    others: BTreeSet<Statement>,
    rating: Option<Rating>,
}

type Meaning = (Statement, BTreeSet<String>, Option<Rating>);
// Place, name and module of a package, and what is said of it.
type Entry = (Ecosystem, String, Option<String>, Meaning);

/// The entries of a document, rated by a source of this name.
pub(crate) fn entries(source: &str, placed: Vec<Placed<'_>>) -> Vec<Affected> {
    let mut places: BTreeMap<Place, Answers> = BTreeMap::new();
    for Placed { place, answer, version, word } in placed {
        let answers = places.entry(place).or_default();
        let rating = word.and_then(|it| rating::from_word(source, it, RatingBasis::Distribution));
        answers.rating = answers.rating.take().max(rating);
        match (answer, version) {
            (Answer::Fixed, version) => answers.fixed.extend(version),
            (Answer::All(statement), _) => {
                answers.others.insert(statement);
            }
        }
    }
    let mut entries: BTreeMap<Entry, Vec<String>> = BTreeMap::new();
    for (place, answers) in places {
        let Place { ecosystem, name, module, product } = place;
        for meaning in meanings(answers) {
            let key = (ecosystem.clone(), name.clone(), module.clone(), meaning);
            entries.entry(key).or_default().extend(product.clone());
        }
    }
    entries.into_iter().map(|(key, products)| entry(key, products)).collect()
}

// What is said of a build for one processor and of one for another is rarely different. Then the worse counts. That all
// versions are affected is said beside a repair by some, and means those before it.
fn meanings(answers: Answers) -> Vec<Meaning> {
    let Answers { fixed, mut others, rating } = answers;
    if !fixed.is_empty() || others.len() > 1 {
        others.remove(&Statement::NotAffected);
    }
    if !fixed.is_empty() {
        others.remove(&Statement::Affected);
    }
    let repaired = (!fixed.is_empty()).then(|| (Statement::Affected, fixed, rating.clone()));
    let rest = others.into_iter().map(|it| {
        let rating = rating.clone().filter(|_| it != Statement::NotAffected);
        (it, BTreeSet::new(), rating)
    });
    repaired.into_iter().chain(rest).collect()
}

fn entry(
    (ecosystem, name, module, (statement, fixed, rating)): Entry,
    products: Vec<String>,
) -> Affected {
    let start = || RangeEvent::Introduced("0".to_owned());
    let ranges: Vec<Vec<RangeEvent>> = if fixed.is_empty() {
        vec![vec![start()]]
    } else {
        fixed.into_iter().map(|version| vec![start(), RangeEvent::Fixed(version)]).collect()
    };
    let module = module.map(|value| Qualifier { kind: QualifierKind::Module, value });
    let products =
        products.into_iter().map(|value| Qualifier { kind: QualifierKind::Product, value });
    Affected {
        ecosystem,
        name,
        ranges,
        statement,
        ratings: rating.into_iter().collect(),
        qualifiers: module.into_iter().chain(products).collect(),
        ..Affected::default()
    }
}
