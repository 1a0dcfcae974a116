//! The body of an answer: our own line, or an instance's bytes as they come.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};

use crate::counters::{Counters, Ending};
use crate::upstream::{Flight, Wire};

/// Body of an answer.
#[derive(Debug)]
pub struct Body(Kind);

#[derive(Debug)]
enum Kind {
    Line(Option<Bytes>),
    Passed(Passed),
}

/// An answer on its way. When it ends it is counted, and its connection is kept.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) incoming: Incoming,
    pub(crate) wire: Option<Wire>,
    pub(crate) flight: Flight,
    pub(crate) counters: Arc<Counters>,
    pub(crate) begun: Instant,
    pub(crate) ending: Ending,
    pub(crate) counted: bool,
}

impl Body {
    pub(crate) fn line(text: impl Into<Bytes>) -> Self {
        Self(Kind::Line(Some(text.into())))
    }

    pub(crate) fn passed(passed: Passed) -> Self {
        Self(Kind::Passed(passed))
    }
}

impl Passed {
    fn end(&mut self, ending: Ending) {
        if !std::mem::replace(&mut self.counted, true) {
            self.counters.count(ending, self.begun.elapsed());
            self.flight.0.tally.count(ending);
        }
    }

    fn finish(&mut self) {
        self.end(self.ending);
        if let Some(wire) = self.wire.take() {
            self.flight.0.keep(wire);
        }
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        if self.incoming.is_end_stream() {
            self.finish();
        } else {
            // The client has gone: what the instance had answered so far counts.
            self.end(self.ending);
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.get_mut().0 {
            Kind::Line(line) => Poll::Ready(line.take().map(|line| Ok(Frame::data(line)))),
            Kind::Passed(passed) => {
                let frame = ready!(Pin::new(&mut passed.incoming).poll_frame(cx));
                match &frame {
                    None => passed.finish(),
                    Some(Err(_)) => passed.end(Ending::Failure),
                    Some(Ok(_)) => {}
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Line(line) => line.is_none(),
            Kind::Passed(passed) => passed.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Line(line) => SizeHint::with_exact(line.as_ref().map_or(0, |line| line.len() as u64)),
            Kind::Passed(passed) => passed.incoming.size_hint(),
        }
    }
}
