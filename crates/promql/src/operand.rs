//! What operators bind: numbers, selectors, functions, aggregations, and what stands in brackets behind them.

use crate::ast::{Aggregation, Expr, Grouping, Selector, ValueKind};
use crate::functions::{Shape, shape};
use crate::grammar::Parser;
use crate::token::Token;
use crate::{MatchOp, Matcher, SyntaxError, SyntaxKind};

/// Matchers of one selector.
const MATCHERS_MAX: usize = 64;
/// The default step of a subquery without one is that of a server, which we do not know.
const NO_STEP: &str = "a subquery without a step";

pub(crate) fn operand(parser: &mut Parser<'_>) -> Result<Expr, SyntaxError> {
    let at = parser.place();
    let inner = match parser.next() {
        Token::Number(value) => Expr::Number(value),
        Token::Text(text) => Expr::Text(text),
        Token::Sign("(") => {
            let inner = parser.expression(0)?;
            parser.expect(")")?;
            inner
        }
        Token::Sign("{") => Expr::Latest(selector(parser, None, at)?),
        Token::Word(word) => named(parser, word, at)?,
        found => {
            let (expected, found) = ("an expression".to_owned(), found.shown());
            return Err(parser.wrong(at, SyntaxKind::Expected { expected, found }));
        }
    };
    behind(parser, inner, at)
}

fn named(parser: &mut Parser<'_>, word: String, at: usize) -> Result<Expr, SyntaxError> {
    let lower = word.to_ascii_lowercase();
    let follows = |parser: &Parser<'_>, word: &str| matches!(parser.peek(), Token::Word(next) if next.eq_ignore_ascii_case(word));
    let open = parser.peek() == Token::Sign("(");
    let aggregation = Aggregation::ALL.into_iter().find(|(name, _)| *name == lower);
    if let Some((_, by)) = aggregation
        && (open || follows(parser, "by") || follows(parser, "without"))
    {
        return aggregate(parser, by, &lower, at);
    }
    if open {
        return match shape(&word) {
            Some(shape) => call(parser, shape, at),
            None => Err(parser.wrong(at, SyntaxKind::Outside(format!("the function {word}")))),
        };
    }
    let name = Matcher::new("__name__", MatchOp::Equal, word).map_err(|kind| parser.wrong(at, kind))?;
    if parser.eat("{") {
        return Ok(Expr::Latest(selector(parser, Some(name), at)?));
    }
    Ok(Expr::Latest(Selector { matchers: vec![name], offset_ms: 0 }))
}

/// The matchers behind `{`. A text without an operator is the name.
fn selector(parser: &mut Parser<'_>, name: Option<Matcher>, at: usize) -> Result<Selector, SyntaxError> {
    let mut matchers: Vec<Matcher> = name.into_iter().collect();
    while !parser.eat("}") {
        let here = parser.place();
        let (label, quoted) = match parser.next() {
            Token::Word(label) => (label, false),
            Token::Text(label) => (label, true),
            found => {
                let (expected, found) = ("a label name or '}'".to_owned(), found.shown());
                return Err(parser.wrong(here, SyntaxKind::Expected { expected, found }));
            }
        };
        let op = [MatchOp::Equal, MatchOp::Unequal, MatchOp::Matches, MatchOp::Differs]
            .into_iter()
            .find(|op| parser.eat(op.as_str()));
        let matcher = match op {
            None if quoted => Matcher::new("__name__", MatchOp::Equal, label),
            None => return Err(parser.expected("'=', '!=', '=~' or '!~'")),
            Some(op) => match parser.peek() {
                Token::Text(value) => {
                    parser.next();
                    Matcher::new(label, op, value)
                }
                _ => return Err(parser.expected("a text in quotes")),
            },
        };
        matchers.push(matcher.map_err(|kind| parser.wrong(here, kind))?);
        if matchers.len() > MATCHERS_MAX {
            return Err(parser.wrong(here, SyntaxKind::Outside(format!("more than {MATCHERS_MAX} matchers"))));
        }
        if !parser.eat(",") && parser.peek() != Token::Sign("}") {
            return Err(parser.expected("',' or '}'"));
        }
    }
    if matchers.iter().all(|matcher| matcher.fits("")) {
        return Err(parser.wrong(at, SyntaxKind::MatchesAll));
    }
    Ok(Selector { matchers, offset_ms: 0 })
}

/// `[5m]`, `[5m:1m]` and `offset` behind an expression.
fn behind(parser: &mut Parser<'_>, inner: Expr, at: usize) -> Result<Expr, SyntaxError> {
    let mut expr = inner;
    loop {
        let here = parser.place();
        if parser.eat("[") {
            expr = ranged(parser, expr, at)?;
        } else if parser.eat_word("offset") {
            let negative = parser.eat("-");
            let Token::Duration(millis) = parser.next() else {
                return Err(parser.wrong(
                    here,
                    SyntaxKind::Expected {
                        expected: "a duration after offset".to_owned(),
                        found: "something else".to_owned(),
                    },
                ));
            };
            let millis = if negative { -millis } else { millis };
            match &mut expr {
                Expr::Latest(selector) | Expr::Range { selector, .. } if selector.offset_ms == 0 => {
                    selector.offset_ms = millis;
                }
                Expr::Subquery { offset_ms, .. } if *offset_ms == 0 => *offset_ms = millis,
                _ => return Err(parser.wrong(here, SyntaxKind::Outside("offset here".to_owned()))),
            }
        } else if parser.peek() == Token::Sign("@") {
            return Err(parser.wrong(here, SyntaxKind::Outside("the @ modifier".to_owned())));
        } else {
            return Ok(expr);
        }
    }
}

fn ranged(parser: &mut Parser<'_>, inner: Expr, at: usize) -> Result<Expr, SyntaxError> {
    let range_ms = positive(parser)?;
    if parser.eat(":") {
        if parser.peek() == Token::Sign("]") {
            return Err(parser.wrong(at, SyntaxKind::Outside(NO_STEP.to_owned())));
        }
        let step_ms = positive(parser)?;
        parser.expect("]")?;
        parser.needs(at, "a subquery", ValueKind::Vector, inner.kind())?;
        return Ok(Expr::Subquery { inner: Box::new(inner), range_ms, step_ms, offset_ms: 0 });
    }
    parser.expect("]")?;
    match inner {
        Expr::Latest(selector) if selector.offset_ms == 0 => Ok(Expr::Range { selector, range_ms }),
        _ => Err(parser.wrong(
            at,
            SyntaxKind::Expected {
                expected: "a selector before a range".to_owned(),
                found: "another expression (a subquery has a step: [5m:1m])".to_owned(),
            },
        )),
    }
}

fn positive(parser: &mut Parser<'_>) -> Result<i64, SyntaxError> {
    match parser.peek() {
        Token::Duration(millis) if millis > 0 => {
            parser.next();
            Ok(millis)
        }
        _ => Err(parser.expected("a duration above 0")),
    }
}

/// Names in round brackets.
pub(crate) fn label_list(parser: &mut Parser<'_>) -> Result<Vec<String>, SyntaxError> {
    parser.expect("(")?;
    let mut names = Vec::new();
    while !parser.eat(")") {
        match parser.next() {
            Token::Word(name) | Token::Text(name) => names.push(name),
            _ => {
                return Err(parser.expected("a label name"));
            }
        }
        if !parser.eat(",") && parser.peek() != Token::Sign(")") {
            return Err(parser.expected("',' or ')'"));
        }
    }
    Ok(names)
}

fn grouping(parser: &mut Parser<'_>) -> Result<Option<Grouping>, SyntaxError> {
    if parser.eat_word("by") {
        return label_list(parser).map(|names| Some(Grouping::By(names)));
    }
    if parser.eat_word("without") {
        return label_list(parser).map(|names| Some(Grouping::Without(names)));
    }
    Ok(None)
}

fn arguments(parser: &mut Parser<'_>) -> Result<Vec<(Expr, usize)>, SyntaxError> {
    parser.expect("(")?;
    let mut found = Vec::new();
    while !parser.eat(")") {
        let at = parser.place();
        found.push((parser.expression(0)?, at));
        if !parser.eat(",") && parser.peek() != Token::Sign(")") {
            return Err(parser.expected("',' or ')'"));
        }
    }
    Ok(found)
}

fn aggregate(parser: &mut Parser<'_>, by: Aggregation, name: &str, at: usize) -> Result<Expr, SyntaxError> {
    let before = grouping(parser)?;
    let mut given = arguments(parser)?;
    let behind = if before.is_none() { grouping(parser)? } else { None };
    let grouping = before.or(behind).unwrap_or(Grouping::By(Vec::new()));
    let wanted = 1 + usize::from(by.parameter().is_some());
    let last = if given.len() == wanted { given.pop() } else { None };
    let Some((inner, place)) = last else {
        let (function, expected) = (name.to_owned(), wanted.to_string());
        return Err(parser.wrong(at, SyntaxKind::Arguments { function, expected, found: given.len() }));
    };
    parser.needs(place, name, ValueKind::Vector, inner.kind())?;
    let mut parameter = None;
    if let (Some(kind), Some((expr, place))) = (by.parameter(), given.pop()) {
        parser.needs(place, name, kind, expr.kind())?;
        parameter = Some(Box::new(expr));
    }
    Ok(Expr::Aggregate { by, grouping, parameter, inner: Box::new(inner) })
}

fn call(parser: &mut Parser<'_>, shape: Shape, at: usize) -> Result<Expr, SyntaxError> {
    let given = arguments(parser)?;
    if given.len() < shape.least || given.len() > shape.most {
        let expected = match (shape.least, shape.most) {
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let function = shape.name.to_owned();
        return Err(parser.wrong(at, SyntaxKind::Arguments { function, expected, found: given.len() }));
    }
    for (number, (expr, place)) in given.iter().enumerate() {
        let expected = shape.kinds.get(number).or(shape.kinds.last()).copied().unwrap_or(ValueKind::Vector);
        parser.needs(*place, shape.name, expected, expr.kind())?;
    }
    if shape.name == "label_replace"
        && let Some((Expr::Text(pattern), place)) = given.get(4)
    {
        crate::pattern::compile(pattern).map_err(|kind| parser.wrong(*place, kind))?;
    }
    let arguments = given.into_iter().map(|(expr, _)| expr).collect();
    Ok(Expr::Call { function: shape.name, arguments })
}
