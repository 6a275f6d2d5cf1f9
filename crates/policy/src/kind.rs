//! What kind of value an expression has, as far as it can be told without evaluating it.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{ArithOp, AssignOp, Expr, Import, Module, Ref, Rule, RuleHead};

use crate::shape::Shape;
use crate::walk::{Pending, names};

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
    Set,
}

impl Kind {
    /// With its article.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
            Self::Set => "a set",
        }
    }

    fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Text => Self::Text,
            Shape::Number => Self::Number,
            Shape::Truth => Self::Boolean,
            Shape::List(_) => Self::Array,
            Shape::Map(_) | Shape::Object(_) => Self::Object,
        }
    }
}

const BOOLEANS: [&str; 22] = [
    "regex.match",
    "regex.is_valid",
    "re_match",
    "startswith",
    "endswith",
    "contains",
    "is_string",
    "is_number",
    "is_boolean",
    "is_array",
    "is_object",
    "is_set",
    "is_null",
    "glob.match",
    "any",
    "all",
    "semver.is_valid",
    "json.is_valid",
    "net.cidr_contains",
    "net.cidr_intersects",
    "object.subset",
    "strings.any_prefix_match",
];
const NUMBERS: [&str; 15] = [
    "count",
    "sum",
    "product",
    "indexof",
    "to_number",
    "time.now_ns",
    "round",
    "ceil",
    "floor",
    "abs",
    "semver.compare",
    "time.parse_rfc3339_ns",
    "units.parse",
    "units.parse_bytes",
    "strings.count",
];
const TEXTS: [&str; 22] = [
    "sprintf",
    "concat",
    "lower",
    "upper",
    "trim",
    "trim_left",
    "trim_right",
    "trim_space",
    "trim_prefix",
    "trim_suffix",
    "replace",
    "substring",
    "format_int",
    "json.marshal",
    "base64.encode",
    "base64.decode",
    "hex.encode",
    "crypto.sha256",
    "type_name",
    "regex.replace",
    "strings.reverse",
    "time.format",
];
const ARRAYS: [&str; 11] = [
    "split",
    "array.concat",
    "array.slice",
    "array.reverse",
    "regex.find_n",
    "regex.split",
    "numbers.range",
    "sort",
    "time.clock",
    "time.date",
    "indexof_n",
];

/// What is known of the names in a rule.
pub(crate) struct Scope<'a> {
    shape: Option<&'a Shape>,
    /// Imports of parts of the input: alias and path.
    aliases: BTreeMap<String, Vec<String>>,
    variables: BTreeMap<String, Option<Kind>>,
    constants: &'a BTreeMap<String, Constant>,
}

/// A rule of a package that is one constant value.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    kind: Kind,
    items: Option<BTreeSet<Kind>>,
}

/// The constants of a module.
pub(crate) fn constants(module: &Module) -> BTreeMap<String, Constant> {
    let mut found: BTreeMap<String, Option<Constant>> = BTreeMap::new();
    for rule in &module.policy {
        let Some(name) = crate::rules::rule_name(rule) else { continue };
        let constant = match rule.as_ref() {
            Rule::Spec {
                head: RuleHead::Compr { refr, assign: Some(assign), .. }, bodies, ..
            } if bodies.is_empty() && names(refr).len() == 1 => {
                literal(&assign.value).map(|kind| Constant { kind, items: items(&assign.value) })
            }
            _ => None,
        };
        // What is defined twice may be anything.
        found.entry(name).and_modify(|known| *known = None).or_insert(constant);
    }
    found.into_iter().filter_map(|(name, constant)| Some((name, constant?))).collect()
}

impl<'a> Scope<'a> {
    /// What is known in a rule. `shape` is that of the input, if that is known.
    pub(crate) fn of(
        rule: &Rule,
        imports: &[Import],
        shape: Option<&'a Shape>,
        constants: &'a BTreeMap<String, Constant>,
    ) -> Self {
        let mut aliases = BTreeMap::new();
        for import in imports {
            let path = names(&import.refr);
            if path.len() > 1 && path[0] == "input" {
                let alias = import.r#as.as_ref().map(|alias| alias.text().to_owned());
                aliases.insert(alias.unwrap_or_else(|| path[path.len() - 1].clone()), path);
            }
        }
        let mut scope = Self { shape, aliases, variables: BTreeMap::new(), constants };
        let mut pending = Pending::of(rule);
        let mut assigned: Vec<(String, &Expr)> = Vec::new();
        while let Some(expr) = pending.next() {
            if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } = expr
                && let Expr::Var { span, .. } = lhs.as_ref()
            {
                assigned.push((span.text().to_owned(), rhs));
            }
        }
        if let Rule::Spec { head: RuleHead::Func { args, .. }, .. } = rule {
            for argument in args {
                if let Expr::Var { span, .. } = argument.as_ref() {
                    scope.variables.insert(span.text().to_owned(), None);
                }
            }
        }
        for (name, value) in assigned {
            let kind = scope.kind(value);
            scope.variables.entry(name).and_modify(|known| *known = None).or_insert(kind);
        }
        scope
    }

    /// The kind of an expression.
    pub(crate) fn kind(&self, expr: &Expr) -> Option<Kind> {
        match expr {
            Expr::Var { span, .. } => {
                let name = span.text();
                match self.variables.get(name) {
                    Some(kind) => *kind,
                    None => self
                        .input(expr)
                        .or_else(|| self.constants.get(name).map(|constant| constant.kind)),
                }
            }
            Expr::RefDot { .. } | Expr::RefBrack { .. } => self.input(expr),
            Expr::Call { fcn, .. } => {
                let name = names(fcn).join(".");
                let is_in = |list: &[&str]| list.contains(&name.as_str());
                match () {
                    () if is_in(&BOOLEANS) => Some(Kind::Boolean),
                    () if is_in(&NUMBERS) => Some(Kind::Number),
                    () if is_in(&TEXTS) => Some(Kind::Text),
                    () if is_in(&ARRAYS) => Some(Kind::Array),
                    () => None,
                }
            }
            Expr::UnaryExpr { .. } => Some(Kind::Number),
            Expr::ArithExpr { op, lhs, rhs, .. } => match op {
                // A difference may be one of sets.
                ArithOp::Sub => self.kind(lhs).or_else(|| self.kind(rhs)),
                _ => Some(Kind::Number),
            },
            Expr::BoolExpr { .. } | Expr::Membership { .. } => Some(Kind::Boolean),
            Expr::BinExpr { .. } => Some(Kind::Set),
            _ => literal(expr),
        }
    }

    /// The kinds of the items of a collection whose items are all known.
    pub(crate) fn items(&self, collection: &Expr) -> Option<BTreeSet<Kind>> {
        if let Expr::Var { span, .. } = collection
            && !self.variables.contains_key(span.text())
        {
            return self.constants.get(span.text())?.items.clone();
        }
        items(collection)
    }

    fn input(&self, expr: &Expr) -> Option<Kind> {
        let path = self.input_path(expr)?;
        resolve(self.shape?, &path).ok().map(Kind::of)
    }

    /// The parts of a path into the input; an unknown part is an item of what is there.
    pub(crate) fn input_path(&self, expr: &Expr) -> Option<Vec<Part>> {
        let mut path = Vec::new();
        let mut expr = expr;
        loop {
            match expr {
                Expr::RefDot { refr, field: (span, _), .. } => {
                    path.push(Part::Name(span.text().trim_matches('"').to_owned()));
                    expr = refr;
                }
                Expr::RefBrack { refr, index, .. } => {
                    path.push(match index.as_ref() {
                        Expr::String { span, .. } | Expr::RawString { span, .. } => {
                            Part::Name(span.text().trim_matches(['"', '`']).to_owned())
                        }
                        _ => Part::Item,
                    });
                    expr = refr;
                }
                Expr::Var { span, .. } => {
                    let root = span.text();
                    path.reverse();
                    if root == "input" && !self.variables.contains_key(root) {
                        return Some(path);
                    }
                    let alias = self.aliases.get(root)?;
                    let start = alias.iter().skip(1).map(|name| Part::Name(name.clone()));
                    return Some(start.chain(path).collect());
                }
                _ => return None,
            }
        }
    }
}

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Name(String),
    Item,
}

/// The shape at a path, or where the path leaves what is there: the shape before, and the name that it lacks.
pub(crate) fn resolve<'a>(
    shape: &'a Shape,
    path: &[Part],
) -> Result<&'a Shape, Option<(&'a Shape, String)>> {
    let mut shape = shape;
    for part in path {
        let next = match part {
            Part::Name(name) => match shape {
                Shape::Object(_) | Shape::Map(_) => {
                    shape.field(name).ok_or_else(|| Some((shape, name.clone())))?
                }
                // A name into a list or a text.
                _ => return Err(Some((shape, name.clone()))),
            },
            Part::Item => shape.item().ok_or(None)?,
        };
        shape = next;
    }
    Ok(shape)
}

fn literal(expr: &Expr) -> Option<Kind> {
    Some(match expr {
        Expr::String { .. } | Expr::RawString { .. } => Kind::Text,
        Expr::Number { .. } => Kind::Number,
        Expr::Bool { .. } => Kind::Boolean,
        Expr::Null { .. } => Kind::Null,
        Expr::Array { .. } | Expr::ArrayCompr { .. } => Kind::Array,
        Expr::Set { .. } | Expr::SetCompr { .. } => Kind::Set,
        Expr::Object { .. } | Expr::ObjectCompr { .. } => Kind::Object,
        _ => return None,
    })
}

fn items(expr: &Expr) -> Option<BTreeSet<Kind>> {
    let list: &[Ref<Expr>] = match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items,
        _ => return None,
    };
    list.iter().map(|item| literal(item)).collect()
}
