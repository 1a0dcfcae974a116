//! From OpenMetrics, which the client library writes, to Prometheus text 0.0.4, which every scraper reads.
//!
//! They differ in what this service uses: a counter is declared without `_total`, units have lines of their own,
//! and the text ends in `# EOF`.

/// The content type of what [`prometheus_text`] returns.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Rewrites the comments; samples are the same in both.
pub fn prometheus_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + 256);
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').or(Some((rest, "")));
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            declare(&mut text, name, kind, help.take());
        } else if !line.starts_with('#') && !line.is_empty() {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn declare(text: &mut String, name: &str, kind: &str, help: Option<(&str, &str)>) {
    let total = if kind == "counter" { "_total" } else { "" };
    let kind = match kind {
        "counter" | "gauge" | "histogram" | "summary" => kind,
        _ => "untyped",
    };
    if let Some((_, words)) = help.filter(|(of, _)| *of == name) {
        text.extend(["# HELP ", name, total, " ", words, "\n"]);
    }
    text.extend(["# TYPE ", name, total, " ", kind, "\n"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_rewritten_and_samples_kept() {
        let open = "# HELP a Requests.\n# TYPE a counter\n# UNIT a x\na_total{p=\"# TYPE\"} 1\n\
                    # HELP h Time.\n# TYPE h histogram\nh_sum 0.5\n# TYPE u unknown\nu 1\n# EOF\n";
        let expected = "# HELP a_total Requests.\n# TYPE a_total counter\na_total{p=\"# TYPE\"} 1\n\
                        # HELP h Time.\n# TYPE h histogram\nh_sum 0.5\n# TYPE u untyped\nu 1\n";
        assert_eq!(prometheus_text(open), expected);
    }
}
