//! Every expression and query of a rule, without recursion.

use regorus::unstable::{
    Expr, Literal, LiteralStmt, Parser, Query, Ref, Rule, RuleAssign, RuleHead,
};

/// The parts of a path such as `data.a["b"]`; none if it has others than names and texts.
pub(crate) fn names(refr: &Ref<Expr>) -> Vec<String> {
    Parser::get_path_ref_components(refr)
        .map(|spans| spans.iter().map(|span| span.text().to_owned()).collect())
        .unwrap_or_default()
}

/// Expressions that are still to be looked at. A list, not recursion: a reference may be thousands of parts long.
#[derive(Default)]
pub(crate) struct Pending<'a> {
    expressions: Vec<&'a Ref<Expr>>,
    queries: Vec<&'a Ref<Query>>,
    /// What `with` puts in place of something.
    pub(crate) replacements: Vec<&'a Ref<Expr>>,
    /// The queries that were met.
    pub(crate) met: Vec<&'a Query>,
}

impl<'a> Pending<'a> {
    /// All of a rule.
    pub(crate) fn of(rule: &'a Rule) -> Self {
        let mut pending = Self::default();
        pending.rule(rule);
        pending
    }

    /// One statement.
    pub(crate) fn statement_of(statement: &'a LiteralStmt) -> Self {
        let mut pending = Self::default();
        pending.statement(statement);
        pending
    }

    /// An expression more.
    pub(crate) fn expression(&mut self, expression: &'a Ref<Expr>) {
        self.expressions.push(expression);
    }

    /// A statement more.
    pub(crate) fn add(&mut self, statement: &'a LiteralStmt) {
        self.statement(statement);
    }

    /// All of a rule but the name in its head.
    pub(crate) fn within(rule: &'a Rule) -> Self {
        let mut pending = Self::of(rule);
        if let Rule::Spec {
            head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, ..
        } = rule
        {
            pending.forget(refr);
            let mut head: &Expr = refr;
            while let Expr::RefBrack { refr, index, .. } = head {
                pending.expressions.push(index);
                head = refr;
            }
        }
        pending
    }

    /// Leaves out an expression that is still to come.
    pub(crate) fn forget(&mut self, expression: &Ref<Expr>) {
        self.expressions.retain(|pending| *pending != expression);
    }

    /// The next expression.
    pub(crate) fn next(&mut self) -> Option<&'a Expr> {
        while let Some(query) = self.queries.pop() {
            self.met.push(query);
            for statement in &query.stmts {
                self.statement(statement);
            }
        }
        let expr = self.expressions.pop()?.as_ref();
        self.children(expr);
        Some(expr)
    }

    fn rule(&mut self, rule: &'a Rule) {
        let Rule::Spec { head, bodies, .. } = rule else {
            if let Rule::Default { value, .. } = rule {
                self.expressions.push(value);
            }
            return;
        };
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                self.expressions.push(refr);
                self.assign(assign.as_ref());
            }
            RuleHead::Set { refr, key, .. } => {
                self.expressions.push(refr);
                self.expressions.extend(key);
            }
            RuleHead::Func { args, assign, .. } => {
                self.expressions.extend(args);
                self.assign(assign.as_ref());
            }
        }
        for body in bodies {
            self.assign(body.assign.as_ref());
            self.queries.push(&body.query);
        }
    }

    fn assign(&mut self, assign: Option<&'a RuleAssign>) {
        self.expressions.extend(assign.map(|assign| &assign.value));
    }

    fn statement(&mut self, statement: &'a LiteralStmt) {
        for modifier in &statement.with_mods {
            self.expressions.push(&modifier.r#as);
            self.replacements.push(&modifier.r#as);
        }
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                self.expressions.extend(key);
                self.expressions.extend([value, collection]);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => {
                self.expressions.push(expr);
            }
            Literal::Every { domain, query, .. } => {
                self.expressions.push(domain);
                self.queries.push(query);
            }
        }
    }

    fn children(&mut self, expr: &'a Expr) {
        match expr {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::Var { .. } => {}
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.expressions.extend(items),
            Expr::Object { fields, .. } => {
                self.expressions.extend(fields.iter().flat_map(|(_, key, value)| [key, value]));
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expressions.push(term);
                self.queries.push(query);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.expressions.extend([key, value]);
                self.queries.push(query);
            }
            Expr::Call { params, .. } => self.expressions.extend(params),
            Expr::UnaryExpr { expr, .. } => self.expressions.push(expr),
            Expr::RefDot { refr, .. } => self.expressions.push(refr),
            Expr::RefBrack { refr, index, .. } => self.expressions.extend([refr, index]),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => self.expressions.extend([lhs, rhs]),
            Expr::Membership { key, value, collection, .. } => {
                self.expressions.extend(key);
                self.expressions.extend([value, collection]);
            }
        }
    }
}
