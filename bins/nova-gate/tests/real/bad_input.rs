//! Every malformed exposition, answer, rule and gate file (fault rows 5 and 10) ends in a named outcome, and a newcomer's
//! mistakes in a message with the mend.

use serde_json::Value;

use crate::exporter::{Answer, Exporter};
use crate::{code, gate, stderr, stdout};

#[test]
fn i28_every_malformed_exposition_has_a_name_and_none_passes() {
    let stable = Exporter::new(Answer::Counts(500, 1));
    let line = "http_requests_total{code=\"200\"}";
    let long = format!("http_requests_total{{code=\"{}\"}} 1\n", "x".repeat(1 << 20));
    for (answer, why, text) in [
        (Answer::Nothing, "unreachable", "send"),
        (Answer::Status(500), "malformed", "answered 500"),
        (Answer::Status(503), "malformed", "answered 503"),
        (Answer::Text("<html><body>502 Bad Gateway</body></html>".into()), "malformed", "line 1, column"),
        (Answer::Text(format!("{line} 1")), "malformed", "line 1, column"),
        (Answer::Text(format!("{line} 1\n{line} 2\n")), "malformed", "line 2, column"),
        (Answer::Text(format!("{line} one\n")), "malformed", "line 1, column"),
        (Answer::Text(long), "malformed", "label"),
        (Answer::Text(format!("{line} NaN\n")), "not_a_number", "NaN"),
        (Answer::Text(format!("{line} +Inf\n")), "infinite", "inf"),
        (Answer::Text(format!("{line} -1\n")), "negative", "-1"),
        (Answer::Text(format!("{line} 0.5\n")), "fractional", "0.5"),
        (Answer::Text("http_requests_total{code=\"abc\"} 1\n".into()), "no_status", "abc"),
        (Answer::Text("http_requests_total 1\n".into()), "missing", "status"),
        (Answer::Text("go_goroutines 5\n".into()), "missing", "name yours"),
        (Answer::Text(String::new()), "missing", "name yours"),
        (Answer::Text(format!("{line} 5 1000\n")), "too_old", "old"),
        (Answer::Text(format!("{line} 5 9999999999999\n")), "from_the_future", "ahead"),
        (
            Answer::Text("http_requests_total{code=\"200\",revision=\"a\"} 1\nhttp_requests_total{code=\"200\",revision=\"b\"} 1\n".into()),
            "ambiguous",
            "choose",
        ),
    ] {
        let canary = Exporter::new(answer.clone());
        let output = gate(&[
            "check", "--canary", &canary.url(), "--stable", &stable.url(), "--every", "20ms", "--deadline", "70ms", "--format", "json",
        ]);
        assert_eq!(code(&output), 12, "{answer:?}: {}", stderr(&output));
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let refused = value["refused"].as_array().expect("a list");
        let named = refused.iter().find(|it| it["refusal"]["why"] == why && it["refusal"]["arm"] == "canary");
        let named = named.unwrap_or_else(|| panic!("{why}: {refused:?}"));
        assert!(named["refusal"]["text"].as_str().is_some_and(|it| it.contains(text)), "{text}: {named}");
    }
}

#[test]
fn the_likeliest_mistakes_of_a_newcomer_say_the_mend_and_end_in_2() {
    let exporter = Exporter::new(Answer::Counts(500, 1));
    let url = exporter.url();
    for (arguments, message) in [
        (vec!["check"], "give --stable"),
        (vec!["check", "--canary", &url], "give --stable"),
        (vec!["check", "--canary", &url, "--stable", &url], "compared with itself"),
        (vec!["check", "--canary", "https://a/metrics", "--stable", &url], "https is not spoken"),
        (vec!["check", "--canary", "localhost:9090", "--stable", "x"], "begins with http://"),
        (vec!["check", "--canary", &url, "--stable", "Cargo.toml"], "only one of the two kinds"),
        (vec!["check", "--prometheus", &url, "--canary", "v2", "--stable", "v1"], "write labels"),
        (vec!["check", "--prometheus", &url, "--canary", "a=\"b\""], "give --stable"),
        (vec!["check", "--canary", &url, "--stable", "http://127.0.0.1:1", "--alpha", "0.01"], "percentage"),
        (vec!["check", "--canary", &url, "--stable", "http://127.0.0.1:1", "--every", "5"], "such as 15s"),
        (
            vec!["check", "--canary", &url, "--stable", "http://127.0.0.1:1", "--decides", "planned"],
            "add --requests N",
        ),
        (
            vec!["check", "--canary", &url, "--stable", "http://127.0.0.1:1", "--requests", "900"],
            "add --decides planned",
        ),
        (
            vec![
                "check",
                "--canary",
                &url,
                "--stable",
                "http://127.0.0.1:1",
                "--decides",
                "planned",
                "--requests",
                "9",
            ],
            "at least 100",
        ),
        (vec!["check", "--canary", &url, "--decides", "planned", "--requests", "900"], "give --stable"),
        (vec!["check", "nowhere.yaml"], "nowhere.yaml"),
        (vec!["check", "Cargo.toml"], "Cargo.toml:"),
        (vec!["watch", "--canary", &url, "--stable", "http://127.0.0.1:1"], "--for"),
        (vec!["explain", "Cargo.toml"], "--record"),
        (vec!["lint"], "nothing to lint"),
        (vec!["lint", "Cargo.toml"], "none of the keys"),
        (vec!["lint", "--rps", "-5"], ""),
        (vec!["audit", "Cargo.toml"], "--record"),
        (vec!["audit"], "--prometheus"),
    ] {
        let output = gate(&arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        assert!(stderr(&output).contains(message), "{arguments:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    }
}

#[test]
fn every_bad_answer_of_a_prometheus_has_a_name() {
    let body = |result: &str| {
        format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{result}]}}}}")
    };
    let series = |labels: &str, values: &str| {
        format!(
            "{{\"metric\":{{\"__name__\":\"http_requests_total\",\"instance\":\"i\"{labels}}},\"values\":[{values}]}}"
        )
    };
    for (answer, why) in [
        (Answer::Nothing, "unreachable"),
        (Answer::Status(503), "unreachable"),
        (Answer::Status(404), "malformed"),
        (Answer::Text("<html>".into()), "malformed"),
        (Answer::Text("{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"slow\"}".into()), "malformed"),
        (Answer::Text("{\"status\":\"success\",\"warnings\":[\"half\"],\"data\":{\"resultType\":\"matrix\",\"result\":[]}}".into()), "partial"),
        (Answer::Text(body("")), "missing"),
        (Answer::Text(body(&series(",\"code\":\"200\"", "[1,\"5\"]"))), "ambiguous"),
        (Answer::Text(body(&format!("{0},{0}", series("", "[1,\"5\"]")))), "malformed"),
    ] {
        let server = Exporter::new(answer.clone());
        let output = gate(&[
            "check", "--prometheus", &format!("http://{}", server.address), "--canary", "a=\"b\"", "--stable", "a=\"c\"", "--look-back", "1m", "--format", "json",
        ]);
        assert_eq!(code(&output), 12, "{answer:?}: {}", stderr(&output));
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let refused = value["refused"].as_array().expect("a list");
        assert!(refused.iter().any(|it| it["refusal"]["why"] == why), "{why}: {refused:?}");
    }
}
