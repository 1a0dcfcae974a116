//! Rust text without its comments and literals, so that a rule sees only code.

/// The same text with comments, strings and character literals blanked; lines and columns stay.
pub(crate) fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        match end {
            Some(end) => {
                for byte in out.iter_mut().take(end).skip(at).filter(|byte| **byte != b'\n') {
                    *byte = b' ';
                }
                at = end;
            }
            None => at += 1,
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The end of the comment or literal that begins here, if one does.
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => Some(at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_end(bytes, at)),
        [b'r', b'"' | b'#', ..] if !word_before => raw_end(bytes, at),
        [b'b', b'r', b'"' | b'#', ..] if !word_before => raw_end(bytes, at + 1),
        [b'"', ..] => Some(quoted_end(bytes, at, b'"')),
        [b'\'', b'\\', ..] => Some(quoted_end(bytes, at, b'\'')),
        [b'\'', _, b'\'', ..] => Some(at + 3),
        // A character of several bytes; a lifetime has no closing quote so near.
        [b'\'', first, ..] if !first.is_ascii() => Some(quoted_end(bytes, at, b'\'')),
        _ => None,
    }
}

/// Comments nest.
fn block_end(bytes: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn raw_end(bytes: &[u8], r: usize) -> Option<usize> {
    let hashes = bytes[r + 1..].iter().take_while(|b| **b == b'#').count();
    if bytes.get(r + 1 + hashes) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = r + 2 + hashes;
    let found = bytes[body..].windows(close.len()).position(|window| window == close);
    Some(found.map_or(bytes.len(), |found| body + found + close.len()))
}

fn quoted_end(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// One function: its name, and the lines of its head and its end (from 0).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// All functions with a body, in blanked code.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(open) = code[at..].find(['{', ';']).map(|found| at + found) else { continue };
        if name.is_empty() || code.as_bytes()[open] == b';' {
            continue;
        }
        let end = block_close(code, open);
        let line = |at: usize| code[..at].matches('\n').count();
        found.push(Function { name, first: line(at), last: line(end) });
    }
    found
}

/// The place of the brace that closes the one at `open`.
pub(crate) fn block_close(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_kept() {
    let text = "a(\"x // {\"); // b\n/* c /* d */ e */ f('{', '\\'', 'ü', r#\"g\"}\"#, b\"h\"); fn i<'a>(x: &'a u8) {}\n";
    let code = code_of(text);
    assert_eq!(code.split_whitespace().collect::<String>(), "a();f(,,,,b);fni<'a>(x:&'au8){}");
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn functions_are_found_with_their_lines() {
    let code = "fn a() {\n  if x {\n  }\n}\ntrait T { fn b(); fn c() -> u8 {\n 1 }\n}\n";
    let found: Vec<_> = functions(code).into_iter().map(|f| (f.name, f.first, f.last)).collect();
    assert_eq!(found, [("a".to_owned(), 0, 3), ("c".to_owned(), 4, 5)]);
}
