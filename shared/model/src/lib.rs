//! The domain, pure: no AWS, no HTTP and no clock of its own.
//!
//! 1. A client posts a [`regulation`]: what to do about up to 5,000 [`subject`]s. It is stored with one [`task`]
//!    for each [`destination`] in scope. A [`batch`] is many regulations that came as one file or message.
//! 2. The subjects are suppressed: their events ([`tracking`]) are dropped when they are collected. A [`source`]
//!    is where events come from; [`person`] is what collection knows about a subject.
//! 3. Each step of the work leaves [`evidence`], which is chained and signed into a [`certificate`].
//!
//! Every change is recorded in the audit [`trail`]. The other modules hold the parts: [`id`], [`status`], [`failure`],
//! [`token`], [`rules`], …

pub mod backoff;
pub mod batch;
pub mod certificate;
pub mod commitment;
pub mod comparison;
pub mod destination;
pub mod evidence;
pub mod exception;
pub mod failure;
pub mod group_commit;
pub mod hashed;
pub mod id;
pub mod id_shape;
pub mod json;
pub mod keys;
pub mod kind;
pub mod linking;
pub mod log;
pub mod missing;
pub mod name;
pub mod normal;
pub mod number;
pub mod outcome;
pub mod person;
pub mod probe;
pub mod purge_run;
pub mod regulation;
pub mod remark;
pub mod resolved;
pub mod rules;
pub mod source;
pub mod source_scope;
pub mod status;
pub mod subject;
pub mod suppression;
pub mod task;
pub mod token;
pub mod tracking;
pub mod trail;
pub mod uuid_text;
