//! Why a try did not pass: a name for a program, a sentence for a person.

/// Characters of a reason that are told.
const TOLD_MAX: usize = 300;

/// What was wrong. Texts of the other side are cut and stripped of control characters by [`Reason::told`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing came in time.
    #[error("no whole answer within {0} ms")]
    Deadline(u64),
    /// No connection.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// A connection, and it broke.
    #[error("the connection broke: {0}")]
    Lost(String),
    /// What answers speaks something else.
    #[error("{0}")]
    Protocol(String),
    /// More than is read.
    #[error("more than {0} bytes; a health check answers briefly")]
    TooLarge(usize),
    /// Another status of HTTP.
    #[error("answered {got}, {want} is expected")]
    Status {
        /// What it was.
        got: u16,
        /// What it should have been.
        want: String,
    },
    /// The body lacks what it should contain.
    #[error("the body does not contain {0:?}")]
    Body(String),
    /// The body is not the JSON that is expected.
    #[error("{0}")]
    Json(String),
    /// The gRPC service says that it is not serving.
    #[error("the service says NOT_SERVING")]
    NotServing,
    /// The gRPC server has no such service.
    #[error("the server knows no service of that name; an empty name asks for the server as a whole")]
    ServiceUnknown,
    /// The gRPC server has no health service.
    #[error("the server does not implement grpc.health.v1.Health; register its health service")]
    Unimplemented,
    /// Another status of gRPC.
    #[error("grpc-status {code} {message}")]
    Grpc {
        /// As <https://grpc.io/docs/guides/status-codes/> lists them.
        code: String,
        /// What the server says of it.
        message: String,
    },
    /// The command could not be started.
    #[error("cannot be started: {0}")]
    NotStarted(String),
    /// The command ended otherwise than with 0.
    #[error("ended with {how}{said}")]
    Exit {
        /// `exit code 3`, `signal 9`.
        how: String,
        /// Its last line of output, behind a colon.
        said: String,
    },
    /// The command did not end, and was killed with its group.
    #[error("did not end within {ms} ms and was killed with its group{said}")]
    Killed {
        /// The deadline.
        ms: u64,
        /// Its last line of output, behind a colon.
        said: String,
    },
    /// Not an exposition.
    #[error("not an exposition of metrics: {0}")]
    Exposition(String),
    /// No family of that prefix with a value.
    #[error("no family {0}* has a value")]
    NoFamily(String),
    /// There is one, but nothing of it can move.
    #[error("no counter or gauge is among {0}*")]
    NothingMoves(String),
    /// None of the values differs from the try before.
    #[error("none of {0} values of {1}* has moved since the try before")]
    Still(usize, String),
    /// Nothing to compare with yet.
    #[error("the first look at {0}*; whether it moves is seen at the next")]
    FirstLook(String),
}

impl Reason {
    /// Its name, which is part of the output.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Deadline(_) => "deadline",
            Self::Unreachable(_) => "unreachable",
            Self::Lost(_) => "lost",
            Self::Protocol(_) => "protocol",
            Self::TooLarge(_) => "too_large",
            Self::Status { .. } => "status",
            Self::Body(_) => "body",
            Self::Json(_) => "json",
            Self::NotServing => "not_serving",
            Self::ServiceUnknown => "service_unknown",
            Self::Unimplemented => "unimplemented",
            Self::Grpc { .. } => "grpc_status",
            Self::NotStarted(_) => "not_started",
            Self::Exit { .. } => "exit",
            Self::Killed { .. } => "killed",
            Self::Exposition(_) => "not_an_exposition",
            Self::NoFamily(_) => "no_family",
            Self::NothingMoves(_) => "nothing_moves",
            Self::Still(..) => "still",
            Self::FirstLook(_) => "first_look",
        }
    }

    /// Name and sentence in one line of bounded length.
    pub fn told(&self) -> String {
        let text = format!("{}: {self}", self.name());
        text.chars().take(TOLD_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}
