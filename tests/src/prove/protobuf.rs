//! A scrape in protobuf, encoded by hand: the one form in which a target can show a native histogram.
//!
//! Source: `io/prometheus/client/metrics.proto` of the Prometheus client model; messages have their length in front.

/// What a target answers with it.
pub(super) const KIND: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
/// Types of families.
const COUNTER: u64 = 0;
const HISTOGRAM: u64 = 4;
/// Below it is zero: the least that a client of Go takes for something.
const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// A native histogram: its schema, the number of its first bucket, and what is in this one and those behind it.
#[derive(Clone, Copy)]
pub(super) struct Native {
    pub(super) schema: i64,
    pub(super) first: i64,
    pub(super) counts: &'static [u64],
}

/// Requests by status, and durations, each so many times.
pub(super) fn exposition(requests: &[(u16, u64)], durations: Native, times: u64) -> Vec<u8> {
    let counters: Vec<Vec<u8>> = requests
        .iter()
        .map(|(status, each)| {
            let pair = [text(1, b"code"), text(2, status.to_string().as_bytes())].concat();
            [text(1, &pair), text(3, &double(1, (each * times) as f64))].concat()
        })
        .collect();
    let histogram = vec![text(7, &histogram(durations, times))];
    let families = [
        family("http_requests_total", COUNTER, &counters),
        family("http_request_duration_seconds", HISTOGRAM, &histogram),
    ];
    families.concat()
}

fn histogram(Native { schema, first, counts }: Native, times: u64) -> Vec<u8> {
    let counts: Vec<i64> = counts.iter().map(|count| (count * times).cast_signed()).collect();
    let all: i64 = counts.iter().sum();
    let span = [number(1, zigzag(first)), number(2, counts.len() as u64)].concat();
    let mut out = [
        number(1, all.cast_unsigned()),
        double(2, 1.0),
        number(5, zigzag(schema)),
        double(6, ZERO_THRESHOLD),
    ]
    .concat();
    out.extend(text(12, &span));
    let mut before = 0;
    for count in counts {
        out.extend(number(13, zigzag(count - before)));
        before = count;
    }
    out
}

fn family(name: &str, kind: u64, metrics: &[Vec<u8>]) -> Vec<u8> {
    let metrics: Vec<Vec<u8>> = metrics.iter().map(|metric| text(4, metric)).collect();
    let message = [text(1, name.as_bytes()), number(3, kind), metrics.concat()].concat();
    [varint(message.len() as u64), message].concat()
}

fn text(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn double(field: u64, value: f64) -> Vec<u8> {
    [varint(field << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_form_of_the_wire() {
        assert_eq!(varint(300), [0xac, 0x02]);
        assert_eq!([zigzag(0), zigzag(-1), zigzag(1), zigzag(-30)], [0, 1, 2, 59]);
        assert_eq!(text(2, b"testing"), *b"\x12\x07testing");
        assert_eq!(number(1, 150), [0x08, 0x96, 0x01]);
    }
}
