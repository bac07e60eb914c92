//! The closed list of ways a request can fail. One byte each; texts live beside the counts, capped.

macro_rules! failures {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// Why a request failed. Source of the list: the measurement rules in `docs/guide/numbers.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Failure { $($(#[doc = $doc])* $variant,)* }

        impl Failure {
            /// Every kind, in the order of the list.
            pub const ALL: &[Failure] = &[$(Failure::$variant,)*];

            /// The name in results and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Failure::$variant => $name,)* }
            }
        }
    };
}

failures! {
    /// The host name did not resolve, or not within the time limit.
    Dns = "dns",
    /// The target refused the connection.
    ConnectRefused = "connect.refused",
    /// No connection within the time limit.
    ConnectTimeout = "connect.timeout",
    /// The connection was reset, or failed otherwise, while it was opened.
    ConnectReset = "connect.reset",
    /// A machine on the way, or the last one before the target, said that there is no way to it.
    ConnectUnreachable = "connect.unreachable",
    /// The certificate is not trusted, expired or for another host.
    TlsCertificate = "tls.certificate",
    /// The TLS handshake failed for another reason.
    TlsHandshake = "tls.handshake",
    /// The TLS handshake did not end within the time limit.
    TlsTimeout = "tls.timeout",
    /// The request could not be written.
    Send = "send",
    /// The request could not be fully written within the time limit.
    TimeoutSend = "timeout.send",
    /// No response head within the time limit.
    TimeoutHeaders = "timeout.headers",
    /// The response head came, the body did not end within the time limit.
    TimeoutBody = "timeout.body",
    /// The target reset the connection.
    Reset = "reset",
    /// The target closed the connection before the response head.
    ClosedBeforeHeaders = "closed.before_headers",
    /// The target closed the connection in the middle of the body.
    ClosedMidBody = "closed.mid_body",
    /// The answer is not HTTP, or something comes with it that no answer may have.
    Protocol = "protocol",
    /// The body is larger than the plan accepts.
    BodyTooLarge = "body.too_large",
    /// The body could not be decoded as what an expression needs (JSON, UTF-8).
    Decode = "decode",
    /// More redirects than allowed.
    RedirectLoop = "redirect.loop",
    /// A redirect to a place outside the plan's targets, or to none at all.
    RedirectOutside = "redirect.outside",
    /// A status of 400 or more, and no `expect` that says otherwise.
    Status = "status",
    /// An expectation did not hold.
    Expect = "expect",
    /// A value to capture was not there.
    Capture = "capture",
    /// A template could not be rendered; nothing was sent.
    Template = "template",
    /// The generator ran out of file descriptors.
    LocalFds = "local.fds",
    /// The generator ran out of ports.
    LocalPorts = "local.ports",
    /// This machine has no route to the target, or its own rules forbid the connection.
    LocalRoute = "local.route",
    /// The generator ran out of memory.
    LocalMemory = "local.memory",
}

impl Failure {
    /// Number of kinds: the size of a table indexed by `kind as usize`.
    pub const COUNT: usize = Self::ALL.len();

    /// Whether the generator, not the target, is at fault. Such a run is invalid.
    pub const fn is_local(self) -> bool {
        matches!(self, Self::LocalFds | Self::LocalPorts | Self::LocalRoute | Self::LocalMemory)
    }
}
