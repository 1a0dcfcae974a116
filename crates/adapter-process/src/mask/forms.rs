//! The forms in which a value may be written.

use std::fmt::Write;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Where the usual tools break base64 into lines: PEM, and MIME.
const WIDTHS: [usize; 2] = [64, 76];

/// Left as they are: by RFC 3986, by `encodeURIComponent`, by `encodeURI`, by forms (which write a space as `+`).
const URL_KEPT: [&str; 4] = ["-_.~", "-_.~!'()*", "-_.~!'()*;/?:@&=+$,#", "-_.* "];

/// All forms of a value and of its lines. Some may be equal, or too short to be looked for.
pub(super) fn of(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    add(secret, &mut forms);
    if secret.contains(['\n', '\r']) {
        secret.split(['\n', '\r']).map(str::trim).for_each(|line| add(line, &mut forms));
    }
    forms
}

fn add(value: &str, forms: &mut Vec<Vec<u8>>) {
    if value.len() < super::MIN_SECRET {
        return;
    }
    let bytes = value.as_bytes();
    forms.push(bytes.to_vec());
    for alphabet in [STANDARD, URL_SAFE] {
        for ahead in 0..3 {
            forms.push(base64(bytes, ahead, alphabet));
        }
        let alone = base64(bytes, 0, alphabet);
        for width in WIDTHS.into_iter().filter(|width| alone.len() > *width) {
            forms.extend(alone.chunks(width).map(<[u8]>::to_vec));
        }
    }
    for kept in URL_KEPT {
        forms.push(url(bytes, kept, true));
        forms.push(url(bytes, kept, false));
    }
    json(value, forms);
    forms.push(hex(bytes, true));
    forms.push(hex(bytes, false));
}

/// The digits that are the value's own when `ahead` other bytes stand before it in its group of three.
pub(super) fn base64(bytes: &[u8], ahead: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let own = (ahead * 8).div_ceil(6)..(ahead + bytes.len()) * 8 / 6;
    let mut all = vec![0; ahead];
    all.extend_from_slice(bytes);
    let digit = |at: usize| {
        let bit = at * 6;
        let pair = [all[bit / 8], all.get(bit / 8 + 1).copied().unwrap_or(0)];
        let shifted = u16::from_be_bytes(pair) >> (10 - bit % 8);
        alphabet[usize::from(shifted & 63)]
    };
    own.map(digit).collect()
}

fn url(bytes: &[u8], kept: &str, upper: bool) -> Vec<u8> {
    let mut out = String::new();
    for byte in bytes {
        let written = match *byte {
            b' ' if kept.contains(' ') => write!(out, "+"),
            byte if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => {
                write!(out, "{}", char::from(byte))
            }
            byte if upper => write!(out, "%{byte:02X}"),
            byte => write!(out, "%{byte:02x}"),
        };
        debug_assert!(written.is_ok());
    }
    out.into_bytes()
}

/// As most programs escape, with `/` escaped, without anything beyond ASCII, and safe for HTML.
fn json(value: &str, forms: &mut Vec<Vec<u8>>) {
    let quoted = serde_json::to_string(value).unwrap_or_default();
    let plain = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let slashed = plain.replace('/', "\\/");
    for text in [plain, &slashed] {
        for html in [false, true] {
            let written = |c: char| !c.is_ascii() || (html && "<>&'".contains(c));
            forms.push(unicode(text, false, |c| html && written(c) && c.is_ascii()));
            forms.push(unicode(text, false, written));
            forms.push(unicode(text, true, written));
        }
    }
}

fn unicode(text: &str, upper: bool, escaped: impl Fn(char) -> bool) -> Vec<u8> {
    let mut out = String::new();
    for c in text.chars() {
        if !escaped(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let written = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
            debug_assert!(written.is_ok());
        }
    }
    out.into_bytes()
}

fn hex(bytes: &[u8], upper: bool) -> Vec<u8> {
    let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    bytes.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_the_digits_that_do_not_depend_on_neighbours() {
        assert_eq!(base64(b"hello", 0, STANDARD), b"aGVsbG");
        // `xhello` is eGhlbGxv, `xyhello` is eHloZWxsbw==
        assert_eq!(base64(b"hello", 1, STANDARD), b"hlbGxv");
        assert_eq!(base64(b"hello", 2, STANDARD), b"oZWxsb");
    }

    #[test]
    fn the_other_forms_are_those_of_the_usual_tools() {
        let forms = of("a b/é\"<&");
        for form in [
            "a%20b%2F%C3%A9%22%3C%26",
            "a+b%2f%c3%a9%22%3c%26",
            "a%20b/%C3%A9%22%3C&",
            "a b/é\\\"<&",
            "a b\\/\\u00e9\\\"<&",
            "a b/é\\\"\\u003c\\u0026",
            "6120622fc3a9223c26",
            "6120622FC3A9223C26",
        ] {
            assert!(forms.contains(&form.as_bytes().to_vec()), "{form}");
        }
    }
}
