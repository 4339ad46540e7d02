//! Failures, by what the caller does next.
//!
//! The variants' names are also the error names that the state machines retry (`Transient`) or catch
//! (`Permanent`, `Invalid`): `infra/*.asl.json` spells them the same.

use std::fmt;

/// A failed step.
///
/// `public` may be shown to anyone who may see the regulation; `detail` goes to the log. Neither ever holds an
/// identifier or a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{public}")]
pub struct Failure {
    /// What the caller should do next.
    pub kind: FailureKind,
    /// For the operator: what happened and what to do about it.
    pub public: String,
    /// The input field at fault, when there is one.
    pub field: Option<&'static str>,
    /// The part of that field at fault, when its name is one of ours: a setting.
    pub part: Option<&'static str>,
    /// Seconds after which the other side asks to be called again.
    pub wait: Option<u32>,
    /// For the log only.
    pub detail: Option<String>,
}

/// What the caller of a failed step does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Try again later: the cause is expected to pass.
    Transient,
    /// A retry changes nothing until somebody acts: report it and continue with the rest.
    Permanent,
    /// The caller's input is at fault.
    Invalid,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Failure {
    /// The cause is expected to pass: try again later.
    pub fn transient(public: impl Into<String>) -> Self {
        Self::new(FailureKind::Transient, public)
    }

    /// Somebody has to act before a retry can help.
    pub fn permanent(public: impl Into<String>) -> Self {
        Self::new(FailureKind::Permanent, public)
    }

    /// The caller's input is at fault.
    pub fn invalid(public: impl Into<String>) -> Self {
        Self::new(FailureKind::Invalid, public)
    }

    fn new(kind: FailureKind, public: impl Into<String>) -> Self {
        Self { kind, public: public.into(), field: None, part: None, wait: None, detail: None }
    }

    /// Names the input field at fault.
    #[must_use]
    pub fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// Names the part of the input field at fault.
    #[must_use]
    pub fn part(mut self, part: &'static str) -> Self {
        self.part = Some(part);
        self
    }

    /// Notes after how many seconds the other side asks to be called again.
    #[must_use]
    pub fn wait(mut self, seconds: Option<u32>) -> Self {
        self.wait = seconds;
        self
    }

    /// Adds a detail for the log only.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Whether a retry may help without anybody acting.
    pub fn is_transient(&self) -> bool {
        self.kind == FailureKind::Transient
    }
}

/// The result of a step.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
