//! No form of a secret survives, and nothing else is lost.

use proptest::prelude::*;

use super::*;

fn masker(secrets: &[&str]) -> Arc<Masker> {
    let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    Arc::new(Masker::new(&secrets).unwrap())
}

fn check(secrets: &[&str], text: &str, expected: &str) {
    let masker = masker(secrets);
    assert_eq!(String::from_utf8(masker.mask(text.as_bytes())).unwrap(), expected);
    let mut out = Vec::new();
    let mut stream = masker.stream();
    for byte in text.as_bytes() {
        stream.push(&[*byte], &mut out);
    }
    stream.finish(&mut out);
    // Byte by byte two neighbours may stay two.
    assert_eq!(String::from_utf8(out).unwrap().replace("******", "***"), expected);
}

#[test]
fn values_are_masked_and_the_rest_is_left() {
    check(&["hunter22"], "a hunter22, hunter2 b", "a ***, hunter2 b");
    check(&["hunter22"], "hunter22hunter22", "***");
    check(&[], "hunter22", "hunter22");
    check(&["abcdefgh", "efghijkl"], "-abcdefghijkl-", "-***-");
    check(&["cdef", "abcdefgh"], "-abcdefgx-", "-ab***gx-");
    check(&["one-line\nother-line\n"], "> one-line\r\n> other-line", "> ***\r\n> ***");
}

#[test]
fn only_what_could_become_a_value_is_held_back() {
    let mut stream = masker(&["hunter22"]).stream();
    let mut out = Vec::new();
    stream.push(b"progress 10 % hunt", &mut out);
    assert_eq!(out, b"progress 10 % ");
    stream.push(b"ing", &mut out);
    assert_eq!(out, b"progress 10 % hunting");
}

#[test]
fn what_cannot_be_masked_is_refused() {
    assert_eq!(Masker::new(&["abc".into()]).unwrap_err(), MaskError::TooShort);
    assert_eq!(Masker::new(&["x".repeat(MAX_SECRET + 1)]).unwrap_err(), MaskError::TooLong);
    let many: Vec<String> = (0..=MAX_SECRETS).map(|n| format!("secret-{n}")).collect();
    assert_eq!(Masker::new(&many).unwrap_err(), MaskError::TooMany);
}

#[test]
fn a_line_of_wrapped_base64_is_masked() {
    let secret = "0123456789".repeat(12);
    let alone = forms::base64(
        secret.as_bytes(),
        0,
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    );
    let wrapped = alone.chunks(76).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>();
    check(&[&secret], &wrapped.join("\n"), "***\n***\n***");
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What a program might write: filler, one form of the secret, filler, in any chunks.
fn written(before: &str, after: &str, forms: &[Vec<u8>], pick: usize) -> Vec<u8> {
    [before.as_bytes(), &forms[pick % forms.len()], after.as_bytes()].concat()
}

fn chunked(masker: &Arc<Masker>, text: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut stream, mut out, mut rest) = (masker.stream(), Vec::new(), text);
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, more) = rest.split_at((*size).min(rest.len()));
        stream.push(chunk, &mut out);
        rest = more;
    }
    stream.finish(&mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    // Neither secrets nor filler with asterisks: a mask beside them could look like a value that was never there.
    #[test]
    fn no_form_of_any_secret_survives_any_chunking(
        secret in "[^*]{8,40}",
        other in "[a-z0-9]{8,12}",
        before in "[^*]{0,40}",
        after in "[^*]{0,40}",
        pick in any::<usize>(),
        sizes in prop::collection::vec(1_usize..20, 1..6),
    ) {
        let masker = masker(&[&secret, &other]);
        let forms = forms::of(&secret);
        let out = chunked(&masker, &written(&before, &after, &forms, pick), &sizes);
        for form in forms.iter().filter(|form| form.len() >= MIN_SECRET) {
            prop_assert!(!contains(&out, form), "{}", String::from_utf8_lossy(&out));
        }
    }

    #[test]
    fn base64_of_a_text_around_the_secret_hides_its_digits(
        secret in "\\PC{8,40}", before in "\\PC{0,9}", after in "\\PC{0,9}", size in 1_usize..9,
    ) {
        let whole = format!("{before}{secret}{after}");
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let text = forms::base64(whole.as_bytes(), 0, alphabet);
        let out = chunked(&masker(&[&secret]), &text, &[size]);
        let own = forms::base64(secret.as_bytes(), before.len() % 3, alphabet);
        prop_assert!(contains(&text, &own), "the test would prove nothing");
        prop_assert!(!contains(&out, &own));
    }

    #[test]
    fn chunks_give_what_the_whole_gives(
        text in "[ab]{0,200}", secrets in prop::collection::vec("[ab]{4,9}", 1..4), size in 1_usize..30,
    ) {
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let masker = masker(&secrets);
        let squeezed = |out: Vec<u8>| {
            let mut text = String::from_utf8(out).unwrap();
            while text.contains("******") {
                text = text.replace("******", "***");
            }
            text
        };
        let whole = squeezed(masker.mask(text.as_bytes()));
        prop_assert_eq!(squeezed(chunked(&masker, text.as_bytes(), &[size])), whole);
    }
}
