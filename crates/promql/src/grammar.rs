//! From tokens to an expression: operators by how strongly they bind, and the kinds of what they bind.

use crate::ast::{Expr, Grouping, Matching, Operator, Selector, Side, ValueKind};
use crate::operand;
use crate::token::{Placed, Token, tokens};
use crate::{Matcher, SyntaxError, SyntaxKind};

/// Bytes of an expression.
const LENGTH_MAX: usize = 64 * 1024;
/// How deep it may be nested. Each level costs a few frames of the stack.
const DEPTH_MAX: usize = 64;
/// Operators of an expression. A chain of them is as deep as it is long.
const OPERATORS_MAX: usize = 500;
/// How strongly a sign in front of a value binds: as multiplication does.
const SIGN_BINDS: u8 = 5;

/// Reads an expression of the subset.
///
/// # Errors
/// The first mistake, or the first thing outside the subset, with its place.
pub fn parse(text: &str) -> Result<Expr, SyntaxError> {
    if text.len() > LENGTH_MAX {
        return Err(SyntaxError::at(text, 0, SyntaxKind::TooLong(LENGTH_MAX)));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0, operators: 0 };
    let expr = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.expected("an operator or the end")),
    }
}

/// Reads conditions about labels alone, as they stand between the braces of a selector: `severity="page",job=~"a|b"`.
/// The braces may be there. At least one must ask for more than the empty text.
///
/// # Errors
/// The first mistake. Its place counts from the brace.
pub fn matchers(text: &str) -> Result<Vec<Matcher>, SyntaxError> {
    let inner = text.trim().trim_start_matches('{').trim_end_matches('}').trim().trim_end_matches(',');
    let whole = format!("{{{inner}}}");
    match parse(&whole)? {
        Expr::Latest(Selector { matchers, offset_ms: 0 }) => Ok(matchers),
        _ => {
            let expected = "conditions about labels alone".to_owned();
            let found = "a whole expression".to_owned();
            Err(SyntaxError::at(&whole, 0, SyntaxKind::Expected { expected, found }))
        }
    }
}

/// Tokens and where we are among them.
pub(crate) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    operators: usize,
}

impl Parser<'_> {
    pub(crate) fn peek(&self) -> Token {
        self.tokens.get(self.at).map_or(Token::End, |(token, _)| token.clone())
    }

    /// The byte where the next token begins.
    pub(crate) fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.text.len(), |(_, at)| *at)
    }

    pub(crate) fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    pub(crate) fn eat(&mut self, sign: &'static str) -> bool {
        let there = self.peek() == Token::Sign(sign);
        self.at += usize::from(there);
        there
    }

    /// Takes a word if it stands here, in any case.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let there = matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    pub(crate) fn expect(&mut self, sign: &'static str) -> Result<(), SyntaxError> {
        if self.eat(sign) { Ok(()) } else { Err(self.expected(&format!("'{sign}'"))) }
    }

    pub(crate) fn expected(&self, expected: &str) -> SyntaxError {
        let found = self.peek().shown();
        self.wrong(self.place(), SyntaxKind::Expected { expected: expected.to_owned(), found })
    }

    pub(crate) fn wrong(&self, at: usize, kind: SyntaxKind) -> SyntaxError {
        SyntaxError::at(self.text, at, kind)
    }

    /// Fails unless the kind is the one that a place needs.
    pub(crate) fn needs(
        &self,
        at: usize,
        place: &str,
        expected: ValueKind,
        found: ValueKind,
    ) -> Result<(), SyntaxError> {
        if expected == found {
            return Ok(());
        }
        let (expected, found) = (expected.as_str(), found.as_str());
        Err(self.wrong(at, SyntaxKind::Kind { place: place.to_owned(), expected, found }))
    }

    /// An expression of operators that bind at least so strongly.
    pub(crate) fn expression(&mut self, least: u8) -> Result<Expr, SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong(self.place(), SyntaxKind::TooDeep(DEPTH_MAX)));
        }
        let mut left = self.signed()?;
        while let Some((name, operator, binds)) = self.operator().filter(|(.., binds)| *binds >= least) {
            let at = self.place();
            self.at += 1;
            self.operators += 1;
            if self.operators > OPERATORS_MAX {
                return Err(self.wrong(at, SyntaxKind::TooMany(OPERATORS_MAX)));
            }
            let (returns_bool, matching) = self.modifiers(operator)?;
            // Only the power binds to the right.
            let next = if operator == Operator::Pow { binds } else { binds + 1 };
            let right = self.expression(next)?;
            self.fit(at, name, operator, returns_bool, matching.as_ref(), (&left, &right))?;
            let (a, b) = (Box::new(left), Box::new(right));
            let matching = matching.unwrap_or_default();
            left = Expr::Binary { operator, left: a, right: b, returns_bool, matching };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&self) -> Option<(&'static str, Operator, u8)> {
        let found = match self.peek() {
            Token::Sign(sign) => sign.to_owned(),
            Token::Word(word) => word.to_ascii_lowercase(),
            _ => return None,
        };
        Operator::ALL.into_iter().find(|(name, ..)| *name == found)
    }

    fn signed(&mut self) -> Result<Expr, SyntaxError> {
        let at = self.place();
        if self.eat("+") || self.eat("-") {
            let negative = self.tokens.get(self.at - 1).is_some_and(|(token, _)| *token == Token::Sign("-"));
            let inner = self.expression(SIGN_BINDS + 1)?;
            return match inner.kind() {
                ValueKind::Scalar | ValueKind::Vector if !negative => Ok(inner),
                ValueKind::Scalar | ValueKind::Vector => Ok(Expr::Negated(Box::new(inner))),
                found => {
                    self.needs(at, "a sign", ValueKind::Vector, found)?;
                    Ok(inner)
                }
            };
        }
        operand::operand(self)
    }

    /// `bool`, `on`, `ignoring`, `group_left`, `group_right` after an operator.
    fn modifiers(&mut self, operator: Operator) -> Result<(bool, Option<Matching>), SyntaxError> {
        let at = self.place();
        let returns_bool = self.eat_word("bool");
        if returns_bool && !operator.is_comparison() {
            return Err(self.wrong(
                at,
                SyntaxKind::Expected {
                    expected: "bool only after a comparison".to_owned(),
                    found: "another operator".to_owned(),
                },
            ));
        }
        let labels = if self.eat_word("on") {
            Grouping::By(operand::label_list(self)?)
        } else if self.eat_word("ignoring") {
            Grouping::Without(operand::label_list(self)?)
        } else {
            return Ok((returns_bool, None));
        };
        let at = self.place();
        let many = if self.eat_word("group_left") {
            Some(Side::Left)
        } else if self.eat_word("group_right") {
            Some(Side::Right)
        } else {
            None
        };
        if many.is_some() && operator.is_set() {
            let found = "group_left or group_right".to_owned();
            return Err(self.wrong(
                at,
                SyntaxKind::Expected { expected: "no grouping at and, or, unless".to_owned(), found },
            ));
        }
        let include = if many.is_some() && self.peek() == Token::Sign("(") {
            operand::label_list(self)?
        } else {
            Vec::new()
        };
        Ok((returns_bool, Some(Matching { labels, many, include })))
    }

    fn fit(
        &self,
        at: usize,
        name: &str,
        operator: Operator,
        returns_bool: bool,
        matching: Option<&Matching>,
        sides: (&Expr, &Expr),
    ) -> Result<(), SyntaxError> {
        let place = format!("'{name}'");
        let kinds = [sides.0.kind(), sides.1.kind()];
        for kind in kinds {
            if operator.is_set() || !matches!(kind, ValueKind::Scalar | ValueKind::Vector) {
                self.needs(at, &place, ValueKind::Vector, kind)?;
            }
        }
        let scalars = kinds == [ValueKind::Scalar; 2];
        let shown = |expected: &str, found: &str| {
            let (expected, found) = (expected.to_owned(), found.to_owned());
            Err(self.wrong(at, SyntaxKind::Expected { expected, found }))
        };
        if scalars && operator.is_comparison() && !returns_bool {
            return shown("bool after a comparison of two numbers", "none");
        }
        if matching.is_some() && kinds.contains(&ValueKind::Scalar) {
            return shown("matching only between two vectors", "a number");
        }
        match matching {
            Some(Matching { labels: Grouping::By(on), include, .. })
                if include.iter().any(|label| on.contains(label)) =>
            {
                shown("a label either in on or in the grouping", "one in both")
            }
            _ => Ok(()),
        }
    }
}
