//! The literal rules in a gate file: the design's, with other numbers where they are written.

use health::{Baseline, ErrorRate, HealthCheck, Memory, ResponseTime, Rules, ServerErrors};

use super::Reader;
use super::raw::{RawErrorRate, RawLiteral, RawResponseTime, RawServerErrors};
use crate::units;

impl Reader<'_> {
    /// Without the key all five of the design; with it only those that are written.
    pub(super) fn literal(&mut self, raw: Option<&RawLiteral>, memory_limit: Option<u64>) -> Rules {
        let design = Rules::design(memory_limit);
        let Some(raw) = raw else { return design };
        let memory = |raw: &super::raw::RawMemory| Memory {
            over_percent: raw.over_percent,
            limit_bytes: memory_limit,
        };
        Rules {
            health_check: raw.health_check.as_ref().map(|raw| HealthCheck { failures: raw.failures.max(1) }),
            error_rate: raw.error_rate.as_ref().map(|raw| self.error_rate(raw)),
            response_time: raw.response_time.as_ref().map(|raw| self.response_time(raw)),
            server_errors: raw.server_errors.as_ref().map(|raw| self.server_errors(raw)),
            memory: raw.memory.as_ref().map(memory),
            ..design
        }
    }

    fn ppm(&mut self, text: Option<&super::Text>, default: u64) -> u64 {
        let share = self.read(text, "write a percentage such as 1%", units::share_of);
        share.map_or(default, |share| (share * 1e6).round() as u64)
    }

    fn error_rate(&mut self, raw: &RawErrorRate) -> ErrorRate {
        ErrorRate {
            over_ppm: self.ppm(raw.over.as_ref(), 10_000),
            window_ms: self.millis(raw.window.as_ref(), 300_000),
            min_requests: raw.min_requests.unwrap_or(200),
            min_errors: raw.min_errors.unwrap_or(4),
        }
    }

    fn response_time(&mut self, raw: &RawResponseTime) -> ResponseTime {
        ResponseTime {
            over_percent: raw.over_percent.unwrap_or(200),
            window_ms: self.millis(raw.window.as_ref(), 300_000),
            min_requests: raw.min_requests.unwrap_or(200),
            min_diff_us: self.millis(raw.min_diff.as_ref(), 50) * 1_000,
            baseline: Baseline::Concurrent,
        }
    }

    fn server_errors(&mut self, raw: &RawServerErrors) -> ServerErrors {
        ServerErrors {
            per_minute: raw.per_minute.unwrap_or(10),
            over_ppm: self.ppm(raw.over.as_ref(), 10_000),
        }
    }
}
